//! Where sign-ins are kept between two uses: the system's keychain, an encrypted file, or memory.
//!
//! A vault keeps whole entries and knows nothing of what is in them, but for `record`. It never falls back to another
//! kind by itself, and never writes plain text to a disk.

mod error;
mod file;
mod keychain;
pub mod lock;
mod memory;
mod record;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

pub use self::error::VaultError;
pub use self::record::{RecordError, decode, encode, read_credentials, write_credentials};
use crate::account::AccountName;
use crate::given_key::GivenKey;
use crate::secret::SecretBytes;

/// One thing that a vault keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// An account's whole sign-in.
    Account(&'a AccountName),
    /// A sign-in that waits for its code; named by its id.
    PendingSignIn(&'a str),
    /// What the vault is tried out with.
    Trial,
}

impl fmt::Display for Entry<'_> {
    /// The entry's stable name: the user in a keychain, and what an encrypted entry is bound to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account:{name}"),
            Self::PendingSignIn(id) => write!(f, "pending-sign-in:{id}"),
            Self::Trial => f.write_str("trial"),
        }
    }
}

/// A name for the entry that every file system takes, whatever it thinks of case and of names such as `con`.
fn file_stem(entry: Entry<'_>) -> String {
    let kind = match entry {
        Entry::Account(_) => "account",
        Entry::PendingSignIn(_) => "pending",
        Entry::Trial => "trial",
    };
    format!("{kind}-{}", short_hash(entry.to_string().as_bytes()))
}

/// The first 16 hexadecimal digits of the SHA-256.
fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The kinds of vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum VaultKind {
    /// The system's keychain: Secret Service, macOS Keychain or Windows Credential Manager.
    Keychain,
    /// Files encrypted with Fernet.
    File,
    /// This process's memory.
    Memory,
}

impl VaultKind {
    /// The kind's word, as in `TOKENFERRY_VAULT` and `config.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keychain => "system's keychain",
            Self::File => "encrypted file",
            Self::Memory => "memory, which forgets at exit",
        })
    }
}

/// Not one of the words for a kind of vault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no kind of vault. Use keychain, file or memory.")]
pub struct BadVaultKind(String);

impl FromStr for VaultKind {
    type Err = BadVaultKind;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Keychain, Self::File, Self::Memory]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| BadVaultKind(word.to_owned()))
    }
}

/// A place that keeps entries, each written and replaced as a whole.
#[async_trait]
pub trait Vault: Send + Sync + fmt::Debug {
    /// Which kind it is.
    fn kind(&self) -> VaultKind;

    /// The entry's content, or `None` where there is no such entry.
    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError>;

    /// Writes the entry, in place of an earlier one. When this returns, the content survives a crash.
    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError>;

    /// Removes the entry. One that is not there is as good as removed.
    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError>;
}

/// Opens the vault of the given kind. The keychain itself is first asked at the first use.
///
/// `home` is the folder of all state. `service` is the keychain's name for this installation: `tokenferry` for the
/// platform's default folder; see [`keychain_service`]. `key` is where a key of the user's own was given, if anywhere.
pub async fn open(kind: VaultKind, home: &Path, service: &str, key: &GivenKey) -> Result<Arc<dyn Vault>, VaultError> {
    Ok(match kind {
        VaultKind::Keychain => Arc::new(keychain::Keychain::new(service)),
        VaultKind::File => Arc::new(file::EncryptedFiles::open(home, key.clone()).await?),
        VaultKind::Memory => Arc::new(memory::Memory::default()),
    })
}

/// The keychain's service name for the state folder `home`: `tokenferry` where it is the platform's `default`, otherwise
/// with the beginning of the path's hash, so that two installations don't share entries.
pub fn keychain_service(home: &Path, default: &Path) -> String {
    const SERVICE: &str = "tokenferry";
    if home == default {
        SERVICE.to_owned()
    } else {
        format!("{SERVICE}:{}", short_hash(home.as_os_str().as_encoded_bytes()))
    }
}

/// Tries the vault out where this has not been done yet in `home` with this kind: writes, reads back, compares, removes.
///
/// A mark in `home` remembers that it went well, so that later processes don't pay for it.
pub async fn try_out(vault: &dyn Vault, home: &Path) -> Result<(), VaultError> {
    let mark = home.join(TRIED);
    let word = vault.kind().word();
    let tried = || std::fs::read_to_string(&mark).is_ok_and(|kind| kind == word);
    if vault.kind() == VaultKind::Memory || tried() {
        return Ok(());
    }
    // Two at once would read back each other's entry.
    let _lock = lock::trial(home).await?;
    if tried() {
        return Ok(());
    }
    let mut content = vec![0; TRIAL_SIZE];
    getrandom::fill(&mut content).map_err(|error| VaultError::Other(error.to_string()))?;
    let content = SecretBytes::new(content);
    vault.write(Entry::Trial, &content).await?;
    let back = vault.read(Entry::Trial).await?;
    vault.delete(Entry::Trial).await?;
    if back.as_ref() != Some(&content) || vault.read(Entry::Trial).await?.is_some() {
        return Err(VaultError::Unfaithful(vault.kind()));
    }
    std::fs::write(&mark, word).map_err(|source| VaultError::Disk { doing: "write", path: mark, source })
}

/// The kind of vault that was last tried out in `home`, and so holds what this home keeps.
pub fn last_tried(home: &Path) -> Option<VaultKind> {
    std::fs::read_to_string(home.join(TRIED)).ok()?.parse().ok()
}

/// The mark's name: a file that holds the word of the kind that was tried.
const TRIED: &str = "vault-tried";

/// As much as a sign-in's record may need, in bytes, so that a keychain too small for one is known at once.
const TRIAL_SIZE: usize = 2048;

#[cfg(test)]
mod tests;
