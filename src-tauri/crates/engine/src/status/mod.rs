//! What a face may know: each account and destination with its state in words, both ends, and the next step. No secret.

mod accounts;
mod destinations;
mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

pub(crate) use accounts::ends_soon;
pub use accounts::{AccountState, AccountStatus};
pub use destinations::{CopyLeft, DestinationState, DestinationStatus};
pub use words::moment;

use crate::account::AccountName;
use crate::journal::{AccountRow, CopyRow};
use crate::settings::{Destination, Host};
use crate::vault::VaultKind;

/// Everything there is to tell.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Status {
    /// As of when.
    pub at: Timestamp,
    /// The provider that is in force in place of Claude.
    pub provider: Option<String>,
    /// Where sign-ins are kept.
    pub vault: VaultKind,
    /// Whether some program keeps everything fresh.
    pub kept_fresh: bool,
    /// Whether nothing is delivered by itself for now.
    pub paused: bool,
    /// Whether the resident shows no notices.
    pub quiet: bool,
    /// Every account.
    pub accounts: Vec<AccountStatus>,
    /// Every destination.
    pub destinations: Vec<DestinationStatus>,
    /// Copies that shall go and could not be reached yet.
    pub copies_left: Vec<CopyLeft>,
}

/// What a status is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The present time.
    pub now: Timestamp,
    /// Where the user's clock stands.
    pub zone: &'a TimeZone,
    /// See [`Status::provider`].
    pub provider: Option<String>,
    /// See [`Status::vault`].
    pub vault: VaultKind,
    /// See [`Status::kept_fresh`].
    pub kept_fresh: bool,
    /// See [`Status::paused`].
    pub paused: bool,
    /// See [`Status::quiet`].
    pub quiet: bool,
    /// From the journal.
    pub accounts: &'a [AccountRow],
    /// From the journal: accounts with a sign-in that waits for its code.
    pub signing_in: &'a [String],
    /// Accounts whose credentials some process is changing now.
    pub renewing: &'a [AccountName],
    /// Hosts that some process is delivering to now.
    pub delivering: &'a [Host],
    /// From the journal.
    pub copies: &'a [CopyRow],
    /// From the settings.
    pub destinations: &'a [Destination],
}

impl Status {
    /// Puts it into words.
    pub fn of(facts: &Facts<'_>) -> Self {
        Self {
            at: facts.now,
            provider: facts.provider.clone(),
            vault: facts.vault,
            kept_fresh: facts.kept_fresh,
            paused: facts.paused,
            quiet: facts.quiet,
            accounts: accounts::all(facts),
            destinations: facts.destinations.iter().map(|it| destinations::one(it, facts)).collect(),
            copies_left: destinations::left(facts),
        }
    }
}
