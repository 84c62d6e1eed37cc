//! A vault of encrypted files, one for each entry, in `vault/` of the state folder.
//!
//! An entry is replaced whole or not at all, also when the power fails, and is bound to its name, so that swapped files
//! are noticed. Who can read the key file can read the entries: this guards a backup or a stray copy of the folder
//! `vault/`, not against somebody with the user's own rights.

mod atomic;
mod key;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use self::key::Key;
use super::{Entry, Vault, VaultError, VaultKind};
use crate::given_key::GivenKey;
use crate::secret::SecretBytes;

/// The format of the files. Grows when an older Tokenferry would misread them.
const FORMAT: u32 = 1;

/// Encrypted entries in a folder, a file each.
#[derive(Debug)]
pub(super) struct EncryptedFiles(Arc<Folder>);

impl EncryptedFiles {
    /// Opens the folder, making it and its key where there is none yet.
    ///
    /// `key` is where the user gave one; without it the key file `vault.key` is used.
    pub(super) async fn open(home: &Path, key: GivenKey) -> Result<Self, VaultError> {
        let home = home.to_owned();
        on_disk(move || Folder::open(&home, &key)).await.map(|folder| Self(Arc::new(folder)))
    }
}

#[async_trait]
impl Vault for EncryptedFiles {
    fn kind(&self) -> VaultKind {
        VaultKind::File
    }

    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        let (folder, place) = (Arc::clone(&self.0), self.0.place(entry));
        on_disk(move || folder.read(&place)).await
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        let (folder, place, content) = (Arc::clone(&self.0), self.0.place(entry), content.clone());
        on_disk(move || folder.write(&place, &content)).await
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        let place = self.0.place(entry);
        on_disk(move || atomic::remove(&place.path)).await
    }
}

/// Runs what may wait for a disk. What began is finished also where the caller has gone away; only the end of the process
/// stops it, and then what was there before is still there.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(VaultError::Other("the work on the encrypted file was broken off".to_owned())),
    }
}

/// Where an entry lies, and what it is called inside.
struct Place {
    name: String,
    path: PathBuf,
}

/// An entry's file. The key's id tells a wrong key from a damaged file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    key: String,
    fernet: String,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    key: Key,
}

impl Folder {
    fn open(home: &Path, key: &GivenKey) -> Result<Self, VaultError> {
        let path = home.join("vault");
        atomic::make_folder(home)?;
        atomic::make_folder(&path)?;
        let holds_entries = atomic::sweep(&path)?;
        let key = match key.read()? {
            Some((key, place)) => Key::given(&key, place)?,
            None => Key::from_file(&home.join("vault.key"), holds_entries)?,
        };
        Ok(Self { path, key })
    }

    fn place(&self, entry: Entry<'_>) -> Place {
        Place { name: entry.to_string(), path: self.path.join(super::file_stem(entry)).with_extension("json") }
    }

    fn read(&self, place: &Place) -> Result<Option<SecretBytes>, VaultError> {
        let corrupt = |why: &str| VaultError::Corrupt { entry: place.name.clone(), why: why.to_owned() };
        let Some(envelope) = self.envelope(place)? else { return Ok(None) };
        if envelope.key != self.key.id() {
            return Err(VaultError::WrongKey(place.name.clone()));
        }
        let opened = self.key.decrypt(&envelope.fernet).ok_or_else(|| corrupt("its seal is broken"))?;
        let named = opened.expose().strip_prefix(place.name.as_bytes()).and_then(|rest| rest.strip_prefix(b"\0"));
        named.map(|content| Some(SecretBytes::new(content.to_vec()))).ok_or_else(|| corrupt("it is another entry"))
    }

    /// Leaves alone what another key, or a newer Tokenferry, has written: it may still be wanted.
    fn write(&self, place: &Place, content: &SecretBytes) -> Result<(), VaultError> {
        match self.envelope(place) {
            Ok(Some(there)) if there.key != self.key.id() => return Err(VaultError::WrongKey(place.name.clone())),
            Ok(_) | Err(VaultError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut named = Vec::with_capacity(place.name.len() + 1 + content.expose().len());
        named.extend_from_slice(place.name.as_bytes());
        named.push(0);
        named.extend_from_slice(content.expose());
        let fernet = self.key.encrypt(&SecretBytes::new(named));
        let envelope = Envelope { format: FORMAT, key: self.key.id().to_owned(), fernet };
        let written = serde_json::to_vec(&envelope).map_err(|error| VaultError::Other(error.to_string()))?;
        atomic::replace(&place.path, &written)
    }

    fn envelope(&self, place: &Place) -> Result<Option<Envelope>, VaultError> {
        let entry = &place.name;
        let file = match fs::read(&place.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(VaultError::Disk { doing: "read", path: place.path.clone(), source }),
        };
        let corrupt = |_| VaultError::Corrupt { entry: entry.clone(), why: "its file is not whole".to_owned() };
        let Head { format } = serde_json::from_slice(&file).map_err(corrupt)?;
        if format > FORMAT {
            return Err(VaultError::Newer { entry: entry.clone(), found: format, known: FORMAT });
        }
        serde_json::from_slice(&file).map(Some).map_err(corrupt)
    }
}

#[cfg(test)]
mod tests;
