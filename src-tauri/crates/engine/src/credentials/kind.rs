//! The kinds of credential.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::provider::Grant;
use crate::secret::SecretString;

/// What is kept for an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "AccountKind"))]
pub enum Kind {
    /// A sign-in: an access token of some hours, and a refresh token that gets the next.
    #[default]
    SignIn,
    /// The token that `claude setup-token` gives: good for a year, for inference only, and never renewed.
    OneYear,
    /// A key of the API's: it has no end, and its owner alone can delete it.
    ApiKey,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::SignIn, Self::OneYear, Self::ApiKey];

    /// The stable word for it, in records and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::OneYear => "one_year",
            Self::ApiKey => "api_key",
        }
    }

    /// Whether it is renewed before its end.
    pub fn is_renewed(self) -> bool {
        self == Self::SignIn
    }

    /// With its article, as a sentence wants it.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::SignIn => "a sign-in",
            Self::OneYear => "a one-year token",
            Self::ApiKey => "an API key",
        }
    }

    /// The command that gets another of this kind, without its account.
    pub fn command(self) -> &'static str {
        match self {
            Self::SignIn => "tokenferry login",
            Self::OneYear => "tokenferry login --one-year",
            Self::ApiKey => "tokenferry account add-api-key",
        }
    }

    /// What of such credentials the provider can be asked to end; none where only their owner can.
    pub(crate) fn grant(self, access_token: &SecretString, refresh_token: &SecretString) -> Option<Grant> {
        match self {
            Self::ApiKey => None,
            // A provider may well give a refresh token where none is wanted. It is good for this at least.
            _ if !refresh_token.is_empty() => Some(Grant::RefreshToken(refresh_token.clone())),
            _ => Some(Grant::AccessToken(access_token.clone())),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => "sign-in",
            Self::OneYear => "one-year token",
            Self::ApiKey => "API key",
        })
    }
}
