//! What a provider granted, as far as it can be asked to end it.

use crate::secret::SecretString;

/// What is named to end it. RFC 7009 section 2.1.
#[derive(Clone, Debug)]
pub enum Grant {
    /// A sign-in, by its newest refresh token.
    RefreshToken(SecretString),
    /// A token that came alone. Whether the provider ends such a one, it says itself: the official CLI never asks.
    AccessToken(SecretString),
}

impl Grant {
    pub(super) fn token(&self) -> &SecretString {
        match self {
            Self::RefreshToken(token) | Self::AccessToken(token) => token,
        }
    }

    /// The word of RFC 7009 section 2.1 for which it is.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::RefreshToken(_) => "refresh_token",
            Self::AccessToken(_) => "access_token",
        }
    }
}
