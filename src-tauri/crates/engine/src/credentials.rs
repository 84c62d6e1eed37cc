//! What is kept for an account: a sign-in with its tokens and their two clocks, a one-year token, or an API key; and whom
//! it belongs to.
//!
//! Credentials are changed by the keeper alone, and kept by the vault as one record, so that a commit is one write.

mod api_key;
mod fitting;
mod kind;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use api_key::{ApiKey, NotAnApiKey};
pub use fitting::{Misfit, fits};
pub use kind::Kind;

use crate::account::{AccountName, Identity};
use crate::provider::Grant;
use crate::secret::SecretString;

/// The end of what has none, as an API key. Kept as a moment, so that whoever compares ends needs no second way; told to
/// nobody, see [`Credentials::ends`]. The last moment that a count of whole milliseconds, as the journal's, can tell.
pub const NEVER: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// What is kept for one account, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account's name.
    pub account: AccountName,
    /// What it is.
    pub kind: Kind,
    /// Base address of the provider that gave the tokens; another provider is never asked with them.
    pub provider: String,
    /// What takers are given: an access token, RFC 6749 section 1.4, or the API key.
    pub access_token: SecretString,
    /// What stays here, and is used once. RFC 6749 section 1.5. Empty where there is none, as with all but a sign-in.
    pub refresh_token: SecretString,
    /// When the access token ends; [`NEVER`] for an API key.
    pub access_token_ends: Timestamp,
    /// When the sign-in itself ends; renewing does not move it. The same as the token's end where nothing is renewed.
    pub sign_in_ends: Timestamp,
    /// What the tokens are good for. RFC 6749 section 3.3.
    pub scopes: Vec<String>,
    /// Who it is.
    pub identity: Identity,
    /// Grows by one with every commit, so that a late answer is known as late. Starts at 1.
    pub version: u64,
    /// When this sign-in was made.
    pub created: Timestamp,
    /// When the record was last committed.
    pub updated: Timestamp,
    /// How often the tokens were renewed since the sign-in.
    pub refresh_count: u64,
}

impl Credentials {
    /// A short name for the access token that tells nothing of it: the first 16 hexadecimal digits of its SHA-256.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.access_token)
    }

    /// When what takers are given ends; none for an API key.
    pub fn ends(&self) -> Option<Timestamp> {
        end(self.access_token_ends)
    }

    /// What of it the provider can be asked to end; none for an API key, which only its owner can delete.
    pub fn grant(&self) -> Option<Grant> {
        self.kind.grant(&self.access_token, &self.refresh_token)
    }

    /// Whether the two come of one and the same sign-in, token or key: ending the one would end the other.
    pub fn is_one_with(&self, other: &Self) -> bool {
        match (self.refresh_token.is_empty(), other.refresh_token.is_empty()) {
            (true, true) => self.access_token == other.access_token,
            _ => self.refresh_token == other.refresh_token,
        }
    }
}

/// An end to be told; none for [`NEVER`].
pub(crate) fn end(ends: Timestamp) -> Option<Timestamp> {
    (ends < NEVER).then_some(ends)
}

/// A short name for a token: 16 hexadecimal digits. Tokens are long and random, so nothing leads back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// The fingerprint of a token.
    pub fn of(token: &SecretString) -> Self {
        let digest = Sha256::digest(token.expose().as_bytes());
        Self(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// A sign-in that was made at the beginning of 2026 and lives eight hours.
    pub(crate) fn credentials() -> Credentials {
        let made: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Credentials {
            account: AccountName::default(),
            kind: Kind::SignIn,
            provider: "http://localhost:1".to_owned(),
            access_token: SecretString::new("canary-access"),
            refresh_token: SecretString::new("canary-refresh"),
            access_token_ends: "2026-01-01T08:00:00Z".parse().unwrap(),
            sign_in_ends: "2026-01-31T00:00:00Z".parse().unwrap(),
            scopes: vec!["user:inference".to_owned(), "user:profile".to_owned()],
            identity: Identity {
                email: Some("ada@example.com".to_owned()),
                plan: Some("max".to_owned()),
                ..Identity::default()
            },
            version: 1,
            created: made,
            updated: made,
            refresh_count: 0,
        }
    }

    /// A token of a year, got at the beginning of 2026.
    pub(crate) fn one_year() -> Credentials {
        let ends = "2027-01-01T00:00:00Z".parse().unwrap();
        Credentials {
            kind: Kind::OneYear,
            access_token: SecretString::new("canary-year"),
            refresh_token: SecretString::new(""),
            access_token_ends: ends,
            sign_in_ends: ends,
            scopes: vec!["user:inference".to_owned()],
            ..credentials()
        }
    }

    /// An API key.
    pub(crate) fn api_key() -> Credentials {
        Credentials {
            kind: Kind::ApiKey,
            access_token: SecretString::new("sk-ant-api03-canary-key-0123456789"),
            refresh_token: SecretString::new(""),
            access_token_ends: NEVER,
            sign_in_ends: NEVER,
            scopes: Vec::new(),
            identity: Identity::default(),
            ..credentials()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_no_end_and_nobody_ends_it() {
        let (sign_in, year, key) = (samples::credentials(), samples::one_year(), samples::api_key());
        assert_eq!(sign_in.ends(), Some(sign_in.access_token_ends));
        assert_eq!((year.ends(), key.ends()), (Some(year.sign_in_ends), None));
        assert!(matches!(sign_in.grant(), Some(Grant::RefreshToken(token)) if token == sign_in.refresh_token));
        assert!(matches!(year.grant(), Some(Grant::AccessToken(token)) if token == year.access_token));
        assert!(key.grant().is_none());
        // A provider that gives a refresh token all the same can be told by it.
        let more = Credentials { refresh_token: SecretString::new("canary-more"), ..year };
        assert!(matches!(more.grant(), Some(Grant::RefreshToken(_))));
    }

    #[test]
    fn two_of_one_sign_in_are_known() {
        let (sign_in, year) = (samples::credentials(), samples::one_year());
        let renewed = Credentials { access_token: SecretString::new("canary-renewed"), ..sign_in.clone() };
        assert!(sign_in.is_one_with(&renewed) && year.is_one_with(&year));
        let next = Credentials { access_token: SecretString::new("canary-next-year"), ..year.clone() };
        assert!(!year.is_one_with(&next) && !year.is_one_with(&sign_in) && !sign_in.is_one_with(&year));
    }
}
