//! What a sign-in is: the tokens, their two clocks, and whom they belong to.
//!
//! Credentials are changed by the keeper alone, and kept by the vault as one record, so that a commit is one write.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::account::{AccountName, Identity};
use crate::secret::SecretString;

/// One account's sign-in, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account's name.
    pub account: AccountName,
    /// Base address of the provider that gave the tokens; another provider is never asked with them.
    pub provider: String,
    /// What takers are given. RFC 6749 section 1.4.
    pub access_token: SecretString,
    /// What stays here, and is used once. RFC 6749 section 1.5.
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub access_token_ends: Timestamp,
    /// When the sign-in itself ends; renewing does not move it.
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
}
