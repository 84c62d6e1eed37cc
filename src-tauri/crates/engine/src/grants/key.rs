//! Keys that are shown from outside: made by chance, written as text, kept as a hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::SecretString;

/// How many random bytes a key has.
const SECRET: usize = 32;
/// How many characters they are in base64.
const SECRET_TEXT: usize = 43;
/// How many hexadecimal digits a selector has.
const SELECTOR_TEXT: usize = 16;

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// What a program may ask for.
    Grant,
    /// The door, once.
    Link,
    /// What a person may do who came in.
    Session,
}

impl KeyKind {
    /// What it begins with, so that people and searches for leaked secrets know it.
    fn prefix(self) -> &'static str {
        match self {
            Self::Grant => "tfg_",
            Self::Link => "tfl_",
            Self::Session => "tfs_",
        }
    }
}

/// Finds what a key is for. It is drawn by chance beside the secret, and tells nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector(pub(crate) String);

impl Selector {
    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a key's secret. 256 random bits can't be guessed from it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHash(pub(crate) [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

impl KeyHash {
    /// Whether it is that of this key. Takes the same time for each that isn't.
    pub fn is_of(&self, key: &Key) -> bool {
        self.0.ct_eq(&key.hash().0).into()
    }
}

/// A key, as whoever has it shows it.
#[derive(Debug)]
pub struct Key {
    kind: KeyKind,
    selector: Selector,
    secret: SecretString,
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn new(kind: KeyKind) -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; SECRET]);
        let mut selector = [0; SELECTOR_TEXT / 2];
        getrandom::fill(secret.as_mut_slice())?;
        getrandom::fill(&mut selector)?;
        Ok(Self {
            kind,
            selector: Selector(selector.iter().map(|byte| format!("{byte:02x}")).collect()),
            secret: SecretString::new(URL_SAFE_NO_PAD.encode(secret.as_slice())),
        })
    }

    /// Reads one of this kind. `None` where it can't be one.
    pub fn parse(kind: KeyKind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind.prefix())?;
        let (selector, secret) = (rest.get(..SELECTOR_TEXT)?, rest.get(SELECTOR_TEXT..)?.strip_prefix('_')?);
        let is_hex = selector.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let is_base64 = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (is_hex && is_base64 && secret.len() == SECRET_TEXT).then(|| Self {
            kind,
            selector: Selector(selector.to_owned()),
            secret: SecretString::new(secret),
        })
    }

    /// What its owner is given, once.
    pub fn show(&self) -> SecretString {
        SecretString::new(format!("{}{}_{}", self.kind.prefix(), self.selector.0, self.secret.expose()))
    }

    /// Finds what it is for.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// What is kept of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.secret.expose().as_bytes()).into())
    }

    /// Another secret that follows from this one alone, and doesn't lead back to it: what a page shows with each change,
    /// so that another page that can make a browser send the key can't make it send this.
    pub fn beside(&self) -> SecretString {
        let digest = Sha256::new().chain_update(b"beside ").chain_update(self.secret.expose()).finalize();
        SecretString::new(URL_SAFE_NO_PAD.encode(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        let key = Key::new(KeyKind::Grant).unwrap();
        let shown = key.show();
        let read = Key::parse(KeyKind::Grant, shown.expose()).unwrap();
        assert_eq!(read.selector(), key.selector());
        assert!(key.hash().is_of(&read) && shown.expose().starts_with("tfg_"));
        assert_eq!(read.beside(), key.beside());
        assert_ne!(read.beside(), Key::new(KeyKind::Grant).unwrap().beside());
        assert!(Key::parse(KeyKind::Session, shown.expose()).is_none(), "it opens what it is for alone");
    }

    #[test]
    fn another_secret_with_the_same_selector_is_another_key() {
        let (key, other) = (Key::new(KeyKind::Link).unwrap(), Key::new(KeyKind::Link).unwrap());
        let guessed = format!("tfl_{}_{}", key.selector().as_str(), other.secret.expose());
        assert!(!key.hash().is_of(&Key::parse(KeyKind::Link, &guessed).unwrap()));
    }

    #[test]
    fn what_can_be_none_is_none() {
        let shown = Key::new(KeyKind::Grant).unwrap().show();
        let shown = shown.expose();
        for bad in
            ["", "tfg_", &shown[1..], &shown[..shown.len() - 1], &format!("{shown}x"), &shown.replace("tfg_", "tfg_é")]
        {
            assert!(Key::parse(KeyKind::Grant, bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn it_does_not_print() {
        let key = Key::new(KeyKind::Session).unwrap();
        let told = format!("{key:?} {:?}", key.hash());
        assert!(!told.contains(key.secret.expose()), "{told}");
    }
}
