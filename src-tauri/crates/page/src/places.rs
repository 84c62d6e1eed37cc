//! Places that are kept signed in: found, approved of, delivered to, taken off the list.

use std::path::PathBuf;

use engine::delivery::Carried;
use engine::discovery::{Suggestion, UsedBy};
use engine::settings::{Destination, Place, VolumePlace, default_engine};
use engine::snippets::{Kind, Wish};
use engine::{Error, Synced};
use serde::Serialize;

use crate::answers::{Answer, Gone};
use crate::desk::Desk;
use crate::told::Told;

/// What was found on the engines.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Found {
    /// Places that wait for a sign-in.
    pub suggestions: Vec<Suggestion>,
    /// Where it could not be looked, or what else is wrong there.
    pub troubles: Vec<Trouble>,
}

/// What stands in the way of looking, or of delivering there.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "EngineTrouble"))]
pub struct Trouble {
    /// On which engine.
    pub engine: String,
    /// What happened.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// What became of a delivery.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Delivered {
    /// Where to.
    pub destination: String,
    /// Whether it arrived.
    pub ok: bool,
    /// In a sentence.
    pub text: String,
    /// What to do; empty where it arrived.
    pub fix: String,
}

impl Desk {
    /// Looks for places that wait for a sign-in.
    ///
    /// # Errors
    /// As told, here and below.
    pub async fn discover(&self) -> Answer<Found> {
        let mut found = Found::default();
        for looked in self.engine()?.discover(None)?.all().await? {
            match looked.result {
                Ok(discovery) => {
                    found.suggestions.extend(discovery.suggestions);
                    let troubles = discovery.findings.into_iter();
                    found.troubles.extend(troubles.map(|it| Trouble { engine: it.engine, what: it.what, fix: it.fix }));
                }
                Err(why) => {
                    found.troubles.push(Trouble { engine: looked.engine, what: why.to_string(), fix: why.fix() });
                }
            }
        }
        self.suggest(found.suggestions.clone());
        Ok(found)
    }

    /// Approves of what was found last; gives its name.
    pub async fn approve(&self, engine: &str, name: &str, account: Option<&str>) -> Answer<String> {
        let suggestion = self.suggested(engine, name).ok_or_else(|| {
            Told::new("no_such_suggestion", format_args!("{name} is no longer suggested."), "Look again.")
        })?;
        let account = account.map(str::parse).transpose()?;
        Ok(self.engine()?.approve(&suggestion, account).await?.name.to_string())
    }

    /// Adds a volume; gives the name of the destination.
    pub async fn add_volume(
        &self,
        name: &str,
        volume: &str,
        engine: Option<&str>,
        account: Option<&str>,
    ) -> Answer<String> {
        let place = VolumePlace { engine: default_engine(), volume: volume.parse()?, folder: None };
        self.add(name, Place::Volume(place), engine, account).await
    }

    /// Adds a folder of this machine; gives the name of the destination.
    pub async fn add_directory(&self, name: &str, directory: &str, account: Option<&str>) -> Answer<String> {
        let directory = PathBuf::from(directory);
        if !directory.is_absolute() {
            let what = format!("{} is not a whole path.", directory.display());
            return Err(Told::new("bad_folder", what, "Give it from the root, such as /home/me/claude."));
        }
        self.add(name, Place::Directory { directory }, None, account).await
    }

    async fn add(&self, name: &str, place: Place, on: Option<&str>, account: Option<&str>) -> Answer<String> {
        let engine = self.engine()?;
        let account = match account {
            Some(account) => account.parse()?,
            // A place may be added before anybody has signed in.
            None => match engine.account(None) {
                Err(Error::NoAccount(first)) => first,
                known => known?,
            },
        };
        let format = place.usual_format();
        let owner = Default::default();
        let destination = Destination { name: name.parse()?, place, account, format, owner, ready_to_use: false };
        Ok(engine.add_destination(destination, on).await?.name.to_string())
    }

    /// Takes a place off the list, and its copy away.
    pub async fn remove_destination(&self, name: &str) -> Answer<Vec<Gone>> {
        let copies = self.engine()?.remove_destination(name).await?;
        Ok(copies.iter().map(Gone::from).collect())
    }

    /// Delivers now, everywhere where nothing is named.
    pub async fn sync(&self, names: &[String]) -> Answer<Vec<Delivered>> {
        Ok(delivered(&self.engine()?.sync(names, false).await?))
    }

    /// The containers that use a place.
    pub async fn used_by(&self, destination: &str) -> Answer<Vec<UsedBy>> {
        Ok(self.engine()?.used_by(destination).await?)
    }

    /// The lines for a compose file that have a container use a place.
    pub fn snippet(&self, destination: &str) -> Answer<String> {
        Ok(self.engine()?.snippet(Kind::Compose, Some(destination), None, &Wish::default())?.text)
    }
}

fn delivered(synced: &Synced) -> Vec<Delivered> {
    let carried = |it: &Carried, done: String| match &it.result {
        Ok(_) => Delivered { destination: it.destination.clone(), ok: true, text: done, fix: String::new() },
        Err(why) => Delivered { destination: it.destination.clone(), ok: false, text: why.to_string(), fix: why.fix() },
    };
    let delivered = synced.delivered.iter().map(|it| carried(it, "Delivered, and read back.".to_owned()));
    let withdrawn = synced.withdrawn.iter().map(|it| carried(it, format!("No copy is left in {}.", it.spot)));
    let without = synced.without_token.iter().map(|(name, why)| Delivered {
        destination: name.to_string(),
        ok: false,
        text: why.to_string(),
        fix: why.fix(),
    });
    delivered.chain(withdrawn).chain(without).collect()
}
