//! The places that a destination can have, and how they are written in the settings.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

use super::names::{Folder, VolumeName};
use crate::account::AccountName;
use crate::destinations::OwnerChoice;
use crate::formats::Format;

/// Where files are delivered to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// A Docker volume.
    Volume(VolumePlace),
    /// A folder of this machine.
    Directory {
        /// Its absolute path.
        directory: PathBuf,
    },
}

/// A folder in a volume on an engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct VolumePlace {
    /// The engine: the name of a Docker context, an address such as `unix:///var/run/docker.sock`, or `default`.
    pub engine: String,
    /// The volume.
    pub volume: VolumeName,
    /// A folder inside of it, where the files don't lie at its top.
    #[serde(serialize_with = "or_empty")]
    pub folder: Option<Folder>,
}

fn or_empty<S: Serializer>(folder: &Option<Folder>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(folder.as_ref().map_or("", Folder::as_str))
}

/// What places have in common that are reached in one way: an engine, or this machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An engine, by a name that the settings have for it.
    Engine(String),
    /// This machine's folders.
    Folders,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(name) => f.write_str(name),
            Self::Folders => f.write_str("this machine's folders"),
        }
    }
}

/// The engine that the platform has by default.
pub fn default_engine() -> String {
    "default".to_owned()
}

impl Place {
    /// A place in a volume, if it is one.
    pub fn in_volume(&self) -> Option<&VolumePlace> {
        match self {
            Self::Volume(volume) => Some(volume),
            Self::Directory { .. } => None,
        }
    }

    /// How it is reached.
    pub fn host(&self) -> Host {
        match self {
            Self::Volume(place) => Host::Engine(place.engine.clone()),
            Self::Directory { .. } => Host::Folders,
        }
    }

    /// What the files lie in, as a parcel names it.
    pub fn root(&self) -> String {
        match self {
            Self::Volume(place) => place.volume.to_string(),
            Self::Directory { directory } => directory.to_string_lossy().into_owned(),
        }
    }

    /// The path of a file in it, from the root.
    pub fn path(&self, file: &str) -> String {
        match self {
            Self::Volume(place) => place.path(file),
            Self::Directory { .. } => file.to_owned(),
        }
    }
}

impl VolumePlace {
    /// The path of a file in it, from the volume's root.
    pub fn path(&self, file: &str) -> String {
        self.folder.as_ref().map_or_else(|| file.to_owned(), |folder| format!("{folder}/{file}"))
    }

    /// The folder in the volume; empty for its top.
    pub fn folder(&self) -> &str {
        self.folder.as_ref().map_or("", Folder::as_str)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(place) => place.fmt(f),
            Self::Directory { directory } => write!(f, "folder {}", directory.display()),
        }
    }
}

impl fmt::Display for VolumePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "volume {}", self.volume)?;
        if let Some(folder) = &self.folder {
            write!(f, ", folder {folder}")?;
        }
        if self.engine != default_engine() {
            write!(f, " on {}", self.engine)?;
        }
        Ok(())
    }
}

/// A format in a place: what one copy is. No two destinations may share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Where.
    pub place: Place,
    /// In which taker's files.
    pub format: Format,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        if self.format != Format::default() {
            write!(f, ", as {}", self.format)?;
        }
        Ok(())
    }
}

/// A place that is kept fresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Destination {
    /// The user's name for it.
    pub name: super::DestinationName,
    /// Where its files go.
    pub place: Place,
    /// Whose token it gets.
    pub account: AccountName,
    /// In which taker's format.
    pub format: Format,
    /// Whom the files belong to.
    pub owner: OwnerChoice,
    /// Whether `.claude.json` is seeded so that an interactive `claude` asks nothing.
    pub ready_to_use: bool,
}

impl Destination {
    /// What it fills.
    pub fn spot(&self) -> Spot {
        Spot { place: self.place.clone(), format: self.format }
    }

    /// Its place, if that is in a volume.
    pub fn in_volume(&self) -> Option<&VolumePlace> {
        self.place.in_volume()
    }
}

/// As it stands in the settings: with the keys of all kinds of places.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all(deserialize = "kebab-case"))]
struct Written {
    name: super::DestinationName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volume: Option<VolumeName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<Folder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<PathBuf>,
    #[serde(default)]
    account: AccountName,
    #[serde(default, deserialize_with = "super::word")]
    format: Format,
    #[serde(
        default,
        deserialize_with = "super::word",
        serialize_with = "super::as_text",
        skip_serializing_if = "super::is_auto"
    )]
    owner: OwnerChoice,
    #[serde(default, alias = "ready_to_use", skip_serializing_if = "std::ops::Not::not")]
    ready_to_use: bool,
}

impl TryFrom<Written> for Destination {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { name, volume, folder, engine, directory, account, format, owner, ready_to_use } = written;
        let place = match (volume, directory) {
            (Some(volume), None) => {
                Place::Volume(VolumePlace { engine: engine.unwrap_or_else(default_engine), volume, folder })
            }
            (None, Some(_)) if folder.is_some() || engine.is_some() => {
                return Err(format!("destination {name}: folder and engine belong to a volume."));
            }
            (None, Some(directory)) if directory.is_absolute() => Place::Directory { directory },
            (None, Some(_)) => {
                return Err(format!("destination {name}: directory has to be a path that begins with /."));
            }
            (None, None) => return Err(format!("destination {name} needs a place: a volume, or a directory.")),
            (Some(_), Some(_)) => return Err(format!("destination {name} has two places: a volume, and a directory.")),
        };
        Ok(Self { name, place, account, format, owner, ready_to_use })
    }
}

impl From<Destination> for Written {
    fn from(destination: Destination) -> Self {
        let Destination { name, place, account, format, owner, ready_to_use } = destination;
        let mut written = Self {
            name,
            volume: None,
            folder: None,
            engine: None,
            directory: None,
            account,
            format,
            owner,
            ready_to_use,
        };
        match place {
            Place::Volume(VolumePlace { engine, volume, folder }) => {
                (written.engine, written.volume, written.folder) = (Some(engine), Some(volume), folder);
            }
            Place::Directory { directory } => written.directory = Some(directory),
        }
        written
    }
}
