//! A sign-in that was begun and waits for its code, for ten minutes and beyond the end of the process.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::{CsrfToken, PkceCodeChallenge, RedirectUrl};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use crate::account::AccountName;
use crate::provider::{Provider, Wanted};
use crate::secret::{SecretBytes, SecretString};

/// Codes live for minutes; who takes longer begins anew.
pub const PENDING_LIVES: Duration = Duration::from_secs(10 * 60);

/// Names a pending sign-in without telling its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingId(pub String);

impl PendingId {
    /// The name of the sign-in with this state: 16 hexadecimal digits of its SHA-256.
    pub fn of(state: &SecretString) -> Self {
        let digest = Sha256::digest(state.expose().as_bytes());
        Self(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for PendingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that is needed to finish a sign-in once its code is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// Under which name it shall be kept.
    pub account: AccountName,
    /// What was asked for.
    pub wanted: Wanted,
    /// The provider's name; the code is good nowhere else.
    pub provider: String,
    /// Ties the answer to the question. RFC 6749 section 10.12.
    pub state: SecretString,
    /// Proves that who asked also trades the code. RFC 7636 section 4.1.
    pub verifier: SecretString,
    /// Where the code was told to go; the exchange names it again.
    pub redirect: RedirectUrl,
    /// When it was begun.
    pub started: Timestamp,
}

/// A record of a pending sign-in that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("The waiting sign-in can't be read. Start again with `tokenferry login`.")]
pub struct UnreadablePending;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    account: AccountName,
    #[serde(default)]
    wanted: Wanted,
    provider: String,
    state: &'a str,
    verifier: &'a str,
    redirect: RedirectUrl,
    started: Timestamp,
}

impl PendingSignIn {
    /// Begins a sign-in: new state, new verifier, and the address of the page to open.
    pub fn begin(
        provider: &Provider,
        account: AccountName,
        wanted: Wanted,
        redirect: RedirectUrl,
        now: Timestamp,
    ) -> (Self, Url) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random_len(32).into_secret();
        let url = provider.authorize_url(wanted, challenge, &state, &redirect);
        let pending = Self {
            account,
            wanted,
            provider: provider.endpoints().name.clone(),
            state: SecretString::new(state),
            verifier: SecretString::new(verifier.into_secret()),
            redirect,
            started: now,
        };
        (pending, url)
    }

    /// Its name.
    pub fn id(&self) -> PendingId {
        PendingId::of(&self.state)
    }

    /// When it is too late.
    pub fn ends(&self) -> Timestamp {
        self.started
            .saturating_add(jiff::SignedDuration::try_from(PENDING_LIVES).unwrap_or_default())
            .unwrap_or(self.started)
    }

    /// As the vault keeps it.
    ///
    /// # Errors
    /// [`UnreadablePending`] where it can't be written down; not seen in practice.
    pub fn encode(&self) -> Result<SecretBytes, UnreadablePending> {
        let record = Record {
            account: self.account.clone(),
            wanted: self.wanted,
            provider: self.provider.clone(),
            state: self.state.expose(),
            verifier: self.verifier.expose(),
            redirect: self.redirect.clone(),
            started: self.started,
        };
        serde_json::to_vec(&record).map(SecretBytes::new).map_err(|_| UnreadablePending)
    }

    /// As it was kept.
    ///
    /// # Errors
    /// [`UnreadablePending`] where it is not what [`Self::encode`] wrote.
    pub fn decode(record: &SecretBytes) -> Result<Self, UnreadablePending> {
        let record: Record<'_> = serde_json::from_slice(record.expose()).map_err(|_| UnreadablePending)?;
        let (state, verifier) = (Zeroizing::new(record.state.to_owned()), Zeroizing::new(record.verifier.to_owned()));
        Ok(Self {
            account: record.account,
            wanted: record.wanted,
            provider: record.provider,
            state: SecretString::new(state.as_str()),
            verifier: SecretString::new(verifier.as_str()),
            redirect: record.redirect,
            started: record.started,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Endpoints;

    fn begun() -> (PendingSignIn, Url) {
        begun_for(Wanted::SignIn)
    }

    fn begun_for(wanted: Wanted) -> (PendingSignIn, Url) {
        let provider = Provider::new(Endpoints::below("http://localhost:1").unwrap());
        let redirect = RedirectUrl::new("http://localhost:2/callback".into()).unwrap();
        PendingSignIn::begin(&provider, AccountName::default(), wanted, redirect, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_address_holds_the_challenge_and_not_the_verifier() {
        let (pending, url) = begun();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&oauth2::PkceCodeVerifier::new(
            pending.verifier.expose().to_owned(),
        ));
        let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["code_challenge"], challenge.as_str());
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["state"], pending.state.expose());
        assert_eq!(query["code"], "true");
        assert!(!url.as_str().contains(pending.verifier.expose()));
    }

    #[test]
    fn it_survives_being_kept() {
        for wanted in [Wanted::SignIn, Wanted::OneYear] {
            let (pending, _) = begun_for(wanted);
            assert_eq!(PendingSignIn::decode(&pending.encode().unwrap()).unwrap(), pending);
        }
        PendingSignIn::decode(&SecretBytes::new(b"{}".to_vec())).unwrap_err();
    }

    #[test]
    fn a_year_is_for_inference_alone() {
        let scope = |wanted| {
            let (_, url) = begun_for(wanted);
            url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned()
        };
        assert_eq!(scope(Wanted::OneYear), "user:inference");
        assert!(scope(Wanted::SignIn).contains("user:profile"));
    }

    #[test]
    fn no_two_are_alike() {
        let ((one, _), (two, _)) = (begun(), begun());
        assert_ne!(one.verifier, two.verifier);
        assert_ne!(one.id(), two.id());
    }
}
