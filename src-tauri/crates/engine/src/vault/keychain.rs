//! The system's keychain as a vault.

use async_trait::async_trait;

use super::{Entry, Vault, VaultError, VaultKind};
use crate::secret::SecretBytes;

/// The system's keychain, under one service name.
#[derive(Debug)]
pub(super) struct Keychain {
    service: String,
}

impl Keychain {
    /// The keychain's entries of `service`.
    pub(super) fn new(service: &str) -> Self {
        Self { service: service.to_owned() }
    }
}

#[async_trait]
impl Vault for Keychain {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    async fn read(&self, _entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        Err(VaultError::Absent(format!("{} is not built yet", self.service)))
    }

    async fn write(&self, _entry: Entry<'_>, _content: &SecretBytes) -> Result<(), VaultError> {
        Err(VaultError::Absent(format!("{} is not built yet", self.service)))
    }

    async fn delete(&self, _entry: Entry<'_>) -> Result<(), VaultError> {
        Err(VaultError::Absent(format!("{} is not built yet", self.service)))
    }
}
