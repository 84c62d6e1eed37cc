//! The journey of a LiteLLM proxy's files: which destination it reads.

use super::Engine;
use crate::error::Error;
use crate::settings::Place;
use crate::snippets::{ImageName, MountPoint, litellm};
use crate::vault::VaultError;
use crate::words::BadWord;

/// The format that LiteLLM reads.
const TOKEN_FILE: &str = "token-file";

/// What a LiteLLM proxy shall be like.
#[derive(Debug)]
pub struct Proxy {
    /// Its version.
    pub version: litellm::Version,
    /// The models that it offers.
    pub models: Vec<litellm::Model>,
    /// Whether each client brings its own token, and none is delivered.
    pub own_tokens: bool,
    /// Its port on the loopback.
    pub port: u16,
    /// Its image, where it is not LiteLLM's own.
    pub image: Option<ImageName>,
    /// Where a volume is mounted in its container.
    pub mount: MountPoint,
}

impl Engine {
    /// The files of a LiteLLM proxy that reads the token of a destination: the one that is named, or the only one in the
    /// format `token-file`. Its key is made on the spot.
    ///
    /// # Errors
    /// A name that is none; [`Error::OddPair`] where LiteLLM can't read there; [`Error::NoDestinations`].
    pub fn litellm(&self, named: Option<&str>, proxy: Proxy) -> Result<litellm::Setup, Error> {
        let Proxy { version, models, own_tokens, port, image, mount } = proxy;
        let tokens = if own_tokens {
            litellm::Tokens::Clients
        } else {
            litellm::Tokens::Delivered(self.read_by_litellm(named, mount)?)
        };
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|why| VaultError::Other(why.to_string()))?;
        let key = litellm::MasterKey::of(&random);
        Ok(litellm::setup(&litellm::Wish { version, models, tokens, port, key, image }))
    }

    fn read_by_litellm(&self, named: Option<&str>, mount: MountPoint) -> Result<litellm::Source, Error> {
        let settings = self.settings()?;
        let destination = match named {
            Some(name) => settings.destination(name)?,
            None => {
                let mut fitting = settings.destinations.iter().filter(|it| it.format.name() == TOKEN_FILE);
                fitting.next().filter(|_| fitting.next().is_none()).ok_or_else(|| Error::NoTokenFile)?
            }
        };
        if destination.format.name() != TOKEN_FILE {
            let said = format!("Destination {} is in the format {}.", destination.name, destination.format);
            return Err(Error::OddPair(format!("{said} LiteLLM reads {TOKEN_FILE}.")));
        }
        match &destination.place {
            Place::Directory { directory } => {
                let folder = directory.to_string_lossy().parse();
                Ok(litellm::Source::Folder(folder.map_err(|why: BadWord| Error::OddPair(why.to_string()))?))
            }
            Place::Volume(place) if place.folder.is_none() => {
                Ok(litellm::Source::Volume { name: place.volume.clone(), mount })
            }
            place => Err(Error::OddPair(format!(
                "LiteLLM reads a file of a folder, or at the top of a volume, and the token lies in {place}."
            ))),
        }
    }
}
