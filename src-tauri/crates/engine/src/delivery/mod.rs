//! What is due where (a pure plan), and carrying it out: to all engines at once, to each by one courier.
//!
//! A copy stands in the inventory before it is sent, and counts as delivered when it has been read back.

mod parcels;
mod plan;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

pub use plan::{Plan, plan};

use crate::account::AccountName;
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::destinations::docker::{Docker, EngineChoice, EngineError, Environment, resolve};
use crate::destinations::{DeliveryError, NextStep, Outcome, Receipt, Undelivered};
use crate::journal::{CopyRow, Event, Journal, JournalError, Kind, Trouble};
use crate::renewal::{Jitter, Policy};
use crate::settings::{Destination, Place};
use crate::vault::lock::{self, Lock};

/// A place whose trouble needs a person is looked at as seldom as one that failed this often: after a minute, then less.
const PATIENT: u32 = 7;

/// Carries deliveries out and keeps the inventory.
#[derive(Debug)]
pub struct Delivery {
    journal: Arc<Journal>,
    state: PathBuf,
    installation: String,
    environment: Environment,
    clock: Clock,
    engines: tokio::sync::Mutex<BTreeMap<String, Arc<Docker>>>,
}

/// One destination, and what it shall get.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where to.
    pub destination: Destination,
    /// Whose token.
    pub credentials: Arc<Credentials>,
    /// Whether a sign-in of somebody else's that lies there may be replaced.
    pub replace: bool,
}

/// What became of an order or a withdrawal.
#[derive(Debug)]
pub struct Outcomes {
    /// The destination's name.
    pub destination: String,
    /// Where it is.
    pub place: Place,
    /// Read back when, or what stood in the way.
    pub result: Result<Timestamp, DeliveryError>,
}

impl Delivery {
    /// Nothing is connected to yet. `installation` names this installation's couriers; it is no secret.
    pub fn new(
        journal: Arc<Journal>,
        state: PathBuf,
        installation: String,
        environment: Environment,
        clock: Clock,
    ) -> Self {
        Self { journal, state, installation, environment, clock, engines: tokio::sync::Mutex::default() }
    }

    /// Delivers, each engine's orders by one courier. What fails on one engine or in one volume holds up no other.
    ///
    /// # Errors
    /// [`JournalError`] alone: nothing is sent that can't be noted.
    pub async fn deliver(&self, orders: Vec<Order>) -> Result<Vec<Outcomes>, JournalError> {
        let by_engine = grouped(orders, |order| order.destination.engine.clone());
        let done = join_all(by_engine.into_iter().map(|(engine, orders)| self.deliver_on(engine, orders))).await;
        flattened(done)
    }

    /// Takes copies away. What can't be reached now stays in the inventory, to be taken away later.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn withdraw(&self, copies: Vec<CopyRow>) -> Result<Vec<Outcomes>, JournalError> {
        let by_engine = grouped(copies, |copy| copy.place.engine.clone());
        let done = join_all(by_engine.into_iter().map(|(engine, copies)| self.withdraw_on(engine, copies))).await;
        flattened(done)
    }

    /// Which engine a name means, for the settings.
    ///
    /// # Errors
    /// [`EngineError`] where it names none.
    pub fn engine_named(&self, name: Option<&str>) -> Result<String, EngineError> {
        let choice = name.map_or(EngineChoice::FromEnvironment, EngineChoice::named);
        resolve(&choice, &self.environment).map(|reach| reach.name)
    }

    /// The connection to an engine, made once.
    ///
    /// # Errors
    /// [`EngineError`]
    pub async fn engine(&self, name: &str) -> Result<Arc<Docker>, EngineError> {
        let mut engines = self.engines.lock().await;
        if let Some(engine) = engines.get(name) {
            return Ok(engine.clone());
        }
        let reach = resolve(&EngineChoice::named(name), &self.environment)?;
        let engine = Arc::new(Docker::new(reach, &self.installation)?);
        engines.insert(name.to_owned(), engine.clone());
        Ok(engine)
    }

    async fn deliver_on(&self, engine: String, orders: Vec<Order>) -> Result<Vec<Outcomes>, JournalError> {
        let intents: Vec<_> = orders
            .iter()
            .map(|order| {
                let Destination { name, account, .. } = &order.destination;
                (order.destination.place(), name.to_string(), account.clone(), order.credentials.fingerprint())
            })
            .collect();
        let results = match self.turn(&engine).await {
            Ok((_lock, docker)) => {
                self.journal.about_to_send(&intents)?;
                docker.carry(orders.iter().map(parcels::bringing).collect()).await
            }
            Err(error) => {
                self.journal.about_to_send(&intents)?;
                orders
                    .iter()
                    .map(|order| (order.destination.name.to_string(), Err(DeliveryError::from(error.clone()).into())))
                    .collect()
            }
        };
        let mut results: BTreeMap<String, Result<Receipt, Undelivered>> = results.into_iter().collect();
        let mut outcomes = Vec::new();
        for order in orders {
            let name = order.destination.name.to_string();
            let result = results.remove(&name).unwrap_or_else(|| Err(unanswered(&engine).into()));
            let place = order.destination.place();
            let result = match result {
                Ok(receipt) => Ok(self.note_delivered(&order, &receipt)?),
                Err(undelivered) => Err(self.note_failed(&name, &order.destination.account, &place, undelivered)?),
            };
            outcomes.push(Outcomes { destination: name, place, result });
        }
        Ok(outcomes)
    }

    async fn withdraw_on(&self, engine: String, copies: Vec<CopyRow>) -> Result<Vec<Outcomes>, JournalError> {
        // By number, since a destination's name may have been given anew since.
        let parcels = || copies.iter().enumerate().map(|(number, copy)| parcels::taking_away(number, copy)).collect();
        let results = match self.turn(&engine).await {
            Ok((_lock, docker)) => docker.carry(parcels()).await,
            Err(error) => (0..copies.len())
                .map(|number| (number.to_string(), Err(DeliveryError::from(error.clone()).into())))
                .collect(),
        };
        let mut results: BTreeMap<String, Result<Receipt, Undelivered>> = results.into_iter().collect();
        let mut outcomes = Vec::new();
        for (number, copy) in copies.into_iter().enumerate() {
            let result = results.remove(&number.to_string()).unwrap_or_else(|| Err(unanswered(&engine).into()));
            let result = match result {
                Ok(_) => Ok(self.note_withdrawn(&copy)?),
                // What has gone with its volume need not be taken away, and what is not ours is none of our copies.
                Err(Undelivered {
                    error: DeliveryError::VolumeMissing { .. } | DeliveryError::NotUnderstood { .. },
                    ..
                }) => Ok(self.note_withdrawn(&copy)?),
                Err(undelivered) => {
                    Err(self.note_failed(&copy.destination, &copy.account, &copy.place, undelivered)?)
                }
            };
            outcomes.push(Outcomes { destination: copy.destination, place: copy.place, result });
        }
        Ok(outcomes)
    }

    /// An engine, and the right to use it: two processes of one installation take turns.
    async fn turn(&self, engine: &str) -> Result<(Lock, Arc<Docker>), EngineError> {
        let docker = self.engine(engine).await?;
        let lock = lock::engine(&self.state, engine)
            .await
            .map_err(|why| EngineError::Broken { shown: docker.reach().shown.clone(), reason: why.to_string() })?;
        Ok((lock, docker))
    }

    fn note_delivered(&self, order: &Order, receipt: &Receipt) -> Result<Timestamp, JournalError> {
        let Destination { name, account, .. } = &order.destination;
        let at = receipt.files.iter().map(|file| file.read_back_at).max().unwrap_or_else(|| self.clock.now());
        self.journal.delivered(&order.destination.place(), &order.credentials.fingerprint(), at)?;
        let text = format!("Delivered {account} to {name}, and read it back.");
        self.journal.note(Event::new(at, Kind::Delivered, text).to(account).at_destination(name))?;
        Ok(at)
    }

    fn note_withdrawn(&self, copy: &CopyRow) -> Result<Timestamp, JournalError> {
        let now = self.clock.now();
        self.journal.copy_is_gone(&copy.place)?;
        let text = format!("No copy of {} is left in {}.", copy.account, copy.place);
        let event = Event::new(now, Kind::Withdrawn, text).to(&copy.account).at_destination(&copy.destination);
        self.journal.note(event)?;
        Ok(now)
    }

    fn note_failed(
        &self,
        destination: &str,
        account: &AccountName,
        place: &Place,
        undelivered: Undelivered,
    ) -> Result<DeliveryError, JournalError> {
        let Undelivered { error, files, uncertain } = undelivered;
        let now = self.clock.now();
        let known = self.journal.copy(place)?;
        let failures = known.as_ref().map_or(0, |copy| copy.failures);
        let policy = Policy { renew_before: Duration::ZERO };
        let attempts = match error.next() {
            NextStep::TryAgain => failures + 1,
            NextStep::AskUser => failures + PATIENT,
        };
        let not_before = policy.try_again(now, attempts, None, Jitter::of(account, failures.into()));
        let nothing_was_written = uncertain.is_empty() && files.iter().all(|file| file.outcome != Outcome::Written);
        let trouble = Trouble::from(&error);
        let news = known.and_then(|copy| copy.trouble).is_none_or(|before| before.code != trouble.code);
        self.journal.delivery_failed(place, &trouble, nothing_was_written, now, not_before)?;
        if news {
            let text = format!("{destination}: {error}");
            self.journal.note(Event::new(now, Kind::DeliveryFailed, text).to(account).at_destination(destination))?;
        }
        Ok(error)
    }
}

fn unanswered(engine: &str) -> DeliveryError {
    EngineError::Broken { shown: engine.to_owned(), reason: "the delivery got no answer".to_owned() }.into()
}

fn grouped<T>(items: Vec<T>, key: impl Fn(&T) -> String) -> BTreeMap<String, Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}

fn flattened(done: Vec<Result<Vec<Outcomes>, JournalError>>) -> Result<Vec<Outcomes>, JournalError> {
    Ok(done.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
