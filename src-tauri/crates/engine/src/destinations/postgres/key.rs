//! The key that tokens are encrypted with in the table: Fernet (AES-128-CBC with HMAC-SHA256), as Python's `cryptography`
//! reads and writes it. It is the readers' key, and another than that of the vault.

use std::fmt;

use fernet::Fernet;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::PostgresError;
use crate::secret::SecretString;

/// A key as text: 32 bytes in url-safe base64, with its padding. Without it Python's `cryptography` would refuse what the
/// `fernet` crate takes.
const LENGTH: usize = 44;

/// When tokens are read, in seconds since 1970: later than any, with room for the skew that Fernet adds. A clock that is
/// set wrong, here or where it was written, is no reason not to know what lies there.
const READ: u64 = u64::MAX / 2;

/// Encrypts and decrypts, and has a name that may be seen.
#[derive(Clone)]
pub struct EncryptionKey {
    fernet: Fernet,
    name: String,
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.name)
    }
}

impl EncryptionKey {
    /// Reads a key: exactly 44 characters of url-safe base64.
    ///
    /// # Errors
    /// [`PostgresError::KeyMalformed`] for anything else, also for a passphrase: no key is made of it by stretching, as no
    /// reader would make the same.
    pub fn parse(text: &SecretString) -> Result<Self, PostgresError> {
        let text = text.expose();
        let malformed = |reason: String| PostgresError::KeyMalformed { reason };
        let length = text.chars().count();
        if length != LENGTH {
            return Err(malformed(format!("it has {length} characters, a key has {LENGTH}, and a passphrase is none")));
        }
        let fernet = Fernet::new(text).ok_or_else(|| {
            let standard = text.contains(['+', '/']);
            malformed(if standard {
                "it is in plain base64, and has to be in the url-safe one, with - and _ in place of + and /".to_owned()
            } else {
                "it is no url-safe base64 of 32 bytes, and a passphrase is none".to_owned()
            })
        })?;
        let name = Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { fernet, name })
    }

    /// A name for the key that tells nothing of it: the first 8 hexadecimal digits of its SHA-256.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it stands in the table.
    pub(super) fn encrypt(&self, plain: &SecretString, now: Timestamp) -> String {
        // A clock before 1970 is wrong anyway.
        self.fernet.encrypt_at_time(plain.expose().as_bytes(), u64::try_from(now.as_second()).unwrap_or_default())
    }

    /// None where it was not made with this key, or was changed since.
    pub(super) fn decrypt(&self, sealed: &str) -> Option<SecretString> {
        let plain = self.fernet.decrypt_at_time(sealed, None, READ).ok()?;
        String::from_utf8(plain).ok().map(SecretString::new)
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// A key for tests.
    pub(in super::super) fn key() -> EncryptionKey {
        EncryptionKey::parse(&SecretString::new(Fernet::generate_key())).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = EncryptionKey::parse(&SecretString::new(text)).unwrap_err();
        assert_eq!(error.code(), "encryption_key_malformed");
        assert!(error.fix().contains("openssl rand -base64 32"), "{}", error.fix());
        error.to_string()
    }

    #[test]
    fn a_key_has_44_characters_of_url_safe_base64() {
        let good = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
        EncryptionKey::parse(&SecretString::new(good)).unwrap();
        assert!(refused(good.trim_end_matches('=')).contains("43 characters"), "Python refuses it");
        assert!(refused(&format!("{good}\n")).contains("45 characters"));
        assert!(refused("correct horse battery staple").contains("a passphrase is none"));
        assert!(refused(&"p".repeat(44)).contains("no url-safe base64 of 32 bytes"));
        assert!(refused(&good.replace('_', "/").replace('-', "+")).contains("in place of + and /"));
    }

    #[test]
    fn what_was_encrypted_is_decrypted_whatever_the_clock_says() {
        let (key, token) = (samples::key(), SecretString::new("canary-access"));
        for now in ["1960-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
            let sealed = key.encrypt(&token, now.parse().unwrap());
            assert!(!sealed.contains("canary"));
            assert_eq!(key.decrypt(&sealed), Some(token.clone()));
            assert_eq!(samples::key().decrypt(&sealed), None, "another key");
        }
        assert_eq!(key.decrypt(""), None);
    }

    #[test]
    fn a_key_is_not_shown() {
        let text = Fernet::generate_key();
        let key = EncryptionKey::parse(&SecretString::new(&*text)).unwrap();
        assert!(!format!("{key:?}").contains(&text[..8]));
        assert!(!refused(&format!("{text}x")).contains(&text[..8]));
    }
}
