//! The system's keychain as a vault, through the stores of the keyring family.
//!
//! No call can hang the program: each has a deadline, and runs in a thread that nothing waits for. Each makes its own
//! connection (some 15 ms on Linux), since one that is kept would outlive a restart of the keychain and fail then.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use keyring_core::{CredentialStore, Error};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Entry, Vault, VaultError, VaultKind};
use crate::secret::SecretBytes;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

/// The system's keychain, under one service name.
#[derive(Debug)]
pub(super) struct Keychain {
    service: String,
    gate: platform::Gate,
}

impl Keychain {
    /// The keychain's entries of `service`. Asks nothing yet.
    pub(super) fn new(service: &str) -> Self {
        Self { service: service.to_owned(), gate: platform::Gate::default() }
    }

    /// Does `work` with the entry, once the keychain is open. `None` where there is no such entry and `want` needs one.
    async fn with<T: Send + 'static>(
        &self,
        entry: Entry<'_>,
        want: Want,
        work: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, VaultError> {
        let user = entry.to_string();
        // Opening a store costs most of the time, and needs nothing unlocked: so it begins while the gate is asked.
        let store = detached(platform::store);
        if self.gate.pass(&self.service, &user, want).await? == Found::Nothing && want == Want::Present {
            return Ok(None);
        }
        let service = self.service.clone();
        let work = async {
            let store: Arc<CredentialStore> = store.await?;
            detached(move || {
                let label = format!("Tokenferry ({user})");
                let entry = store.build(&service, &user, Some(&platform::modifiers(&label)))?;
                work(&entry)
            })
            .await
        };
        match timeout(platform::ANSWER, work).await {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(Failure::Keychain(Error::NoEntry))) => Ok(None),
            Ok(Err(failure)) => Err(failure.into()),
            Err(_) => Err(VaultError::TimedOut(platform::ANSWER)),
        }
    }
}

#[async_trait]
impl Vault for Keychain {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        self.with(entry, Want::Present, |entry| entry.get_secret().map(SecretBytes::new)).await
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        let content = content.clone();
        let written = self.with(entry, Want::Room, move |entry| entry.set_secret(content.expose())).await?;
        written.ok_or_else(|| VaultError::Other("it took the entry and does not know it".to_owned()))
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        self.with(entry, Want::Present, |entry| entry.delete_credential()).await.map(drop)
    }
}

/// What a call needs of the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// The entry, if there is one.
    Present,
    /// The entry, or else a place for a new one.
    Room,
}

/// What the gate saw before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// There is such an entry, or only the call itself can tell.
    Something,
    /// There is no such entry.
    Nothing,
}

/// Why a call in a thread of its own came to nothing.
enum Failure {
    /// What the keychain said.
    Keychain(Error),
    /// The thread did not start, or ended without an answer.
    Thread,
}

impl From<Failure> for VaultError {
    /// Words for what the keychain said. A keyring error may carry an entry's content: it is never printed whole.
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Keychain(error) => error,
            Failure::Thread => return Self::Other("the call ended without an answer".to_owned()),
        };
        match error {
            Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => platform::explain(cause.as_ref()),
            Error::TooLong(_, limit) => Self::TooLarge { limit },
            Error::Ambiguous(entries) => Self::Other(format!(
                "it holds {} entries for the same account; delete all but one with the system's keychain program",
                entries.len()
            )),
            Error::NoEntry => Self::Other("it does not know the entry".to_owned()),
            Error::BadDataFormat(..) | Error::BadEncoding(_) => Self::Other("it can't decrypt the entry".to_owned()),
            Error::BadStoreFormat(why) | Error::NotSupportedByStore(why) => Self::Other(why),
            Error::Invalid(what, why) => Self::Other(format!("{what} {why}")),
            _ => Self::Other("it gave no reason".to_owned()),
        }
    }
}

/// Starts `call` at once, in a thread that nobody waits for: a runtime would not end before its own blocking threads do,
/// and this one may wait for a prompt that nobody answers.
fn detached<T: Send + 'static>(
    call: impl FnOnce() -> keyring_core::Result<T> + Send + 'static,
) -> impl Future<Output = Result<T, Failure>> {
    let (give, take) = oneshot::channel();
    let started = std::thread::Builder::new().name("keychain".to_owned()).spawn(move || drop(give.send(call())));
    async move {
        started.map_err(|_| Failure::Thread)?;
        take.await.map_err(|_| Failure::Thread)?.map_err(Failure::Keychain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_panics_is_an_error() {
        let failure = detached(|| -> keyring_core::Result<()> { panic!("a store gave up") }).await.unwrap_err();
        assert_eq!(VaultError::from(failure).code(), "vault_failed");
    }

    #[test]
    fn a_call_that_hangs_does_not_keep_the_program() {
        let (_hold, hung) = std::sync::mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let waited = runtime.block_on(async {
            let call = detached(move || Ok(hung.recv().is_ok()));
            timeout(std::time::Duration::from_millis(50), call).await
        });
        assert!(waited.is_err());
        // A runtime with a blocking task of its own would wait here for ever.
        drop(runtime);
    }

    #[test]
    fn what_an_error_carries_of_an_entry_is_not_printed() {
        let cause = || std::io::Error::other("the seal");
        let errors =
            [Error::BadEncoding(b"canary".to_vec()), Error::BadDataFormat(b"canary".to_vec(), Box::new(cause()))];
        for error in errors {
            let error = VaultError::from(Failure::Keychain(error));
            let bytes = format!("{:?}", b"canary");
            assert!(!format!("{error} {error:?}").contains("canary") && !format!("{error:?}").contains(&bytes));
        }
    }

    #[test]
    fn an_entry_that_is_too_large_is_told_with_the_limit() {
        let error = VaultError::from(Failure::Keychain(Error::TooLong("secret".to_owned(), 2560)));
        assert_eq!(error.code(), "keychain_entry_too_large");
        assert_eq!(error.to_string(), "The entry is too large for this keychain, which takes 2560 bytes.");
    }
}
