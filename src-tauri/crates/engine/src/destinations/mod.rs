//! The places that credentials are delivered to, and the words for delivering: parcel, receipt, error.
//!
//! A destination carries parcels and says what became of each. It doesn't know what is in them: formats compose the
//! files, and the delivery's plan says what is due.

use std::collections::BTreeSet;
use std::fmt;

use crate::secret::SecretBytes;

pub mod docker;
mod error;
pub mod folder;
pub mod kubernetes;
mod look;
pub mod postgres;

pub use error::{DeliveryError, NextStep};

/// What is to be brought to one destination.
pub struct Parcel {
    /// The destination's name, as the user gave it; unique within a call.
    pub destination: String,
    /// What the files lie in: a volume's name, a folder's path, and so on by kind of place. Two parcels may go to the same
    /// one, to different files.
    pub root: String,
    /// Whose the files shall be.
    pub owner: OwnerChoice,
    /// The files, each handled for itself.
    pub files: Vec<ParcelFile>,
}

/// One file of a parcel.
pub struct ParcelFile {
    /// Where it goes, from the root; names joined by `/`.
    pub path: String,
    /// Permission bits, such as `0o600`.
    pub mode: u32,
    /// Says what to do, given what is there. Called again if the file changes meanwhile.
    pub compose: Compose,
}

/// From the bytes that are there (none if there is no file, or a link) to what shall be done.
pub type Compose = Box<dyn Fn(Option<&[u8]>) -> Result<Change, ComposeError> + Send + Sync>;

/// What shall be done with a file.
#[derive(Debug)]
pub enum Change {
    /// Leave what is there, also if that is nothing.
    Keep,
    /// Leave the content, which is as it should be; owner and mode shall be those of a file that is written.
    Settle,
    /// Put this there.
    Write(SecretBytes),
    /// Take it away.
    Remove,
}

/// Why a file that is there can't be worked with. Holds nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// It is not what it should be, such as "it is no JSON".
    #[error("{0}")]
    NotUnderstood(String),
    /// It holds a whole sign-in, with a refresh token, that somebody made there.
    #[error("it holds a sign-in of somebody else's, with a refresh token")]
    Foreign,
}

/// Whose a delivered file shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnerChoice {
    /// Found by looking at the file, the volume and the containers that use it.
    #[default]
    Auto,
    /// Said by the user.
    Ids(Ids),
}

impl fmt::Display for OwnerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Ids(ids) => ids.fmt(f),
        }
    }
}

impl std::str::FromStr for OwnerChoice {
    type Err = String;

    /// Reads `auto`, or `UID:GID` in numbers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let ids =
            text.split_once(':').and_then(|(uid, gid)| Some(Ids { uid: uid.parse().ok()?, gid: gid.parse().ok()? }));
        ids.map(Self::Ids)
            .ok_or_else(|| format!("\"{text}\" is no owner. Write auto, or two numbers such as 1000:1000."))
    }
}

/// A user and a group, as Linux numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ids {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

/// A parcel that arrived, and was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The destination's name.
    pub destination: String,
    /// What became of each file, in the parcel's order.
    pub files: Vec<FileReceipt>,
}

impl Receipt {
    /// Whether the volume holds nothing but these files: no container has made it its own yet.
    pub fn is_all_there_is(&self) -> bool {
        let there = self.files.iter().filter(|file| file.owner.is_some());
        let at_top: BTreeSet<_> = there.filter_map(|file| file.path.split('/').next()).collect();
        self.files.iter().all(|file| usize::from(file.entries_at_top) <= at_top.len())
    }

    /// Whether one of the files is root's.
    pub fn is_root_s(&self) -> bool {
        self.files.iter().any(|file| file.owner.is_some_and(|owner| owner.uid == 0))
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReceipt {
    /// As in the parcel.
    pub path: String,
    /// What was done.
    pub outcome: Outcome,
    /// Its owner, as read back; none if there is no file.
    pub owner: Option<Ids>,
    /// Its permission bits, as read back.
    pub mode: Option<u32>,
    /// Its size in bytes, as read back.
    pub size: Option<u64>,
    /// How many entries the volume's root folder has by then, without our temporary files; counted up to 1000.
    pub entries_at_top: u16,
    /// When it was seen lying there as it should.
    pub read_back_at: jiff::Timestamp,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Written, and read back byte for byte.
    Written,
    /// Left as it was.
    Kept,
    /// Taken away, and seen to be gone.
    Removed,
    /// There was nothing, and there still is nothing.
    Absent,
}

/// A parcel that did not arrive, or not all of it.
#[derive(Debug)]
pub struct Undelivered {
    /// What stood in the way.
    pub error: DeliveryError,
    /// The files that were done with all the same.
    pub files: Vec<FileReceipt>,
    /// Files that were sent, and of which no answer came: a copy may lie there.
    pub uncertain: Vec<String>,
}

impl From<DeliveryError> for Undelivered {
    fn from(error: DeliveryError) -> Self {
        Self { error, files: Vec::new(), uncertain: Vec::new() }
    }
}

impl From<folder::FolderError> for Undelivered {
    fn from(error: folder::FolderError) -> Self {
        DeliveryError::from(error).into()
    }
}

impl From<postgres::PostgresError> for Undelivered {
    fn from(error: postgres::PostgresError) -> Self {
        DeliveryError::from(error).into()
    }
}

impl From<docker::EngineError> for Undelivered {
    fn from(error: docker::EngineError) -> Self {
        DeliveryError::from(error).into()
    }
}

impl From<kubernetes::ClusterError> for Undelivered {
    fn from(error: kubernetes::ClusterError) -> Self {
        DeliveryError::from(error).into()
    }
}

/// Where to look, without changing anything.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The destination's name.
    pub destination: String,
    /// What to look into, as in a [`Parcel`].
    pub root: String,
    /// The files' paths from there.
    pub paths: Vec<String>,
}

/// What was seen of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// As asked for.
    pub path: String,
    /// What is there, if anything.
    pub file: Option<SeenFile>,
}

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Its owner.
    pub owner: Ids,
    /// Its permission bits.
    pub mode: u32,
    /// Its content; none if it is a link, a folder or the like, or larger than 16 MiB.
    pub content: Option<SecretBytes>,
}
