//! The places that a destination can have, and how they are written in the settings.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

use super::names::{Folder, VolumeName};
use crate::account::AccountName;
use crate::destinations::OwnerChoice;
use crate::destinations::kubernetes::SecretPlace;
use crate::destinations::postgres::{PostgresPlace, PostgresUrl, UserId};
use crate::formats::Format;
use crate::words::BadWord;

/// Where files are delivered to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Place {
    /// A Docker volume.
    Volume(VolumePlace),
    /// A folder of this machine.
    Directory {
        /// Its absolute path.
        directory: PathBuf,
    },
    /// A user's row in LiteLLM's table.
    Postgres(Box<PostgresPlace>),
    /// A Secret of a cluster.
    Secret(
        #[cfg_attr(feature = "typescript", ts(type = "{ kubernetes: string, kube_context: string | null }"))]
        SecretPlace,
    ),
}

/// A folder in a volume on an engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct VolumePlace {
    /// The engine: the name of a Docker context, an address such as `unix:///var/run/docker.sock`, or `default`.
    pub engine: String,
    /// The volume.
    pub volume: VolumeName,
    /// A folder inside of it, where the files don't lie at its top.
    #[serde(serialize_with = "or_empty")]
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
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
    /// A database.
    Postgres(Box<PostgresUrl>),
    /// The cluster that a context leads to; none is the current one.
    Cluster(Option<String>),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(name) => f.write_str(name),
            Self::Folders => f.write_str("this machine's folders"),
            Self::Postgres(url) => url.fmt(f),
            Self::Cluster(None) => f.write_str("the cluster"),
            Self::Cluster(Some(context)) => write!(f, "the cluster of context {context}"),
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
            _ => None,
        }
    }

    /// The format that its readers most likely want.
    pub fn usual_format(&self) -> Format {
        match self {
            Self::Postgres(_) => Format::of_rows(),
            _ => Format::default(),
        }
    }

    /// Whether it can hold this format: a database has columns for one alone.
    ///
    /// # Errors
    /// In a sentence.
    pub fn takes(&self, format: Format) -> Result<(), String> {
        let rows = Format::of_rows();
        match self {
            Self::Postgres(_) if format != rows => Err(format!("A database holds the format {rows} alone.")),
            Self::Postgres(_) => Ok(()),
            _ if format == rows => Err(format!("The format {rows} is for a database.")),
            _ => Ok(()),
        }
    }

    /// How it is reached.
    pub fn host(&self) -> Host {
        match self {
            Self::Volume(place) => Host::Engine(place.engine.clone()),
            Self::Directory { .. } => Host::Folders,
            Self::Postgres(place) => Host::Postgres(Box::new(place.url.clone())),
            Self::Secret(place) => Host::Cluster(place.context.clone()),
        }
    }

    /// What the files lie in, as a parcel names it.
    pub fn root(&self) -> String {
        match self {
            Self::Volume(place) => place.volume.to_string(),
            Self::Directory { directory } => directory.to_string_lossy().into_owned(),
            Self::Postgres(place) => place.user_id.to_string(),
            Self::Secret(place) => place.root(),
        }
    }

    /// The path of a file in it, from the root.
    pub fn path(&self, file: &str) -> String {
        match self {
            Self::Volume(place) => place.path(file),
            _ => file.to_owned(),
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
            Self::Postgres(place) => place.fmt(f),
            Self::Secret(place) => place.fmt(f),
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postgres: Option<PostgresUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// `NAMESPACE/SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kubernetes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kube_context: Option<String>,
    #[serde(default)]
    account: AccountName,
    #[serde(default, deserialize_with = "super::optional_word")]
    format: Option<Format>,
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
        let name = &written.name;
        let kinds = [
            (
                "volume",
                written.volume.is_some(),
                &[("folder", written.folder.is_some()), ("engine", written.engine.is_some())][..],
            ),
            ("directory", written.directory.is_some(), &[]),
            ("postgres", written.postgres.is_some(), &[("user-id", written.user_id.is_some())]),
            ("kubernetes", written.kubernetes.is_some(), &[("kube-context", written.kube_context.is_some())]),
        ];
        let said: Vec<_> = kinds.iter().filter(|(_, is_said, _)| *is_said).map(|(kind, ..)| *kind).collect();
        let [_] = said.as_slice() else {
            let all = "a volume, a directory, a postgres database, or a kubernetes Secret";
            return Err(match said.as_slice() {
                [] => format!("destination {name} needs a place: {all}."),
                several => format!("destination {name} has more than one place: {}.", several.join(", ")),
            });
        };
        for (kind, is_said, belonging) in kinds {
            if let Some((word, _)) = belonging.iter().find(|(_, is_there)| *is_there && !is_said) {
                return Err(format!("destination {name}: {word} belongs to a {kind}."));
            }
        }
        let place = if let Some(volume) = written.volume {
            Place::Volume(VolumePlace {
                engine: written.engine.unwrap_or_else(default_engine),
                volume,
                folder: written.folder,
            })
        } else if let Some(directory) = written.directory {
            if !directory.is_absolute() {
                return Err(format!("destination {name}: directory has to be a whole path."));
            }
            Place::Directory { directory }
        } else if let Some(url) = written.postgres {
            let user_id = written.user_id.ok_or_else(|| format!("destination {name} needs a user-id."))?;
            Place::Postgres(Box::new(PostgresPlace { url, user_id }))
        } else {
            let secret: SecretPlace =
                written.kubernetes.unwrap_or_default().parse().map_err(|why: BadWord| why.to_string())?;
            Place::Secret(secret.in_context(written.kube_context))
        };
        let Written { name, account, format, owner, ready_to_use, .. } = written;
        let format = format.unwrap_or_else(|| place.usual_format());
        place.takes(format).map_err(|why| format!("destination {name}: {why}"))?;
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
            postgres: None,
            user_id: None,
            kubernetes: None,
            kube_context: None,
            account,
            format: Some(format),
            owner,
            ready_to_use,
        };
        match place {
            Place::Volume(VolumePlace { engine, volume, folder }) => {
                (written.engine, written.volume, written.folder) = (Some(engine), Some(volume), folder);
            }
            Place::Directory { directory } => written.directory = Some(directory),
            Place::Postgres(place) => {
                let PostgresPlace { url, user_id } = *place;
                (written.postgres, written.user_id) = (Some(url), Some(user_id));
            }
            Place::Secret(secret) => {
                written.kubernetes = Some(secret.root());
                written.kube_context = secret.context;
            }
        }
        written
    }
}
