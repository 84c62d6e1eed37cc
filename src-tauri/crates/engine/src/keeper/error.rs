//! Why credentials could not be kept or had.

use jiff::Timestamp;

use crate::account::AccountName;
use crate::credentials::Kind;
use crate::journal::JournalError;
use crate::provider::ProviderError;
use crate::vault::VaultError;
use crate::vault::lock::LockError;

/// What stood in the way, by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// There is no such sign-in. Sign in.
    #[error("{0} is not signed in.")]
    SignedOut(AccountName),
    /// The provider refused the sign-in. Sign in again.
    #[error("{account} must sign in again. {why}")]
    SignInNeeded {
        /// Whose.
        account: AccountName,
        /// What the provider said, in a sentence.
        why: String,
    },
    /// What is never renewed has ended. Get another.
    #[error("The {kind} of {account} has ended.")]
    Ended {
        /// Whose.
        account: AccountName,
        /// What it is.
        kind: Kind,
    },
    /// It is good, and never renewed. Nothing is wrong.
    #[error("{account} has {}, which is never renewed: there is nothing to do.", .kind.with_article())]
    NothingToRenew {
        /// Whose.
        account: AccountName,
        /// What it is.
        kind: Kind,
    },
    /// What has no refresh token has no owner to be changed: it can be used at several places.
    #[error("{account} has {}, without a refresh token: there is nothing to hand over.", .kind.with_article())]
    NothingToHandOver {
        /// Whose.
        account: AccountName,
        /// What it is.
        kind: Kind,
    },
    /// It did not work this time. Try again, not before `next`.
    #[error("The token of {account} could not be renewed. {why}")]
    Later {
        /// Whose.
        account: AccountName,
        /// What stood in the way, in a sentence.
        why: String,
        /// When it may be tried again.
        next: Timestamp,
    },
    /// The sign-in is another provider's, and is not shown to this one.
    #[error("{account} was signed in at {provider}, which is not the provider that is in force now.")]
    OtherProvider {
        /// Whose.
        account: AccountName,
        /// Where it was made.
        provider: String,
    },
    /// The provider could not be told.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The lock between processes could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The work was stopped under way.
    #[error("The work was stopped.")]
    Stopped,
}
