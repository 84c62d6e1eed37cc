//! The key of an encrypted vault: given by the user, or made once and kept in a file that nobody else may read.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use fernet::Fernet;

use super::super::{VaultError, short_hash};
use super::atomic;
use crate::secret::{SecretBytes, SecretString};

/// A Fernet key as text: 32 bytes in url-safe base64, with its padding. Without it Python's `cryptography` would refuse
/// what the `fernet` crate takes.
const LENGTH: usize = 44;

/// When tokens say that they were made, in seconds since 1970. A token from the future is refused, and a clock that was
/// set back must not cost a sign-in: so the clock is left out of it.
const MADE: u64 = 0;

/// When tokens are read, in seconds since 1970: later than any, with room for the skew that Fernet adds.
const READ: u64 = u64::MAX / 2;

/// Encrypts and decrypts, and has an id that may be seen.
pub(super) struct Key {
    fernet: Fernet,
    id: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Key {
    /// The key that the user gave there.
    pub(super) fn given(text: &SecretString, place: String) -> Result<Self, VaultError> {
        Self::parse(text.expose()).ok_or(VaultError::MalformedKey(place))
    }

    /// The key in the file, which is made where there is none. Where `needed` says that entries exist already, a new key
    /// could not open them, and none is made.
    pub(super) fn from_file(path: &Path, needed: bool) -> Result<Self, VaultError> {
        let file = match read(path)? {
            Some(file) => file,
            None if needed => return Err(VaultError::MissingKey(path.to_owned())),
            None => {
                let made = SecretBytes::new(Fernet::generate_key().into_bytes());
                // Two processes may get here at once. The slower one takes the key of the faster.
                if atomic::create(path, made.expose())? { made } else { read(path)?.unwrap_or(made) }
            }
        };
        let malformed = || VaultError::MalformedKey(path.display().to_string());
        let text = std::str::from_utf8(file.expose()).map_err(|_| malformed())?;
        Self::parse(text.trim_end()).ok_or_else(malformed)
    }

    fn parse(text: &str) -> Option<Self> {
        let fernet = (text.len() == LENGTH).then(|| Fernet::new(text))??;
        Some(Self { fernet, id: short_hash(text.as_bytes()) })
    }

    /// A name for the key that tells nothing of it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn encrypt(&self, plain: &SecretBytes) -> String {
        self.fernet.encrypt_at_time(plain.expose(), MADE)
    }

    /// `None` where the token was not made with this key, or was changed since.
    pub(super) fn decrypt(&self, token: &str) -> Option<SecretBytes> {
        self.fernet.decrypt_at_time(token, None, READ).ok().map(SecretBytes::new)
    }
}

/// The key file's content, or `None` where there is no such file. One that others can read is refused: the key may be
/// known by now.
fn read(path: &Path) -> Result<Option<SecretBytes>, VaultError> {
    let disk = |source| VaultError::Disk { doing: "read", path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(error)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata().map_err(disk)?.permissions().mode() & 0o077 != 0 {
            return Err(VaultError::ExposedKey(path.to_owned()));
        }
    }
    // Room for one byte more than a key and its line's end: anything that long is none, and is not read further.
    let mut content = Vec::with_capacity(LENGTH + 3);
    io::Read::read_to_end(&mut io::Read::take(file, (LENGTH + 3) as u64), &mut content).map_err(disk)?;
    Ok(Some(SecretBytes::new(content)))
}
