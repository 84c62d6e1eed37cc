//! What is due where (a pure plan), and carrying it out: to all engines at once, to each by one courier.
//!
//! A copy stands in the inventory before it is sent, and counts as delivered when it has been read back.

mod carry;
mod engines;
mod healing;
mod hosts;
mod look;
mod notes;
mod parcels;
mod plan;
mod tidying;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;

pub use look::{Looked, glance};
pub use parcels::parcels;
pub use plan::{Plan, plan};

use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::destinations::docker::{Docker, EngineError, Environment};
use crate::destinations::{DeliveryError, Receipt};
use crate::journal::{CopyRow, Journal, JournalError};
use crate::settings::{Destination, Host, Spot};
use engines::Engines;

/// Carries deliveries out and keeps the inventory.
#[derive(Debug)]
pub struct Delivery {
    journal: Arc<Journal>,
    clock: Clock,
    engines: Engines,
    tasks: TaskTracker,
}

/// One destination, and what it shall get.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where to.
    pub destination: Destination,
    /// Whose token.
    pub credentials: Arc<Credentials>,
    /// How.
    pub way: Way,
}

/// How an order is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Written, whatever lies there; but for a sign-in of somebody else's.
    #[default]
    Publish,
    /// Written, and a sign-in of somebody else's is replaced: a person said so.
    Replace,
    /// Looked at, and written where it is not as it should be.
    Check,
}

/// What became of one delivery or withdrawal.
#[derive(Debug)]
pub struct Carried {
    /// The destination's name.
    pub destination: String,
    /// Where it is.
    pub spot: Spot,
    /// Read back when, or what stood in the way.
    pub result: Result<Timestamp, DeliveryError>,
    /// What was seen there at the end; none where it did not arrive.
    pub seen: Option<Receipt>,
}

/// What became of many deliveries.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Those that were carried out, well or not.
    pub carried: Vec<Carried>,
    /// Those whose token was renewed, or signed out of, before their turn came: nothing was sent.
    pub overtaken: Vec<Destination>,
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
        let engines = Engines::new(environment, installation, state);
        Self { journal, clock, engines, tasks: TaskTracker::new() }
    }

    /// Delivers, each engine's orders by one courier. What fails on one host or in one place holds up no other. What
    /// was begun is carried to its end, also where the caller has gone away: a courier cut off would stay behind.
    ///
    /// # Errors
    /// [`JournalError`] alone: nothing is sent that can't be noted.
    pub async fn deliver(self: &Arc<Self>, orders: Vec<Order>) -> Result<Delivered, JournalError> {
        let by_host = grouped(orders, |order| self.address_of(&order.destination.place.host()));
        let tasks = by_host.into_values().map(|orders| {
            let delivery = self.clone();
            self.tasks.spawn(async move { delivery.deliver_on_host(orders).await })
        });
        let mut all = Delivered::default();
        for done in join_all(tasks).await.into_iter().flatten() {
            let Delivered { carried, overtaken } = done?;
            all.carried.extend(carried);
            all.overtaken.extend(overtaken);
        }
        Ok(all)
    }

    /// Takes copies away. What can't be reached now stays in the inventory, to be taken away later; what has been
    /// delivered anew meanwhile stays where it is.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn withdraw(self: &Arc<Self>, copies: Vec<CopyRow>) -> Result<Vec<Carried>, JournalError> {
        let by_host = grouped(copies, |copy| self.address_of(&copy.spot.place.host()));
        let tasks = by_host.into_values().map(|copies| {
            let delivery = self.clone();
            self.tasks.spawn(async move { delivery.withdraw_from_host(copies).await })
        });
        let done: Result<Vec<_>, _> = join_all(tasks).await.into_iter().flatten().collect();
        Ok(done?.into_iter().flatten().collect())
    }

    /// What the settings shall call this engine; `None` is the one that `docker` would use.
    ///
    /// # Errors
    /// [`EngineError`] where it names none.
    pub fn engine_named(&self, name: Option<&str>) -> Result<String, EngineError> {
        self.engines.named(name)
    }

    /// The same for two names of one engine.
    pub fn engine_address(&self, name: &str) -> String {
        self.engines.address(name)
    }

    /// The same for two names of one host.
    pub fn address_of(&self, host: &Host) -> String {
        self.engines.address_of(host)
    }

    /// The engine of this name in the settings, to look at it; nothing is sent yet.
    ///
    /// # Errors
    /// [`EngineError`] where there is none.
    pub async fn docker(&self, name: &str) -> Result<Arc<Docker>, EngineError> {
        self.engines.docker(name).await
    }

    /// The folder of docker's own settings.
    pub fn docker_settings(&self) -> Option<&Path> {
        self.engines.docker_settings()
    }

    /// What says which engine is meant.
    pub fn environment(&self) -> &Environment {
        self.engines.environment()
    }

    /// Whether some process delivers to this host now.
    pub fn is_busy(&self, host: &Host) -> bool {
        self.engines.is_busy(host)
    }

    /// Waits until what was begun has been carried to its end.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
        self.engines.settled().await;
    }
}

fn grouped<T>(items: Vec<T>, key: impl Fn(&T) -> String) -> BTreeMap<String, Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}
