//! How a command ended: the exit code, and what a person or a program is told of an error.

use std::process::ExitCode;

use serde_json::json;

use crate::talk;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    PartlyDone,
    SignInNeeded,
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            // 2 is wrong usage, which clap answers.
            Outcome::PartlyDone => 3,
            Outcome::SignInNeeded => 4,
            Outcome::Interrupted => 130,
        })
    }
}

/// Why a command did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// Nothing is served.
    #[error(transparent)]
    Server(#[from] server::Failed),
    /// A server or another program said no, or said nothing.
    #[error("{what}")]
    Refused { code: String, what: String, fix: String },
    /// A person said no, or could not be asked.
    #[error("{what}")]
    Declined { what: String, fix: String },
    /// Standard output is gone.
    #[error("The output could not be written: {0}.")]
    Output(#[from] std::io::Error),
    /// The demo did not show what it is there to show.
    #[error("{what}")]
    Demo { what: String, fix: String },
    /// There is no resident.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Tray(#[from] tray::Failed),
    /// The person or the system wanted the program to end.
    #[error("Stopped before its end.")]
    Interrupted,
}

impl Failure {
    fn code(&self) -> &str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Server(failed) => failed.code(),
            Self::Refused { code, .. } => code,
            #[cfg(target_os = "linux")]
            Self::Tray(failed) => failed.code(),
            Self::Declined { .. } => "declined",
            Self::Output(_) => "output",
            Self::Demo { .. } => "demo",
            Self::Interrupted => "interrupted",
        }
    }

    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Engine(error) => error.fix(),
            Self::Server(failed) => failed.fix(),
            #[cfg(target_os = "linux")]
            Self::Tray(failed) => failed.fix(),
            Self::Declined { fix, .. } | Self::Demo { fix, .. } | Self::Refused { fix, .. } => fix.clone(),
            Self::Output(_) | Self::Interrupted => String::new(),
        }
    }
}

/// Tells of the error: one sentence on what failed, one on what to do. Programs get the same with a stable code.
pub(crate) fn report(failure: &Failure, json: bool) -> Outcome {
    if json {
        let told = json!({"error": {"code": failure.code(), "message": failure.to_string(), "fix": failure.fix()}});
        // With standard output gone too, the exit code has to do.
        let _ = talk::data(format_args!("{told:#}"));
    } else {
        talk::say(format_args!("{failure}"));
        if !failure.fix().is_empty() {
            talk::say(format_args!("{}", failure.fix()));
        }
    }
    match failure {
        Failure::Engine(error) | Failure::Server(server::Failed::Engine(error)) if error.is_sign_in_needed() => {
            Outcome::SignInNeeded
        }
        // The codes of an account that only a person can help.
        Failure::Refused { code, .. } if ["signed_out", "needs_sign_in", "ended"].contains(&code.as_str()) => {
            Outcome::SignInNeeded
        }
        Failure::Interrupted => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}
