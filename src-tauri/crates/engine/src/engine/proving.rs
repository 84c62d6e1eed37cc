//! The journey of a proof: what lies at destinations is looked at afresh, and the provider is asked with exactly that;
//! and on request, one real request in a container that reads it.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;

use super::Engine;
use crate::credentials::{ApiKey, Fingerprint, Kind, NotAnApiKey};
use crate::delivery::glance;
use crate::destinations::docker::{EngineError, Reply};
use crate::destinations::{DeliveryError, Glance, Seen};
use crate::discovery::looks_at;
use crate::doctor::is_overridden;
use crate::error::Error;
use crate::journal::{self, AccountRow, Event};
use crate::proof::{Owner, Proof, Taken};
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
        let mut answers: HashMap<Fingerprint, Result<Taken, ProviderError>> = HashMap::new();
        let mut proven = Vec::new();
        for destination in destinations {
            let token = match seen.remove(destination.name.as_str()) {
                Some(Ok(files)) => token(&destination, &files),
                Some(Err(why)) => {
                    proven.push(Proven { destination, proof: Proof::Unseen(why) });
                    continue;
                }
                None => None,
            };
            let proof = match token {
                None => Proof::Nothing,
                Some(token) => self.proof(&destination, &token, &accounts, &mut answers).await?,
            };
            self.note_proof(&destination, &proof)?;
            proven.push(Proven { destination, proof });
        }
        Ok(proven)
    }

    async fn proof(
        &self,
        destination: &Destination,
        token: &SecretString,
        accounts: &[AccountRow],
        answers: &mut HashMap<Fingerprint, Result<Taken, ProviderError>>,
    ) -> Result<Proof, Error> {
        let fingerprint = Fingerprint::of(token);
        let owner = self.journal.owner_of(&fingerprint)?;
        let row = owner.and_then(|name| accounts.iter().find(|row| row.name == name));
        if !self.may_be_shown(row) {
            return Ok(Proof::NotShown);
        }
        // A name may have had another token before, of another kind or even of somebody else's.
        let row_now = row.filter(|row| row.fingerprint == fingerprint);
        let answer = match (answers.get(&fingerprint), Question::of(token, row, row_now)) {
            (Some(known), _) => known.clone(),
            (None, Some(question)) => self.ask(question, token).await,
            (None, None) => return Ok(Proof::NotOfClaude),
        };
        answers.insert(fingerprint, answer.clone());
        let meant = accounts.iter().find(|row| row.name == destination.account);
        let expected = Owner {
            account: destination.account.clone(),
            identity: meant.map(|row| row.identity.clone()).unwrap_or_default(),
        };
        let owner = row_now.map(|row| Owner { account: row.name.clone(), identity: row.identity.clone() });
        Ok(Proof::judge(answer, &expected, owner))
    }

    async fn ask(&self, question: Question, token: &SecretString) -> Result<Taken, ProviderError> {
        let counts = async || self.provider.check_inference(token).await.map(|()| Taken::Unnamed(Kind::OneYear));
        match question {
            Question::Models => self.provider.check_api_key(token).await.map(|()| Taken::Unnamed(Kind::ApiKey)),
            Question::Count => counts().await,
            Question::Profile => match self.provider.profile(token).await {
                Err(ProviderError::NotAllowed) => counts().await,
                answer => answer.map(Taken::For),
            },
        }
    }

    /// Finds, for each of the named destinations or of all, a running container that reads its file with the official
    /// CLI: in that CLI's own format alone. Nothing is executed. An engine that can't be looked at has none.
    ///
    /// # Errors
    /// A name that is none.
    pub async fn cli_users(&self, names: &[String]) -> Result<Vec<CliUser>, Error> {
        let mut by_engine: BTreeMap<String, Vec<Destination>> = BTreeMap::new();
        for destination in self.chosen(names)?.into_iter().filter(|it| it.format.is_the_clis()) {
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
            Reply::Answered => (journal::Kind::Proved, format!("A request in container {container} was answered.")),
            Reply::Refused(said) => {
                (journal::Kind::Disproved, format!("A request in container {container} failed: {said}"))
            }
            Reply::Late => {
                (journal::Kind::Disproved, format!("A request in container {container} got no answer in time."))
            }
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

    /// Whether the provider in force may be asked with a token of this account: it gave it, or it is Claude and the token
    /// came from elsewhere.
    fn may_be_shown(&self, owner: Option<&AccountRow>) -> bool {
        owner.map_or(!self.other_provider, |row| row.provider == self.provider.endpoints().name)
    }

    fn note_proof(&self, destination: &Destination, proof: &Proof) -> Result<(), Error> {
        let kind = match proof {
            Proof::Proved(_) => journal::Kind::Proved,
            Proof::Refused | Proof::Another { .. } | Proof::OfAnother { .. } | Proof::Nothing => {
                journal::Kind::Disproved
            }
            Proof::Unnamed(_) | Proof::NotOfClaude | Proof::Unanswered(_) | Proof::NotShown | Proof::Unseen(_) => {
                return Ok(());
            }
        };
        let event = Event::new(self.clock.now(), kind, format!("{}: {proof}", destination.name));
        self.journal.note(event.to(&destination.account).at_destination(&destination.name))?;
        Ok(())
    }
}

/// What the provider is asked with a token, for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// For whom it is: a sign-in's token may ask.
    Profile,
    /// How long a prompt is: all that a token for inference alone may ask.
    Count,
    /// Which models there are, as the holder of an API key, which is never sent as a token.
    Models,
}

impl Question {
    /// The question for a token by what it looks like; none where it is nothing of Claude's. `owner` is the account that has
    /// or had it, `now` the same where it has it now.
    fn of(token: &SecretString, owner: Option<&AccountRow>, now: Option<&AccountRow>) -> Option<Self> {
        match (ApiKey::parse(token), now.map(|row| row.kind)) {
            (Ok(_), _) => Some(Self::Models),
            (Err(NotAnApiKey::OAuthToken), Some(Kind::OneYear)) => Some(Self::Count),
            (Err(NotAnApiKey::OAuthToken), _) => Some(Self::Profile),
            // What the provider gave it also takes, however it looks.
            (Err(NotAnApiKey::Unknown), _) => owner.filter(|row| row.kind != Kind::ApiKey).map(|_| Self::Profile),
            (Err(_), _) => None,
        }
    }
}

/// The token in exactly the bytes that were read back.
fn token(destination: &Destination, files: &[Seen]) -> Option<SecretString> {
    let content = files.first()?.file.as_ref()?.content.as_ref()?;
    destination.format.access_token(content.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;
    use crate::journal::Journal;

    /// An account's row.
    fn row(kind: Kind) -> AccountRow {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        journal.keep_account(&samples::credentials()).unwrap();
        AccountRow { kind, ..journal.accounts().unwrap().remove(0) }
    }

    #[test]
    fn each_kind_is_asked_what_it_may_ask() {
        let (key, token) = ("sk-ant-api03-canary-0123456789", "sk-ant-oat01-canary-0123456789");
        let of = |text: &str, before: Option<Kind>, now: Option<Kind>| {
            Question::of(&SecretString::new(text), before.map(row).as_ref(), now.map(row).as_ref())
        };
        let (sign_in, year, api_key) = (Some(Kind::SignIn), Some(Kind::OneYear), Some(Kind::ApiKey));
        assert_eq!(of(token, sign_in, sign_in), Some(Question::Profile));
        assert_eq!(of(token, year, year), Some(Question::Count));
        // From elsewhere, or of a name that has something else by now.
        for before in [None, sign_in, year, api_key] {
            assert_eq!(of(token, before, None), Some(Question::Profile));
            assert_eq!(of(key, before, None), Some(Question::Models), "a key is a key, whatever its name has now");
        }
        // Another provider's tokens may look otherwise.
        assert_eq!(of("gateway-token", sign_in, sign_in), Some(Question::Profile));
        for strange in ["sk-proj-canary", "sk-ant-admin01-canary", "sk-ant-ort01-canary", "sk-ant-api03-"] {
            assert_eq!(of(strange, None, None), None, "{strange}");
        }
        assert_eq!(of("sk-ant-ort01-canary", sign_in, sign_in), None, "a refresh token is nobody's access token");
    }
}
