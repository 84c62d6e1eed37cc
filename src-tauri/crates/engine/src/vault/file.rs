//! A vault of encrypted files.

use std::path::Path;

use async_trait::async_trait;

use super::{Entry, Vault, VaultError, VaultKind};
use crate::secret::{SecretBytes, SecretString};

/// Encrypted entries in a folder, a file each.
#[derive(Debug)]
pub(super) struct EncryptedFiles;

impl EncryptedFiles {
    /// Opens the folder, making it and its key where there is none yet.
    pub(super) async fn open(_home: &Path, _key: Option<SecretString>) -> Result<Self, VaultError> {
        Ok(Self)
    }
}

#[async_trait]
impl Vault for EncryptedFiles {
    fn kind(&self) -> VaultKind {
        VaultKind::File
    }

    async fn read(&self, _entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        Err(VaultError::Absent("the encrypted file is not built yet".to_owned()))
    }

    async fn write(&self, _entry: Entry<'_>, _content: &SecretBytes) -> Result<(), VaultError> {
        Err(VaultError::Absent("the encrypted file is not built yet".to_owned()))
    }

    async fn delete(&self, _entry: Entry<'_>) -> Result<(), VaultError> {
        Err(VaultError::Absent("the encrypted file is not built yet".to_owned()))
    }
}
