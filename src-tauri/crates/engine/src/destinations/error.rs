//! Why a delivery failed, by what to do next, in sentences for people.

use super::docker::EngineError;
use super::folder::FolderError;
use super::kubernetes::ClusterError;
use super::postgres::PostgresError;
use super::{ComposeError, Ids};

/// Who must do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// It may mend itself: try again later.
    TryAgain,
    /// A person must change something first.
    AskUser,
}

/// Why a parcel did not arrive. `Display` says what happened, [`fix`](Self::fix) what to do, [`code`](Self::code) stays
/// the same for programs. Nothing of a file's content is in any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The engine can't be reached, or can't do what every delivery needs.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A folder of this machine can't be delivered into.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database can't be reached, or the row can't be delivered to.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The cluster can't be reached, or the Secret can't be kept fresh there.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// Another process of this installation has kept the engine to itself for long. Holds that in a sentence.
    #[error("{0}")]
    Busy(String),
    /// There is no such volume; it was not created.
    #[error("There is no volume \"{volume}\" on this engine.")]
    VolumeMissing {
        /// Its name.
        volume: String,
    },
    /// The engine can't mount the volume.
    #[error("Docker can't mount the volume \"{volume}\": {detail}")]
    Unmountable {
        /// Its name.
        volume: String,
        /// What the engine said.
        detail: String,
    },
    /// The volume is mounted read-only.
    #[error("The volume \"{volume}\" is read-only.")]
    ReadOnly {
        /// Its name.
        volume: String,
    },
    /// A volume in memory that no running container uses would forget the file at once.
    #[error(
        "The volume \"{volume}\" lives in memory, and no running container uses it: what is put there is lost at once."
    )]
    MemoryUnused {
        /// Its name.
        volume: String,
    },
    /// A folder on the way to the file is a symbolic link.
    #[error("In the volume \"{volume}\", the folder \"{folder}\" is a symbolic link, and those are not followed.")]
    LinkInTheWay {
        /// The volume's name.
        volume: String,
        /// The folder's path from the volume's root.
        folder: String,
    },
    /// What should be a folder on the way to the file is none.
    #[error("In the volume \"{volume}\", \"{folder}\" is no folder.")]
    FileInTheWay {
        /// The volume's name.
        volume: String,
        /// The would-be folder's path from the volume's root.
        folder: String,
    },
    /// There is a folder where the file should go. It was not touched.
    #[error("In the volume \"{volume}\", \"{path}\" is a folder.")]
    FolderInPlace {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
    },
    /// There is a named pipe, a socket or a device where the file should go. It was not touched.
    #[error("In the volume \"{volume}\", \"{path}\" is no ordinary file.")]
    NoFileInPlace {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
    },
    /// No room. What was there before is still there.
    #[error("The volume \"{volume}\" is full.")]
    Full {
        /// Its name.
        volume: String,
    },
    /// The file system refuses the courier, though it runs as root.
    #[error("The volume \"{volume}\" does not allow {attempt}.")]
    Forbidden {
        /// The volume's name.
        volume: String,
        /// What was tried.
        attempt: Attempt,
    },
    /// The file that is there can't be worked with. It was not touched.
    #[error("In the volume \"{volume}\", \"{path}\" can't be changed safely: {reason}.")]
    NotUnderstood {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
        /// Why.
        reason: ComposeError,
    },
    /// The file that is there, or shall be, is larger than the courier takes.
    #[error("In the volume \"{volume}\", \"{path}\" is larger than 16 MiB.")]
    TooLarge {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
    },
    /// The path can't be one of a file in a volume.
    #[error("\"{path}\" can't be the path of a file in a volume.")]
    BadPath {
        /// As given.
        path: String,
    },
    /// Somebody else wrote to the file each time, between looking and writing.
    #[error("In the volume \"{volume}\", \"{path}\" keeps changing.")]
    KeepsChanging {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
    },
    /// It was written, but something else was read back.
    #[error("In the volume \"{volume}\", \"{path}\" was written, but what lies there now is something else.")]
    NotAsWritten {
        /// The volume's name.
        volume: String,
        /// The file's path from the volume's root.
        path: String,
    },
    /// An error of the file system that has no sentence of its own.
    #[error("The volume \"{volume}\" failed at {attempt}: {}.", said_of(*errno))]
    FileSystem {
        /// The volume's name.
        volume: String,
        /// What was tried.
        attempt: Attempt,
        /// Linux's number for it.
        errno: u32,
    },
}

impl From<ClusterError> for DeliveryError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

/// What Linux says of an error in a volume, whatever system we run on ourselves.
fn said_of(errno: u32) -> String {
    match errno {
        5 => "the disk can't be read or written".to_owned(),
        112 => "the server of its files is down".to_owned(),
        116 => "the server of its files no longer knows it".to_owned(),
        errno => format!("Linux calls it error {errno}"),
    }
}

/// What was tried in a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Opening its root.
    Open,
    /// Entering or making this folder.
    Folder(String),
    /// Reading this file.
    Read(String),
    /// Writing this file.
    Write(String),
    /// Giving something to this user and group.
    Own(Ids),
    /// Removing this file.
    Remove(String),
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("opening it"),
            Self::Folder(path) => write!(f, "entering the folder \"{path}\""),
            Self::Read(path) => write!(f, "reading \"{path}\""),
            Self::Write(path) => write!(f, "writing \"{path}\""),
            Self::Own(ids) => write!(f, "giving a file to the user {ids}"),
            Self::Remove(path) => write!(f, "removing \"{path}\""),
        }
    }
}

impl DeliveryError {
    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Folder(error) => error.code(),
            Self::Postgres(error) => error.code(),
            Self::Cluster(error) => error.code(),
            Self::Busy(_) => "lock_busy",
            Self::VolumeMissing { .. } => "volume_missing",
            Self::Unmountable { .. } => "volume_unmountable",
            Self::ReadOnly { .. } => "volume_read_only",
            Self::MemoryUnused { .. } => "volume_in_memory_unused",
            Self::LinkInTheWay { .. } => "link_in_the_way",
            Self::FileInTheWay { .. } => "file_in_the_way",
            Self::FolderInPlace { .. } => "folder_in_place",
            Self::NoFileInPlace { .. } => "no_file_in_place",
            Self::Full { .. } => "volume_full",
            Self::Forbidden { .. } => "volume_forbids",
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => "foreign",
            Self::NotUnderstood { .. } => "file_not_understood",
            Self::TooLarge { .. } => "file_too_large",
            Self::BadPath { .. } => "bad_path",
            Self::KeepsChanging { .. } => "file_keeps_changing",
            Self::NotAsWritten { .. } => "not_as_written",
            Self::FileSystem { .. } => "volume_failed",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            Self::Engine(error) => error.next(),
            Self::Folder(error) => error.next(),
            Self::Postgres(error) => error.next(),
            Self::Cluster(error) => error.next(),
            // Fills and empties, comes and goes, without anybody telling us.
            Self::Busy(_)
            | Self::Full { .. }
            | Self::Unmountable { .. }
            | Self::MemoryUnused { .. }
            | Self::KeepsChanging { .. }
            | Self::NotAsWritten { .. }
            | Self::FileSystem { .. } => NextStep::TryAgain,
            Self::VolumeMissing { .. }
            | Self::ReadOnly { .. }
            | Self::LinkInTheWay { .. }
            | Self::FileInTheWay { .. }
            | Self::FolderInPlace { .. }
            | Self::NoFileInPlace { .. }
            | Self::Forbidden { .. }
            | Self::NotUnderstood { .. }
            | Self::TooLarge { .. }
            | Self::BadPath { .. } => NextStep::AskUser,
        }
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::Engine(error) => error.fix(),
            Self::Folder(error) => error.fix(),
            Self::Postgres(error) => error.fix(),
            Self::Cluster(error) => error.fix(),
            Self::Busy(_) => "It is tried again; end the other Tokenferry if it hangs.".to_owned(),
            Self::VolumeMissing { volume } => {
                format!("Create it with \"docker volume create {volume}\", or start the container that brings it.")
            }
            Self::Unmountable { volume, .. } => {
                format!("Look at how it was made with \"docker volume inspect {volume}\".")
            }
            Self::ReadOnly { .. } => "Make the volume writable, or choose another one.".to_owned(),
            Self::MemoryUnused { .. } => "Start the container that uses it; delivery follows.".to_owned(),
            Self::LinkInTheWay { .. } => {
                "Give the path without the link, or put a real folder in its place.".to_owned()
            }
            Self::FileInTheWay { .. } => "Move it away, or choose another path.".to_owned(),
            Self::FolderInPlace { .. } | Self::NoFileInPlace { .. } => {
                "Move it away if nothing needs it, or choose another path; it was left alone.".to_owned()
            }
            Self::Full { .. } => "Make room; what was there before is still whole.".to_owned(),
            Self::Forbidden { attempt: Attempt::Own(_), .. } => {
                "Set the owner to the one that the volume gives to all its files, with --owner UID:GID.".to_owned()
            }
            Self::Forbidden { .. } => "Allow root to write there, or choose another volume.".to_owned(),
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => {
                "If it may go, deliver with `tokenferry sync NAME --replace`; it was left alone.".to_owned()
            }
            Self::NotUnderstood { .. } => "Mend the file, or move it away; it was left alone.".to_owned(),
            Self::TooLarge { .. } => "Make it smaller, or move it away; it was left alone.".to_owned(),
            Self::BadPath { .. } => {
                "Give a path from the volume's root, such as \".credentials.json\", without \"..\".".to_owned()
            }
            Self::KeepsChanging { .. } => "There is nothing to do: it is tried again.".to_owned(),
            Self::NotAsWritten { .. } => "See what else writes to this file; it is tried again.".to_owned(),
            Self::FileSystem { .. } => "Look at the disk that the volume is on; it is tried again.".to_owned(),
        }
    }
}
