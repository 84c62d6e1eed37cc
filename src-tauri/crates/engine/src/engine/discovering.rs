//! The journey of a discovery: looking at engines for places that wait for a sign-in, and approving of them.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::Engine;
use crate::account::AccountName;
use crate::destinations::docker::EngineError;
use crate::destinations::docker::survey::Survey;
use crate::discovery::{self, Discovery, Facts, Suggestion};
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::settings::{Destination, DestinationName, Place, Settings, SettingsError};

/// How far back it is looked whether a thing was told before.
const TOLD_EVENTS: u32 = 200;

/// What was discovered on one engine.
#[derive(Debug)]
pub struct Discovered {
    /// The settings' name for it.
    pub engine: String,
    /// What there is, or why it could not be looked at.
    pub result: Result<Discovery, EngineError>,
}

/// Engines that are being looked at, all at once. Looking ends where this is dropped.
#[derive(Debug)]
pub struct Looking<'a> {
    engine: &'a Engine,
    surveys: JoinSet<(String, Result<Survey, EngineError>)>,
    taken: BTreeSet<DestinationName>,
}

impl Looking<'_> {
    /// What was discovered on the engine that answered next, the quickest first; none when all have been told.
    ///
    /// # Errors
    /// The settings or the journal can't be read.
    pub async fn next(&mut self) -> Result<Option<Discovered>, Error> {
        // A look that panicked has nothing to tell.
        let looked = loop {
            match self.surveys.join_next().await {
                None => return Ok(None),
                Some(Ok(looked)) => break looked,
                Some(Err(why)) => tracing::error!("an engine could not be looked at: {why}"),
            }
        };
        let (engine, survey) = looked;
        let result = match survey {
            Ok(survey) => Ok(self.engine.judge(&engine, &survey, &mut self.taken)?),
            Err(why) => Err(why),
        };
        Ok(Some(Discovered { engine, result }))
    }

    /// All of it, when the slowest has answered.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<Discovered>, Error> {
        let mut all = Vec::new();
        while let Some(discovered) = self.next().await? {
            all.push(discovered);
        }
        all.sort_by(|a, b| a.engine.cmp(&b.engine));
        Ok(all)
    }
}

impl Engine {
    /// Looks for places that wait for a sign-in: on the named engine, or on all that destinations are on and the one that
    /// `docker` would use. Changes nothing. To be called where a tokio runtime is.
    ///
    /// # Errors
    /// The name of an engine that is none; the settings' or the journal's.
    pub fn discover(&self, named: Option<&str>) -> Result<Looking<'_>, Error> {
        let settings = self.settings()?;
        let mut names = match named {
            Some(name) => vec![self.delivery.engine_named(Some(name))?],
            None => settings.destinations.iter().filter_map(|it| Some(it.in_volume()?.engine.clone())).collect(),
        };
        if named.is_none() {
            match self.delivery.engine_named(None) {
                Ok(usual) => names.push(usual),
                Err(why) if names.is_empty() => return Err(why.into()),
                Err(why) => tracing::warn!("the engine that docker would use can't be looked at: {why}"),
            }
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(self.delivery.engine_address(name)));
        let mut surveys = JoinSet::new();
        for name in names {
            let delivery = self.delivery.clone();
            surveys.spawn(async move {
                let look = async {
                    let docker = delivery.docker(&name).await?;
                    let mut survey = docker.survey().await?;
                    docker.look_users_up(&mut survey).await;
                    Ok(survey)
                };
                let looked = look.await;
                (name, looked)
            });
        }
        Ok(Looking { engine: self, surveys, taken: names_of(&settings) })
    }

    /// Approves of a suggestion, which is remembered in the settings. The account may be left out where it is evident.
    ///
    /// # Errors
    /// As [`add_destination`](Self::add_destination); [`Error::WhichAccount`].
    pub async fn approve(&self, suggestion: &Suggestion, account: Option<AccountName>) -> Result<Destination, Error> {
        let account = match account.or_else(|| suggestion.account.clone()) {
            Some(account) => account,
            None => self.account(None)?,
        };
        self.add_destination(suggestion.destination(account), Some(&suggestion.engine)).await
    }

    /// Approves of the places on an engine that are labelled for an account that is signed in, if the user opened that with
    /// `approve-labelled`. Gives those that were added; that a label names nobody is told in the journal.
    ///
    /// # Errors
    /// The settings or the journal can't be read or written.
    pub async fn approve_labelled(&self, survey: &Survey, engine: &str) -> Result<Vec<Destination>, Error> {
        let settings = self.settings()?;
        if !settings.approve_labelled {
            return Ok(Vec::new());
        }
        let known = self.signed_in()?;
        let Discovery { suggestions, .. } = self.judge(engine, survey, &mut names_of(&settings))?;
        let mut added = Vec::new();
        for suggestion in suggestions.into_iter().filter(|suggestion| suggestion.labelled) {
            // What labels disagree on is for a person.
            let Some(account) = suggestion.account.clone() else { continue };
            if !known.contains(&account) {
                self.tell_once(&format!(
                    "The volume {} is labelled for account {account}, as whom nobody is signed in: `tokenferry login --account \
                     {account}`.",
                    suggestion.volume
                ))?;
                continue;
            }
            if self.is_leaving(&suggestion)? {
                continue;
            }
            let reason = format!("{} That is enough, as approve-labelled is set.", suggestion.reasons.join(" "));
            match self.add_for_reason(suggestion.destination(account), Some(engine), &reason).await {
                Ok(destination) => added.push(destination),
                // Another process was quicker.
                Err(Error::Settings(SettingsError::Taken(_) | SettingsError::SamePlace(_))) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(added)
    }

    /// Whether a copy is about to be taken away from there: what was just removed is not approved of at once again.
    fn is_leaving(&self, suggestion: &Suggestion) -> Result<bool, Error> {
        let spot = suggestion.destination(AccountName::default()).spot();
        Ok(self.journal.copy(&spot)?.is_some_and(|copy| copy.withdraw))
    }

    fn judge(&self, engine: &str, survey: &Survey, taken: &mut BTreeSet<DestinationName>) -> Result<Discovery, Error> {
        let (settings, copies) = (self.settings()?, self.journal.copies()?);
        let address = self.delivery.engine_address(engine);
        let is_here = |name: &str| self.delivery.engine_address(name) == address;
        let is_on_it = |place: &Place| place.in_volume().is_some_and(|place| is_here(&place.engine));
        let facts = Facts {
            engine,
            usual: self.delivery.engine_named(None).is_ok_and(|usual| is_here(&usual)),
            survey,
            destinations: &settings.destinations.iter().filter(|it| is_on_it(&it.place)).collect::<Vec<_>>(),
            copies: &copies.iter().filter(|copy| is_on_it(&copy.spot.place)).collect::<Vec<_>>(),
            accounts: &self.signed_in()?,
        };
        Ok(discovery::discover(&facts, taken))
    }

    fn signed_in(&self) -> Result<Vec<AccountName>, Error> {
        let rows = self.journal.accounts()?.into_iter();
        Ok(rows.filter(|row| !row.stage.is_over()).map(|row| row.name).collect())
    }

    /// What stays the same at every look is told once.
    fn tell_once(&self, text: &str) -> Result<(), Error> {
        if self.journal.events(TOLD_EVENTS)?.iter().all(|event| event.text != text) {
            self.journal.note(Event::new(self.clock.now(), Kind::Trouble, text))?;
        }
        Ok(())
    }
}

fn names_of(settings: &Settings) -> BTreeSet<DestinationName> {
    settings.destinations.iter().map(|destination| destination.name.clone()).collect()
}
