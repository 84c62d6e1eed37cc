//! A vault that forgets at exit; for tests, and for who wants nothing kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Entry, Vault, VaultError, VaultKind};
use crate::secret::SecretBytes;

/// Entries in this process's memory.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, SecretBytes>>);

impl Memory {
    /// The entries. No code can panic half-way through a change of the map, so a poisoned lock hides nothing broken.
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, SecretBytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Vault for Memory {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        Ok(self.entries().get(&entry.to_string()).cloned())
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        self.entries().insert(entry.to_string(), content.clone());
        Ok(())
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        self.entries().remove(&entry.to_string());
        Ok(())
    }
}
