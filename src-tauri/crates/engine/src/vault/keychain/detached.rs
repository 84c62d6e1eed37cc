//! A call to a keychain that can't hang the program: in a thread that nothing waits for; and what its errors mean.

use std::future::Future;

use keyring_core::Error;
use tokio::sync::oneshot;

use crate::vault::VaultError;

/// What a system said.
pub(super) type Cause = dyn std::error::Error + Send + Sync;

/// Why a call in a thread of its own came to nothing.
pub(super) enum Failure {
    /// What the keychain said.
    Keychain(Error),
    /// The thread did not start, or ended without an answer.
    Thread,
}

impl Failure {
    /// Words for what the keychain said; `explain` knows the errors of its system. A keyring error may carry an entry's
    /// content: it is never printed whole.
    pub(super) fn meaning(self, explain: impl FnOnce(&Cause) -> VaultError) -> VaultError {
        let error = match self {
            Self::Keychain(error) => error,
            Self::Thread => return VaultError::Other("the call ended without an answer".to_owned()),
        };
        match error {
            Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => explain(cause.as_ref()),
            Error::TooLong(_, limit) => VaultError::TooLarge { limit },
            Error::Ambiguous(entries) => VaultError::Other(format!(
                "it holds {} entries for the same account; delete all but one with the system's keychain program",
                entries.len()
            )),
            Error::NoEntry => VaultError::Other("it does not know the entry".to_owned()),
            Error::BadDataFormat(..) | Error::BadEncoding(_) => {
                VaultError::Other("it can't decrypt the entry".to_owned())
            }
            Error::BadStoreFormat(why) | Error::NotSupportedByStore(why) => VaultError::Other(why),
            Error::Invalid(what, why) => VaultError::Other(format!("{what} {why}")),
            _ => VaultError::Other("it gave no reason".to_owned()),
        }
    }
}

/// Starts `call` at once, in a thread that nobody waits for: a runtime would not end before its own blocking threads do,
/// and this one may wait for a prompt that nobody answers.
pub(super) fn detached<T: Send + 'static>(
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

    fn unexplained(cause: &Cause) -> VaultError {
        VaultError::Other(cause.to_string())
    }

    #[tokio::test]
    async fn a_call_that_panics_is_an_error() {
        let failure = detached(|| -> keyring_core::Result<()> { panic!("a store gave up") }).await.unwrap_err();
        assert_eq!(failure.meaning(unexplained).code(), "vault_failed");
    }

    #[test]
    fn a_call_that_hangs_does_not_keep_the_program() {
        let (_hold, hung) = std::sync::mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let waited = runtime.block_on(async {
            let call = detached(move || Ok(hung.recv().is_ok()));
            tokio::time::timeout(std::time::Duration::from_millis(50), call).await
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
            let error = Failure::Keychain(error).meaning(unexplained);
            let bytes = format!("{:?}", b"canary");
            assert!(!format!("{error} {error:?}").contains("canary") && !format!("{error:?}").contains(&bytes));
        }
    }

    #[test]
    fn an_entry_that_is_too_large_is_told_with_the_limit() {
        let error = Failure::Keychain(Error::TooLong("secret".to_owned(), 2560)).meaning(unexplained);
        assert_eq!(error.code(), "keychain_entry_too_large");
        assert_eq!(error.to_string(), "The entry is too large for this keychain, which takes 2560 bytes.");
    }
}
