//! The journey of an examination: facts are gathered from everything at once, each within its time, so that what is dead
//! holds up nobody; and what was found to be mendable is mended on request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use tokio::time::timeout;

use super::{Engine, Surroundings};
use crate::account::AccountName;
use crate::delivery::{Carried, glance};
use crate::destinations::docker::survey::{Container, Survey};
use crate::destinations::docker::{Docker, EngineError, Leftovers};
use crate::destinations::{DeliveryError, Glance, Seen};
use crate::doctor::{
    Contents, EngineFacts, Examination, Facts, Finding, Folder, Looked, Mend, ProviderFacts, Sight, Use, VaultFacts,
    uses,
};
use crate::error::Error;
use crate::formats::{Format, Found, claude_code};
use crate::journal::{AccountRow, CopyRow, Event, Kind, Trouble};
use crate::settings::{self, Destination, DestinationName, Host, Settings, VolumePlace, default_engine};
use crate::vault::{self, VaultError, VaultKind, lock};

/// How long an engine may take to answer and to tell what is on it: each of its calls has 10 s, and it is asked for
/// little.
const SURVEY_WITHIN: Duration = Duration::from_secs(20);
/// How long one more question may take to an engine that has answered. To look into volumes may take waiting for a turn.
const QUESTION_WITHIN: Duration = Duration::from_secs(30);
/// How long the vault may take: a person may have to find a prompt.
const VAULT_WITHIN: Duration = Duration::from_secs(20);

/// The CLI's locks in its folder (facts: "A file with a refresh token").
const LOCKS: [&str; 2] = [".oauth_refresh.lock", ".storage-write.lock"];

/// What was done about findings.
#[derive(Debug, serde::Serialize)]
pub struct Mended {
    /// What was to be done, and to what: `delivered web`.
    pub what: String,
    /// Why it could not be done, if it could not.
    pub trouble: Option<Trouble>,
}

impl Engine {
    /// Opens the installation to examine it: also where the settings can't be read.
    ///
    /// # Errors
    /// [`Error`]: a mistake in the environment, a folder or journal that can't be used.
    pub fn open_to_examine(surroundings: Surroundings) -> Result<Self, Error> {
        Self::open_with(surroundings, |home| {
            let read = Settings::read(home.settings());
            Ok(read.unwrap_or_else(|_| {
                let mut as_before = Settings::default();
                as_before.vault = vault::last_tried(home.state());
                as_before
            }))
        })
    }

    /// Looks at everything, changing nothing. Takes seconds at the most, half a minute where something hangs.
    pub async fn examine(&self) -> Examination {
        Examination::of(&self.facts().await)
    }

    /// Mends what can be mended safely, and says what became of it.
    pub async fn mend(&self, findings: &[Finding]) -> Vec<Mended> {
        let mends = || findings.iter().filter_map(|finding| finding.mend.as_ref());
        let mut mended = Vec::new();
        let mut deliver: BTreeSet<String> = BTreeSet::new();
        for mend in mends() {
            match mend {
                Mend::Deliver(name) => {
                    deliver.insert(name.to_string());
                }
                Mend::MakeReady(name) => match self.make_ready(name).await {
                    Ok(()) => {
                        deliver.insert(name.to_string());
                        mended.push(done(format!("made {name} ready to use")));
                    }
                    Err(error) => mended.push(failed(format!("make {name} ready to use"), &error)),
                },
                Mend::Tidy(_) => {}
            }
        }
        if !deliver.is_empty() {
            mended.extend(self.deliver_anew(deliver.into_iter().collect()).await);
        }
        let engines: BTreeSet<&String> =
            mends().filter_map(|mend| if let Mend::Tidy(engine) = mend { Some(engine) } else { None }).collect();
        for engine in engines {
            mended.push(match self.delivery.tidy(engine).await {
                Ok(()) => done(format!("cleared up on engine {engine}")),
                Err(error) => Mended { what: format!("clear up on engine {engine}"), trouble: Some((&error).into()) },
            });
        }
        mended
    }

    async fn make_ready(&self, name: &DestinationName) -> Result<(), Error> {
        let _lock = lock::settings(self.home.state()).await?;
        settings::make_ready(self.home.settings(), name.as_str())?;
        let text = format!("Destination {name} is made ready to use.");
        self.journal.note(Event::new(self.clock.now(), Kind::DestinationChanged, text).at_destination(name))?;
        Ok(())
    }

    async fn deliver_anew(&self, names: Vec<String>) -> Vec<Mended> {
        let synced = match self.sync(&names, false).await {
            Ok(synced) => synced,
            Err(error) => return vec![failed(format!("deliver to {}", names.join(", ")), &error)],
        };
        let delivered = synced.delivered.into_iter().map(|Carried { destination, result, .. }| match result {
            Ok(_) => done(format!("delivered to {destination}, and read it back")),
            Err(error) => Mended { what: format!("deliver to {destination}"), trouble: Some((&error).into()) },
        });
        let without = synced.without_token.iter().map(|(name, error)| failed(format!("deliver to {name}"), error));
        delivered.chain(without).collect()
    }

    async fn facts(&self) -> Facts {
        let (accounts, copies) = (self.journal.accounts(), self.journal.copies());
        let (accounts, copies, journal) = match (accounts, copies) {
            (Ok(accounts), Ok(copies)) => (accounts, copies, None),
            (Err(error), _) | (_, Err(error)) => (Vec::new(), Vec::new(), Some(error.into())),
        };
        let (destinations, settings) = match self.settings() {
            Ok(settings) => (settings.destinations, None),
            Err(error) => (copies.iter().filter_map(remembered).collect(), Some(error)),
        };
        let docker_uses = self.delivery.engine_named(None);
        let (vault, answer, engines) = tokio::join!(
            self.vault_facts(&accounts),
            self.provider.clock_ahead(&self.clock),
            self.engines(&destinations, &docker_uses),
        );
        Facts {
            now: self.clock.now(),
            zone: TimeZone::system(),
            settings,
            journal,
            vault,
            provider: ProviderFacts {
                other: self.other_provider.then(|| self.provider.endpoints().name.clone()),
                answer,
            },
            kept_fresh: lock::is_kept(self.home.state()).unwrap_or(false),
            accounts,
            copies,
            destinations,
            engines,
        }
    }

    /// Reads each entry that should be there. Nothing is tried out, and nothing kept of what was read.
    async fn vault_facts(&self, accounts: &[AccountRow]) -> VaultFacts {
        let (kind, mut entries) = (self.vault_kind, Vec::new());
        let names: Vec<&AccountName> = accounts.iter().map(|row| &row.name).collect();
        let read = timeout(VAULT_WITHIN, self.read_entries(&names, &mut entries)).await;
        let trouble = read.unwrap_or_else(|_| Err(VaultError::TimedOut(VAULT_WITHIN).into())).err();
        VaultFacts { kind, trouble, entries }
    }

    async fn read_entries(
        &self,
        names: &[&AccountName],
        bad: &mut Vec<(AccountName, Option<Error>)>,
    ) -> Result<(), Error> {
        self.same_kind_of_vault()?;
        if self.vault_kind == VaultKind::Memory {
            return Ok(());
        }
        let (service, state) = (self.home.keychain_service(), self.home.state());
        let vault = vault::open(self.vault_kind, state, &service, &self.encryption_key).await?;
        // With nobody signed in, whether it can be read is seen by what is not there.
        let nobody = [&AccountName::default()];
        for name in if names.is_empty() { &nobody } else { names } {
            match vault::read_credentials(vault.as_ref(), name).await {
                Ok(Some(_)) => {}
                Ok(None) if names.is_empty() => {}
                Ok(None) => bad.push(((*name).clone(), None)),
                Err(error) if error.is_of_the_entry() => bad.push(((*name).clone(), Some(error.into()))),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// All engines with a destination, and the one that `docker` would use, at once.
    async fn engines(
        &self,
        destinations: &[Destination],
        docker_uses: &Result<String, EngineError>,
    ) -> Vec<EngineFacts> {
        let mut engines: BTreeMap<String, (String, Vec<Destination>)> = BTreeMap::new();
        for destination in destinations {
            let Some(name) = destination.in_volume().map(|place| &place.engine) else { continue };
            let engine =
                engines.entry(self.delivery.engine_address(name)).or_insert_with(|| (name.clone(), Vec::new()));
            engine.1.push(destination.clone());
        }
        let mut unknown = None;
        match docker_uses {
            Ok(name) => {
                engines.entry(self.delivery.engine_address(name)).or_insert_with(|| (name.clone(), Vec::new()));
            }
            Err(error) => {
                let (name, destinations) = (default_engine(), Vec::new());
                unknown = Some(EngineFacts { name, destinations, sight: Err(error.clone()) });
            }
        }
        let looks = engines.into_values().map(|(name, destinations)| async move {
            let sight = self.sight(&name, &destinations).await;
            EngineFacts { name, destinations, sight }
        });
        join_all(looks).await.into_iter().chain(unknown).collect()
    }

    async fn sight(&self, engine: &str, destinations: &[Destination]) -> Result<Sight, EngineError> {
        let docker = self.delivery.docker(engine).await?;
        let hangs = |_| EngineError::Hangs { shown: docker.reach().shown.clone() };
        let survey = timeout(SURVEY_WITHIN, survey(&docker, destinations)).await.map_err(hangs)??;
        let uses = uses(destinations, &survey);
        // Before our own courier is there.
        let leftovers = bounded(self.leftovers(&docker, engine)).await;
        let (ahead, contents, folders, versions) = tokio::join!(
            bounded(docker.clock_ahead(&self.clock)),
            self.contents(engine, destinations, &survey),
            bounded(folders(&docker, &uses)),
            bounded(versions(&docker, &uses)),
        );
        drop(uses);
        Ok(Sight { survey, ahead, leftovers, contents, folders, versions })
    }

    /// Another process's courier at work looks like a leftover, so nothing is said while there may be one.
    async fn leftovers(&self, docker: &Docker, engine: &str) -> Leftovers {
        let host = Host::Engine(engine.to_owned());
        let busy_before = self.delivery.is_busy(&host);
        let found = docker.leftovers().await.unwrap_or_default();
        if busy_before || self.delivery.is_busy(&host) { Leftovers::default() } else { found }
    }

    /// What lies at the destinations whose volumes are there.
    async fn contents(
        &self,
        engine: &str,
        destinations: &[Destination],
        survey: &Survey,
    ) -> BTreeMap<String, Result<Contents, DeliveryError>> {
        let is_there = |place: &VolumePlace| survey.volume(place.volume.as_str()).is_some();
        let there = |it: &&Destination| it.in_volume().is_some_and(is_there);
        let glances: Vec<Glance> = destinations.iter().filter(there).map(at_files).collect();
        if glances.is_empty() {
            return BTreeMap::new();
        }
        let names: Vec<String> = glances.iter().map(|glance| glance.destination.clone()).collect();
        match timeout(QUESTION_WITHIN, self.delivery.look(&Host::Engine(engine.to_owned()), glances)).await {
            Ok(looked) => {
                let format = |name: &str| destinations.iter().find(|it| it.name.as_str() == name).map(|it| it.format);
                let contents = looked.into_iter().map(|(name, seen)| {
                    let format = format(&name).unwrap_or_default();
                    (name, seen.map(|seen| self.contents_of(format, seen)))
                });
                contents.collect()
            }
            Err(_) => {
                let late = || {
                    let secs = QUESTION_WITHIN.as_secs();
                    DeliveryError::Busy(format!("The volume could not be looked into within {secs} s."))
                };
                names.into_iter().map(|name| (name, Err(late()))).collect()
            }
        }
    }

    /// What is in the files, without their secrets.
    fn contents_of(&self, format: Format, seen: Vec<Seen>) -> Contents {
        let mut files = seen.into_iter().map(|seen| seen.file);
        let (credentials, onboarding) = (files.next().flatten(), files.next().flatten());
        let bytes = |file: &Option<crate::destinations::SeenFile>| file.as_ref().and_then(|file| file.content.clone());
        let found = format.found(bytes(&credentials).as_ref().map(|content| content.expose()));
        let owner = match &found {
            Found::Token(token) | Found::SignIn(token) => self.journal.owner_of(token).ok().flatten(),
            _ => None,
        };
        Contents {
            file: credentials.map(|file| Looked { owner: file.owner, mode: file.mode }),
            found,
            owner,
            onboarded: claude_code::is_onboarded(bytes(&onboarding).as_ref().map(|content| content.expose())),
        }
    }
}

fn done(what: String) -> Mended {
    Mended { what, trouble: None }
}

fn failed(what: String, error: &Error) -> Mended {
    Mended { what, trouble: Some(Trouble { code: error.code().to_owned(), what: error.to_string(), fix: error.fix() }) }
}

/// What of a destination is looked at: the file that says whose token lies there, and for the CLI whether it was prepared.
fn at_files(destination: &Destination) -> Glance {
    let first = destination.format.files().first().map(|file| file.path);
    let onboarding = destination.format.is_the_clis().then_some(claude_code::ONBOARDING);
    glance(destination, &first.into_iter().chain(onboarding).collect::<Vec<_>>())
}

/// A question that is given up after its time: what is not known is not judged.
async fn bounded<T: Default>(question: impl Future<Output = T>) -> T {
    timeout(QUESTION_WITHIN, question).await.unwrap_or_default()
}

/// A destination as the inventory knows it, for when the settings can't be read.
fn remembered(copy: &CopyRow) -> Option<Destination> {
    if copy.withdraw {
        return None;
    }
    Some(Destination {
        name: copy.destination.parse().ok()?,
        place: copy.spot.place.clone(),
        account: copy.account.clone(),
        format: copy.spot.format,
        owner: Default::default(),
        ready_to_use: false,
    })
}

/// What is on the engine, with the users of the containers that matter.
async fn survey(docker: &Docker, destinations: &[Destination]) -> Result<Survey, EngineError> {
    let Survey { volumes, containers } = docker.survey().await?;
    let matters = |container: &Container| {
        let mut volumes = container.mounts.iter().filter_map(|mount| mount.volume());
        let places = destinations.iter().filter_map(|destination| destination.in_volume());
        volumes.any(|volume| places.clone().any(|place| place.volume.as_str() == volume))
    };
    let (containers, others) = containers.into_iter().partition(matters);
    let mut used = Survey { volumes, containers };
    docker.look_users_up(&mut used).await;
    used.containers.extend(others);
    Ok(used)
}

/// What lies beside the credentials, each destination seen from one container that mounts it: a running one if there is.
async fn folders(docker: &Docker, uses: &[Use<'_>]) -> BTreeMap<String, Folder> {
    let mut seen_from: BTreeMap<&str, &Use<'_>> = BTreeMap::new();
    for it in uses {
        let known = seen_from.entry(it.destination.name.as_str()).or_insert(it);
        if !known.container.running {
            *known = it;
        }
    }
    let looks = seen_from.into_iter().map(|(name, it)| async move { (name.to_owned(), folder(docker, it).await) });
    join_all(looks).await.into_iter().collect()
}

async fn folder(docker: &Docker, it: &Use<'_>) -> Folder {
    let Container { id, name, running, .. } = it.container;
    let mut locks = Vec::new();
    for lock in LOCKS.into_iter().filter(|_| it.destination.format.is_the_clis()) {
        let look = docker.look_from(id, &format!("{}/{lock}", it.folder)).await.ok().flatten();
        locks.extend(look.and_then(|look| Some((lock.to_owned(), look.modified.parse().ok()?))));
    }
    let temporaries = docker.temporaries_in(id, &it.folder).await;
    Folder { container: name.clone(), running: *running, path: it.folder.clone(), locks, temporaries }
}

/// Versions of the CLI in running containers that read its file.
async fn versions(docker: &Docker, uses: &[Use<'_>]) -> BTreeMap<String, String> {
    let running: BTreeMap<&str, &Container> = uses
        .iter()
        .filter(|it| it.is_the_clis() && it.container.running)
        .map(|it| (it.container.id.as_str(), it.container))
        .collect();
    let found =
        running.into_iter().map(|(id, container)| async move { (id.to_owned(), docker.cli_version(container).await) });
    join_all(found).await.into_iter().filter_map(|(id, version)| Some((id, version?))).collect()
}
