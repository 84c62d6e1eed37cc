//! What a person is told in the window where a sign-in did not work: the engine's words, with a next step that is at hand
//! here instead of a command.

use engine::credentials::Kind;
use engine::provider::ProviderError;
use engine::sign_in::CallbackError;
use engine::{Earlier, Error, Obtained};

const AGAIN: &str = "Begin again with Sign in.";

/// What happened, and what to do.
pub(super) fn failed(error: &Error) -> String {
    match error {
        Error::Callback(CallbackError::Denied { reason, .. }) => {
            format!("The sign-in was not granted ({reason}). Sign in again when you are ready.")
        }
        Error::NotPending => {
            format!("The sign-in took longer than ten minutes, or the code belongs to another one. {AGAIN}")
        }
        Error::NoRefreshToken => format!("{error} {AGAIN}"),
        Error::Provider(ProviderError::Refused { .. }) => {
            format!("{error} {AGAIN} A code is good once, and for a few minutes.")
        }
        Error::Listener(_) => format!("{error} Paste a code instead."),
        other => format!("{other} {}", other.fix()).trim_end().to_owned(),
    }
}

/// What is wrong with a pasted code; the sign-in goes on.
pub(super) fn not_the_code(error: &CallbackError) -> String {
    match error {
        CallbackError::Incomplete => error.to_string(),
        CallbackError::Denied { reason, .. } => format!("The page says no ({reason})."),
    }
}

/// Who would be replaced by whom.
pub(super) fn replaces(obtained: &Obtained, earlier: &Earlier) -> String {
    let before = match earlier.kind {
        Kind::SignIn => format!("{} is signed in as {}.", obtained.account(), earlier.identity),
        Kind::OneYear => format!("{} has a one-year token for {}.", obtained.account(), earlier.identity),
        Kind::ApiKey => format!("{} has an API key.", obtained.account()),
    };
    format!("{before} You are now signing in as {}.", obtained.identity())
}
