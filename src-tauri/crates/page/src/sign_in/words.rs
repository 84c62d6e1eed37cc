//! What a person is told on the page where a sign-in did not work: the engine's words, with a next step that is at hand
//! there instead of a command.

use engine::Error;
use engine::provider::ProviderError;
use engine::sign_in::CallbackError;

use crate::told::Told;

const AGAIN: &str = "Begin again with Sign in.";

/// What happened, and what to do. Two of the engine's words are told apart further, since a page in another language has no
/// other sentence to go by.
pub(super) fn failed(error: &Error) -> Told {
    match error {
        Error::Callback(CallbackError::Denied { reason, .. }) => {
            let what = format!("The sign-in was not granted ({reason}).");
            Told::new(error.code(), what, "Sign in again when you are ready.")
        }
        Error::NotPending => {
            let what = "The sign-in took longer than ten minutes, or the code belongs to another one.";
            Told::new("sign_in_over", what, AGAIN)
        }
        Error::NoRefreshToken => Told::new(error.code(), error, AGAIN),
        Error::Provider(ProviderError::Refused { .. }) => {
            Told::new("code_refused", error, format!("{AGAIN} A code is good once, and for a few minutes."))
        }
        Error::Listener(_) => Told::new(error.code(), error, "Paste a code instead."),
        other => Told::new(other.code(), other, other.fix()),
    }
}

/// What is wrong with a pasted code; the sign-in goes on.
pub(super) fn not_the_code(error: &CallbackError) -> Told {
    match error {
        CallbackError::Incomplete => Told::new("code_incomplete", error, ""),
        CallbackError::Denied { reason, .. } => Told::new("denied", format_args!("The page says no ({reason})."), ""),
    }
}

/// The pasted code is a good one, of another sign-in; this one goes on.
pub(super) fn code_of_another() -> Told {
    Told::new("code_of_another", "That code belongs to another sign-in.", "Copy the one of the page above.")
}
