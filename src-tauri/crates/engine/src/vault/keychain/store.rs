//! The keychains of macOS and Windows, through the stores of the keyring family.
//!
//! No call can hang the program: each has a deadline, and runs in a thread that nothing waits for. Each opens its own
//! store, since one that is kept would outlive a restart of the keychain and fail then.

use std::sync::Arc;

use async_trait::async_trait;
use keyring_core::{CredentialStore, Error};
use tokio::time::timeout;

use super::detached::{Failure, detached};
use crate::secret::SecretBytes;
use crate::vault::{Entry, Vault, VaultError, VaultKind};

#[cfg_attr(target_os = "macos", path = "store/macos.rs")]
#[cfg_attr(windows, path = "store/windows.rs")]
mod platform;

/// The system's keychain, under one service name.
#[derive(Debug)]
pub(in crate::vault) struct Keychain {
    service: String,
}

impl Keychain {
    /// The keychain's entries of `service`. Asks nothing yet.
    pub(in crate::vault) fn new(service: &str) -> Self {
        Self { service: service.to_owned() }
    }

    /// Does `work` with the entry. `None` where there is no such entry.
    async fn with<T: Send + 'static>(
        &self,
        entry: Entry<'_>,
        work: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, VaultError> {
        let (service, user) = (self.service.clone(), entry.to_string());
        let work = detached(move || {
            let store: Arc<CredentialStore> = platform::store()?;
            work(&store.build(&service, &user, Some(&platform::modifiers()))?)
        });
        match timeout(platform::ANSWER, work).await {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(Failure::Keychain(Error::NoEntry))) => Ok(None),
            Ok(Err(failure)) => Err(failure.meaning(platform::explain)),
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
        self.with(entry, |entry| entry.get_secret().map(SecretBytes::new)).await
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        let content = content.clone();
        let written = self.with(entry, move |entry| entry.set_secret(content.expose())).await?;
        written.ok_or_else(|| VaultError::Other("it took the entry and does not know it".to_owned()))
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        self.with(entry, |entry| entry.delete_credential()).await.map(drop)
    }
}
