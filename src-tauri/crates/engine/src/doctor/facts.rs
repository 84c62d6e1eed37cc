//! What a judgement is made on: gathered once, as it was at one moment.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Contents;
use crate::account::AccountName;
use crate::destinations::docker::{EngineError, Leftovers, survey::Survey};
use crate::destinations::{DeliveryError, Ids};
use crate::error::Error;
use crate::journal::{AccountRow, CopyRow};
use crate::provider::ProviderError;
use crate::settings::Destination;
use crate::vault::VaultKind;

/// Everything that is judged.
#[derive(Debug)]
pub struct Facts {
    /// The present time.
    pub now: Timestamp,
    /// Where the user's clock stands.
    pub zone: TimeZone,
    /// Why the settings can't be read, if they can't.
    pub settings: Option<Error>,
    /// Why the journal can't be read, if it can't.
    pub journal: Option<Error>,
    /// The vault, and whether it gives what it should.
    pub vault: VaultFacts,
    /// The provider, and whether it answers.
    pub provider: ProviderFacts,
    /// Whether some program keeps everything fresh.
    pub kept_fresh: bool,
    /// From the journal.
    pub accounts: Vec<AccountRow>,
    /// From the journal.
    pub copies: Vec<CopyRow>,
    /// From the settings; where these can't be read, what the inventory knows of them.
    pub destinations: Vec<Destination>,
    /// The engines that were looked at: those with a destination, and the one that `docker` would use.
    pub engines: Vec<EngineFacts>,
}

/// The vault.
#[derive(Debug)]
pub struct VaultFacts {
    /// Which kind is chosen.
    pub kind: VaultKind,
    /// Why it can't be read as a whole, if it can't.
    pub trouble: Option<Error>,
    /// Accounts that the journal knows, and whose entry is missing or can't be read; then why.
    pub entries: Vec<(AccountName, Option<Error>)>,
}

/// The provider.
#[derive(Debug)]
pub struct ProviderFacts {
    /// Its name, where it is another in place of Claude.
    pub other: Option<String>,
    /// How far its clock is ahead of ours, where it tells.
    pub answer: Result<Option<SignedDuration>, ProviderError>,
}

/// An engine.
#[derive(Debug)]
pub struct EngineFacts {
    /// As the settings name it.
    pub name: String,
    /// The destinations on it.
    pub destinations: Vec<Destination>,
    /// What was seen, or why nothing was.
    pub sight: Result<Sight, EngineError>,
}

/// What was seen on an engine.
#[derive(Debug, Default)]
pub struct Sight {
    /// What is there.
    pub survey: Survey,
    /// How far its clock is ahead of ours, where it tells.
    pub ahead: Option<SignedDuration>,
    /// What earlier runs of ours left.
    pub leftovers: Leftovers,
    /// What lies at each destination, by its name. One that was not looked at is missing.
    pub contents: BTreeMap<String, Result<Contents, DeliveryError>>,
    /// What lies beside it, by the destination's name, where some container mounts it.
    pub folders: BTreeMap<String, Folder>,
    /// Versions of the official CLI, by the container's id, where they can be told.
    pub versions: BTreeMap<String, String>,
}

/// A file that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Whose it is.
    pub owner: Ids,
    /// Its permission bits.
    pub mode: u32,
}

/// What lies in a destination's folder, as seen from a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The container's name.
    pub container: String,
    /// Whether it runs.
    pub running: bool,
    /// The folder's path there.
    pub path: String,
    /// The CLI's locks, each with when it was made or last confirmed, by the engine's clock.
    pub locks: Vec<(String, Timestamp)>,
    /// Temporary files of this installation, each with when it was written, by the engine's clock.
    pub temporaries: Vec<(String, Timestamp)>,
}
