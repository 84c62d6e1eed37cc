//! What was found that a person should know of: what it is, why it matters, what to do.

use std::fmt::Display;

use serde::Serialize;

/// Something that can't be delivered to, or that is at odds with something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A word for programs that never changes.
    pub code: &'static str,
    /// On which engine, by the settings' name for it.
    pub engine: String,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
}

impl Finding {
    pub(super) fn new(code: &'static str, engine: &str, [what, why, fix]: [&dyn Display; 3]) -> Self {
        Self { code, engine: engine.to_owned(), what: shown(what), why: shown(why), fix: shown(fix) }
    }
}

/// Fit to be shown: whoever makes containers chooses labels and variables, which should play no tricks on a terminal.
pub(super) fn shown(text: impl Display) -> String {
    text.to_string().replace(char::is_control, "\u{fffd}")
}
