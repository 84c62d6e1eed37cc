//! Words of the command line that say where: a place that is delivered to, a database.

use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use engine::destinations::kubernetes::SecretPlace;
use engine::destinations::postgres::{BadPostgresUrl, PostgresPlace, PostgresUrl, UserId};
use engine::settings::{self, DestinationName, Folder, Place, VolumeName, VolumePlace};

use crate::outcome::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum PostgresCommand {
    /// Make what is missing of the table
    Init {
        /// The database, or the name of a destination in it; its password is found as libpq finds it
        #[arg(value_name = "URL|NAME", value_parser = Unseen::<Database>::new())]
        database: Database,
    },
    /// Show whose tokens end soon
    List {
        /// The database, or the name of a destination in it
        #[arg(value_name = "URL|NAME", value_parser = Unseen::<Database>::new())]
        database: Database,
        /// How soon, such as 1h or 30m
        #[arg(long, value_name = "TIME", default_value = "1h")]
        ending_within: jiff::SignedDuration,
    },
}

/// A database, as a person names it.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// By its address.
    At(Box<PostgresUrl>),
    /// By a destination in it.
    Of(DestinationName),
}

impl FromStr for Database {
    type Err = BadPostgresUrl;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        // No address is a name as well: it has a colon or an equals sign.
        word.parse().map(|url| Self::At(Box::new(url))).or_else(|why| word.parse().map(Self::Of).map_err(|_| why))
    }
}

/// Reads a word that may hold a password: where it is none of the kind, it isn't repeated.
#[derive(Clone)]
struct Unseen<T>(PhantomData<fn() -> T>);

impl<T> Unseen<T> {
    fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> TypedValueParser for Unseen<T>
where
    T: FromStr<Err: fmt::Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        word: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let word = StringValueParser::new().parse_ref(command, argument, word)?;
        word.parse().map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, format!("{why}\n")).with_cmd(command))
    }
}

/// Where to: one of these.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["volume", "directory", "postgres", "kubernetes"]))]
pub(crate) struct PlaceArgs {
    /// The Docker volume
    #[arg(long)]
    volume: Option<VolumeName>,
    /// The folder inside of the volume, where the files don't lie at its top
    #[arg(long, requires = "volume")]
    folder: Option<Folder>,
    /// A folder of this machine
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
    /// A PostgreSQL database with LiteLLM's table of tokens; its password is found as libpq finds it
    #[arg(long, value_name = "URL", requires = "user_id", value_parser = Unseen::<PostgresUrl>::new())]
    postgres: Option<PostgresUrl>,
    /// Whose row in that table
    #[arg(long, value_name = "ID", requires = "postgres")]
    user_id: Option<UserId>,
    /// A Secret of a Kubernetes cluster
    #[arg(long, value_name = "NAMESPACE/SECRET")]
    kubernetes: Option<SecretPlace>,
    /// The context of the kubeconfig; without it, the current one
    #[arg(long, value_name = "NAME", requires = "kubernetes")]
    kube_context: Option<String>,
}

impl PlaceArgs {
    /// The place that they name.
    ///
    /// # Errors
    /// None of them, or a password that would stand in the settings.
    pub(crate) fn read(self) -> Result<Place, Failure> {
        if let Some(volume) = self.volume {
            let (engine, folder) = (settings::default_engine(), self.folder);
            return Ok(Place::Volume(VolumePlace { engine, volume, folder }));
        }
        if let Some(secret) = self.kubernetes {
            return Ok(Place::Secret(secret.in_context(self.kube_context)));
        }
        if let (Some(url), Some(user_id)) = (self.postgres, self.user_id) {
            let (url, password) = url.without_password();
            return match password {
                None => Ok(Place::Postgres(Box::new(PostgresPlace { url, user_id }))),
                Some(_) => Err(Failure::Declined {
                    what: "A password in the address would stand in the settings for everybody to see.".to_owned(),
                    fix: "Put it into ~/.pgpass as HOST:PORT:DATABASE:USER:PASSWORD, or into PGPASSWORD, and leave it \
                          out here."
                        .to_owned(),
                }),
            };
        }
        // Whoever reads the settings may stand somewhere else.
        Ok(Place::Directory { directory: std::path::absolute(self.directory.unwrap_or_default())? })
    }
}
