//! What the page is told where something fails: a stable word, what happened, what to do. Never a secret.

use std::fmt::Display;

use serde::Serialize;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    /// The stable word for it.
    pub(crate) code: String,
    /// What happened, in a sentence.
    pub(crate) what: String,
    /// What to do; empty where the first sentence says it.
    pub(crate) fix: String,
}

impl Told {
    pub(crate) fn new(code: &str, what: impl Display, fix: &str) -> Self {
        Self { code: code.to_owned(), what: what.to_string(), fix: fix.to_owned() }
    }

    /// Both sentences.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.what, self.fix).trim_end().to_owned()
    }
}

impl From<engine::Error> for Told {
    fn from(error: engine::Error) -> Self {
        Self::new(error.code(), &error, &error.fix())
    }
}

impl From<engine::BadWord> for Told {
    fn from(word: engine::BadWord) -> Self {
        Self::new("bad_name", format_args!("{word}"), "")
    }
}

impl From<tauri::Error> for Told {
    fn from(error: tauri::Error) -> Self {
        Self::new("window", format_args!("The window could not be opened: {error}."), "Start Tokenferry again.")
    }
}
