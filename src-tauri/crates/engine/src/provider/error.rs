//! What a provider's failure means for whoever asked.

use std::time::Duration;

use crate::secret::SecretString;

/// Why the provider gave no answer of use, by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider's clear no (`invalid_grant`, or 401 for an access token). Asking again changes nothing: sign in again.
    #[error("Claude refused: {reason}.")]
    Refused {
        /// The provider's own word, such as `invalid_grant`.
        reason: String,
    },
    /// The provider knows who asks, and does not let this kind of token ask it (403). It says nothing against the token.
    #[error("Claude does not let this token ask that.")]
    NotAllowed,
    /// The provider is there and can't answer now. Try again, not before `after` where it named a time.
    #[error("Claude can't answer now ({what}).")]
    Busy {
        /// What it said, such as `503`.
        what: String,
        /// How long it asked to be left alone.
        after: Option<Duration>,
    },
    /// Nobody answered. Try again.
    #[error("Claude can't be reached ({what}).")]
    Unreachable {
        /// What stood in the way, without addresses that could carry a secret.
        what: String,
    },
    /// An answer that makes no sense. Try again; it says nothing on the sign-in.
    #[error("Claude answered something that Tokenferry can't read ({what}).")]
    Strange {
        /// What was wrong with it, and never a part of it.
        what: String,
    },
}

impl ProviderError {
    /// The stable word for it in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "provider_refused",
            Self::NotAllowed => "provider_not_allowed",
            Self::Busy { .. } => "provider_busy",
            Self::Unreachable { .. } => "provider_unreachable",
            Self::Strange { .. } => "provider_strange",
        }
    }

    /// How long the provider asked to be left alone, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => *after,
            _ => None,
        }
    }

    pub(super) fn strange(what: impl Into<String>) -> Self {
        Self::Strange { what: what.into() }
    }
}

/// Why a renewal brought no access token.
#[derive(Debug)]
pub struct Unrenewed {
    /// What went wrong.
    pub why: ProviderError,
    /// The refresh token's successor, where at least that came. It is to be stored all the same: its predecessor is used up.
    pub successor: Option<SecretString>,
}

impl From<ProviderError> for Unrenewed {
    fn from(why: ProviderError) -> Self {
        Self { why, successor: None }
    }
}
