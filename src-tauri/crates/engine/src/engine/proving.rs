//! The journey of a proof: what lies at destinations is looked at afresh, and the provider is asked with exactly that;
//! and on request, one real request in a container that reads it.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;

use super::Engine;
use crate::account::Identity;
use crate::credentials::Fingerprint;
use crate::delivery::glance;
use crate::destinations::docker::{EngineError, Reply};
use crate::destinations::{DeliveryError, Glance, Seen};
use crate::discovery::looks_at;
use crate::doctor::is_overridden;
use crate::error::Error;
use crate::formats::claude_code;
use crate::journal::{AccountRow, Event, Kind};
use crate::proof::Proof;
use crate::provider::ProviderError;
use crate::secret::SecretString;
use crate::settings::{Destination, DestinationName, Host};

/// What came of a proof.
#[derive(Debug)]
pub struct Proven {
    /// The destination.
    pub destination: Destination,
    /// What was found out.
    pub proof: Proof,
}

/// A running container that has the official CLI and reads a destination's file with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliUser {
    /// The destination.
    pub destination: DestinationName,
    /// The container's name.
    pub container: String,
    engine: String,
    id: String,
    program: String,
}

impl Engine {
    /// Looks at what lies at the named destinations, or at all, and asks the provider with exactly that. A token that
    /// lies at many places is asked with once.
    ///
    /// # Errors
    /// A name that is none; the journal's. What fails at a destination is in its proof.
    pub async fn prove(&self, names: &[String]) -> Result<Vec<Proven>, Error> {
        let destinations = self.chosen(names)?;
        let accounts = self.journal.accounts()?;
        let mut seen = self.seen(&destinations).await;
        let mut answers: HashMap<Fingerprint, Result<Identity, ProviderError>> = HashMap::new();
        let mut proven = Vec::new();
        for destination in destinations {
            let row = accounts.iter().find(|row| row.name == destination.account);
            let token = match seen.remove(destination.name.as_str()) {
                Some(Ok(files)) => token(&files),
                Some(Err(why)) => {
                    proven.push(Proven { destination, proof: Proof::Unseen(why) });
                    continue;
                }
                None => None,
            };
            let proof = match token {
                None => Proof::Nothing,
                Some(token) if !self.may_be_shown(&token, &accounts)? => Proof::NotShown,
                Some(token) => {
                    let fingerprint = Fingerprint::of(&token);
                    let answer = match answers.get(&fingerprint) {
                        Some(known) => known.clone(),
                        None => self.provider.profile(&token).await,
                    };
                    answers.insert(fingerprint, answer.clone());
                    Proof::judge(answer, &row.map(|row| row.identity.clone()).unwrap_or_default())
                }
            };
            self.note_proof(&destination, &proof)?;
            proven.push(Proven { destination, proof });
        }
        Ok(proven)
    }

    /// Finds, for each of the named destinations or of all, a running container that reads its file with the official
    /// CLI. Nothing is executed. An engine that can't be looked at has none.
    ///
    /// # Errors
    /// A name that is none.
    pub async fn cli_users(&self, names: &[String]) -> Result<Vec<CliUser>, Error> {
        let mut by_engine: BTreeMap<String, Vec<Destination>> = BTreeMap::new();
        for destination in self.chosen(names)? {
            let Some(engine) = destination.in_volume().map(|place| place.engine.clone()) else { continue };
            by_engine.entry(engine).or_default().push(destination);
        }
        let found = by_engine.into_iter().map(async |(engine, destinations)| {
            self.cli_users_on(&engine, &destinations).await.unwrap_or_else(|why| {
                tracing::debug!("no CLI was looked for: {why}");
                Vec::new()
            })
        });
        Ok(join_all(found).await.into_iter().flatten().collect())
    }

    async fn cli_users_on(&self, engine: &str, destinations: &[Destination]) -> Result<Vec<CliUser>, EngineError> {
        let docker = self.delivery.docker(engine).await?;
        let mut survey = docker.survey().await?;
        docker.look_users_up(&mut survey).await;
        let mut found = Vec::new();
        for destination in destinations {
            let Some(place) = destination.in_volume() else { continue };
            let readers = survey.containers.iter().filter(|container| {
                let setup = container.setup.as_ref();
                let reads_files = setup.is_some_and(|setup| !is_overridden(&setup.environment));
                container.running && reads_files && looks_at(container, place)
            });
            for container in readers {
                if let Some(program) = docker.find_cli(container).await {
                    found.push(CliUser {
                        destination: destination.name.clone(),
                        container: container.name.clone(),
                        engine: engine.to_owned(),
                        id: container.id.clone(),
                        program,
                    });
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Makes one short real request with the CLI of a container. It counts against the account's plan.
    ///
    /// # Errors
    /// [`Error::Engine`] where the container can't run it.
    pub async fn request(&self, user: &CliUser) -> Result<Reply, Error> {
        let docker = self.delivery.docker(&user.engine).await?;
        let reply = docker.request_with_cli(&user.id, &user.program).await?;
        let container = &user.container;
        let (kind, text) = match &reply {
            Reply::Answered => (Kind::Proved, format!("A request in container {container} was answered.")),
            Reply::Refused(said) => (Kind::Disproved, format!("A request in container {container} failed: {said}")),
            Reply::Late => (Kind::Disproved, format!("A request in container {container} got no answer in time.")),
        };
        self.journal.note(Event::new(self.clock.now(), kind, text).at_destination(&user.destination))?;
        Ok(reply)
    }

    fn chosen(&self, names: &[String]) -> Result<Vec<Destination>, Error> {
        let settings = self.settings()?;
        Ok(match names {
            [] => settings.destinations,
            names => names.iter().map(|name| settings.destination(name).cloned()).collect::<Result<_, _>>()?,
        })
    }

    /// What lies at each destination now, by its name.
    async fn seen(&self, destinations: &[Destination]) -> HashMap<String, Result<Vec<Seen>, DeliveryError>> {
        let mut by_host: BTreeMap<Host, Vec<Glance>> = BTreeMap::new();
        for destination in destinations {
            let first = destination.format.files().first().map(|file| file.path);
            by_host.entry(destination.place.host()).or_default().push(glance(destination, first.as_slice()));
        }
        let looks = by_host.iter().map(|(host, glances)| self.delivery.look(host, glances.clone()));
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// Whether the provider in force may be asked with this token: it gave it, or it is Claude and the token came from
    /// elsewhere.
    fn may_be_shown(&self, token: &SecretString, accounts: &[AccountRow]) -> Result<bool, Error> {
        let owner = self.journal.owner_of(&Fingerprint::of(token))?;
        let row = owner.and_then(|name| accounts.iter().find(|row| row.name == name));
        Ok(row.map_or(!self.other_provider, |row| row.provider == self.provider.endpoints().name))
    }

    fn note_proof(&self, destination: &Destination, proof: &Proof) -> Result<(), Error> {
        let kind = match proof {
            Proof::Proved(_) => Kind::Proved,
            Proof::Refused | Proof::Another { .. } | Proof::Nothing => Kind::Disproved,
            Proof::Unanswered(_) | Proof::NotShown | Proof::Unseen(_) => return Ok(()),
        };
        let event = Event::new(self.clock.now(), kind, format!("{}: {proof}", destination.name));
        self.journal.note(event.to(&destination.account).at_destination(&destination.name))?;
        Ok(())
    }
}

/// The token in exactly the bytes that were read back.
fn token(files: &[Seen]) -> Option<SecretString> {
    let content = files.first()?.file.as_ref()?.content.as_ref()?;
    claude_code::access_token(content.expose())
}
