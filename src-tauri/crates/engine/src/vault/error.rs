//! What can go wrong with a vault, told apart by what the user does next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::lock::LockError;
use crate::given_key::NotGiven;

/// Why a vault could not do what it was asked. `Display` says what happened, [`fix`](Self::fix) the next step; neither
/// ever holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no keychain to talk to. Holds why.
    #[error("No keychain was found: {0}.")]
    Absent(String),
    /// The keychain is there and locked, and nobody unlocked it in time.
    #[error("The keychain is locked.")]
    Locked,
    /// Somebody, or the system, said no.
    #[error("The keychain refused access.")]
    Denied,
    /// The keychain takes no entry of this size.
    #[error("The entry is too large for this keychain, which takes {limit} bytes.")]
    TooLarge {
        /// The most that an entry may have, in bytes.
        limit: u32,
    },
    /// The keychain did not answer in time.
    #[error("The keychain did not answer within {} s.", .0.as_secs())]
    TimedOut(Duration),
    /// The entry is there, and is not what Tokenferry wrote. Holds the entry's name and why.
    #[error("The vault's entry \"{entry}\" is damaged: {why}.")]
    Corrupt {
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// The entry was written by a newer Tokenferry.
    #[error("The vault's entry \"{entry}\" has format {found}; this Tokenferry knows formats up to {known}.")]
    Newer {
        /// The entry's name.
        entry: String,
        /// The format that was found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A key was given that can't be had.
    #[error(transparent)]
    NotGiven(#[from] NotGiven),
    /// What was given as a key is none.
    #[error("{0} holds no key: a key is exactly 44 characters of url-safe base64, and a passphrase is none.")]
    MalformedKey(String),
    /// The entry was encrypted with another key. Nothing was changed.
    #[error("The vault's entry \"{0}\" was encrypted with another key; it was left as it is.")]
    WrongKey(String),
    /// The key file can be read by others.
    #[error("Others can read the vault's key file {}.", .0.display())]
    ExposedKey(PathBuf),
    /// There are entries, but the key that they were encrypted with is gone.
    #[error("The vault holds entries, and its key is missing: there is neither {} nor CLAUDE_TOKEN_ENCRYPTION_KEY.", .0.display())]
    MissingKey(PathBuf),
    /// What was read back is not what was written.
    #[error("The {0} did not give back what was written to it.")]
    Unfaithful(super::VaultKind),
    /// The file system said no.
    #[error("Could not {doing} {}: {source}.", .path.display())]
    Disk {
        /// What was being done, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is in the way.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The home's sign-ins are kept by another kind of vault than the one that is chosen now.
    #[error("The sign-ins are kept in the {kept_in}, and what is chosen now is the {chosen}.")]
    OtherKind {
        /// Where they are.
        kept_in: super::VaultKind,
        /// What was chosen.
        chosen: super::VaultKind,
    },
    /// Anything else. Holds what was said.
    #[error("The vault failed: {0}.")]
    Other(String),
}

impl VaultError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "keychain_absent",
            Self::Locked => "keychain_locked",
            Self::Denied => "keychain_denied",
            Self::TooLarge { .. } => "keychain_entry_too_large",
            Self::TimedOut(_) => "keychain_timed_out",
            Self::Corrupt { .. } => "vault_entry_corrupt",
            Self::Newer { .. } => "vault_entry_newer",
            Self::NotGiven(why) => why.code(),
            Self::MalformedKey(_) => "vault_key_malformed",
            Self::WrongKey(_) => "vault_key_wrong",
            Self::ExposedKey(_) => "vault_key_exposed",
            Self::MissingKey(_) => "vault_key_missing",
            Self::Unfaithful(_) => "vault_unfaithful",
            Self::OtherKind { .. } => "vault_other_kind",
            Self::Disk { .. } => "vault_disk",
            Self::Lock(error) => error.code(),
            Self::Other(_) => "vault_failed",
        }
    }

    /// Whether the same call may go well in a moment: a keychain can be unlocked or come back, a disk can get room. The
    /// others stay until somebody changes something.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Absent(_)
            | Self::Locked
            | Self::Denied
            | Self::TimedOut(_)
            | Self::Disk { .. }
            | Self::Lock(_)
            | Self::Other(_) => true,
            Self::TooLarge { .. }
            | Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::NotGiven(_)
            | Self::MalformedKey(_)
            | Self::WrongKey(_)
            | Self::ExposedKey(_)
            | Self::MissingKey(_)
            | Self::Unfaithful(_)
            | Self::OtherKind { .. } => false,
        }
    }

    /// Whether the vault is well and this one entry can't be read: signing out, which removes it, still can be done.
    pub fn is_of_the_entry(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::WrongKey(_))
    }

    /// What to do about it, as a sentence or two.
    pub fn fix(&self) -> String {
        const CHOOSE_FILE: &str = "set TOKENFERRY_VAULT=file, or write vault = \"file\" in config.toml, to keep \
                                   sign-ins in an encrypted file";
        const SIGN_IN_ANEW: &str = "run `tokenferry logout` and `tokenferry login` to start anew";
        match self {
            Self::Absent(_) => format!("Start a keychain such as gnome-keyring or KWallet, or {CHOOSE_FILE}."),
            Self::Locked => format!(
                "Unlock it (the prompt may be behind another window) and try again. On a machine without a screen, \
                 {CHOOSE_FILE}."
            ),
            Self::Denied => "Try again, and allow Tokenferry when the system asks.".to_owned(),
            Self::TooLarge { .. } => format!("To go on, {CHOOSE_FILE}."),
            Self::TimedOut(_) => {
                "Look for a prompt of the keychain, perhaps behind another window, and try again.".to_owned()
            }
            Self::Corrupt { .. } => format!("Restore it from a backup, or {SIGN_IN_ANEW}."),
            Self::Newer { .. } => "Use the newer Tokenferry that wrote it.".to_owned(),
            Self::NotGiven(why) => why.fix(),
            Self::MalformedKey(_) => {
                "Make a key with: openssl rand -base64 32 | tr '+/' '-_' (keep it safe: without it the sign-ins are \
                 lost)."
                    .to_owned()
            }
            Self::WrongKey(_) => {
                format!(
                    "Give the key that it was made with in CLAUDE_TOKEN_ENCRYPTION_KEY or vault.key, or {SIGN_IN_ANEW}."
                )
            }
            Self::ExposedKey(path) => format!("Run: chmod 600 {}", path.display()),
            Self::MissingKey(path) => format!(
                "Put the key file back, or give the key in CLAUDE_TOKEN_ENCRYPTION_KEY. If it is lost, delete the folder {} \
                 and sign in again.",
                path.with_extension("").display()
            ),
            Self::Unfaithful(_) => format!("Do not use it for sign-ins: {CHOOSE_FILE}."),
            Self::OtherKind { kept_in, .. } => {
                let word = kept_in.word();
                format!(
                    "Go on with TOKENFERRY_VAULT={word}, or vault = \"{word}\" in config.toml. To change, sign out there \
                     with `tokenferry logout` first."
                )
            }
            Self::Disk { .. } => "Look at the folder's permissions and free space, and try again.".to_owned(),
            Self::Lock(error) => error.fix(),
            Self::Other(_) => format!("Try again. If it goes on, {CHOOSE_FILE}."),
        }
    }
}
