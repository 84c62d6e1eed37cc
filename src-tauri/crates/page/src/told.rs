//! What the page is told where something fails: a stable word, what happened, what to do. Never a secret.

use std::fmt::Display;

use serde::Serialize;

/// Why a question has no answer, or a sign-in came to nothing. The same shape as what is wrong with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The stable word for it.
    pub code: String,
    /// What happened, in a sentence.
    pub what: String,
    /// What to do; empty where the first sentence says it.
    pub fix: String,
}

impl Told {
    /// A word for programs, and up to two sentences for people.
    pub fn new(code: &str, what: impl Display, fix: impl Into<String>) -> Self {
        Self { code: code.to_owned(), what: what.to_string(), fix: fix.into() }
    }

    /// Something that makes no sense where the page is shown now.
    pub fn not_here(what: impl Display) -> Self {
        Self::new("not_here", what, "")
    }

    /// Both sentences.
    pub fn text(&self) -> String {
        format!("{} {}", self.what, self.fix).trim_end().to_owned()
    }
}

impl From<engine::Error> for Told {
    fn from(error: engine::Error) -> Self {
        Self::new(error.code(), &error, error.fix())
    }
}

impl From<engine::BadWord> for Told {
    fn from(word: engine::BadWord) -> Self {
        Self::new("bad_name", &word, "")
    }
}
