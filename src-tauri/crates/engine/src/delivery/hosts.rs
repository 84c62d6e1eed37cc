//! The hosts that deliveries go to, each used by one process of this installation at a time.

use std::sync::Arc;

use super::engines::Engines;
use crate::destinations::docker::{Docker, EngineError};
use crate::destinations::folder::Folders;
use crate::destinations::kubernetes::Cluster;
use crate::destinations::postgres::{self, EncryptionKey, Postgres, PostgresError, PostgresUrl};
use crate::destinations::{DeliveryError, Glance, Parcel, Receipt, Seen, Undelivered};
use crate::given_key::GivenKey;
use crate::settings::Host;
use crate::vault::lock::{self, Lock};

/// What stands for this machine's folders where an engine has an address.
const FOLDERS: &str = "folders";

/// The right to use a host, and the host.
pub(super) struct Turn {
    _lock: Lock,
    taker: Taker,
}

enum Taker {
    Docker(Arc<Docker>),
    Folders(Folders),
    Postgres(Box<Postgres>),
    Cluster(Arc<Cluster>),
}

impl Engines {
    /// The same for two names of one host.
    pub(super) fn address_of(&self, host: &Host) -> String {
        match host {
            Host::Engine(name) => self.address(name),
            Host::Folders => FOLDERS.to_owned(),
            Host::Postgres(url) => url.to_string(),
            Host::Cluster(context) => format!("kubernetes:{}", context.as_deref().unwrap_or_default()),
        }
    }

    /// A host, and the right to use it: of two processes, each would take the other's courier for a leftover.
    pub(super) async fn turn(&self, host: &Host) -> Result<Turn, DeliveryError> {
        let (address, taker) = match host {
            Host::Engine(name) => {
                let docker = self.docker(name).await?;
                (docker.reach().address(), Taker::Docker(docker))
            }
            Host::Folders => (FOLDERS.to_owned(), Taker::Folders(Folders)),
            Host::Postgres(url) => (url.to_string(), Taker::Postgres(Box::new(database(url)?))),
            Host::Cluster(context) => {
                let cluster = self.clusters().cluster(context.as_deref()).await?;
                (cluster.address().to_owned(), Taker::Cluster(cluster))
            }
        };
        let lock = lock::engine(self.state(), &address).await.map_err(|why| DeliveryError::Busy(why.to_string()))?;
        Ok(Turn { _lock: lock, taker })
    }
}

impl Turn {
    pub(super) async fn carry(&self, parcels: Vec<Parcel>) -> Vec<(String, Result<Receipt, Undelivered>)> {
        match &self.taker {
            Taker::Docker(docker) => docker.carry(parcels).await,
            Taker::Folders(folders) => folders.carry(parcels).await,
            Taker::Postgres(database) => database.carry(parcels).await,
            Taker::Cluster(cluster) => cluster.carry(parcels).await,
        }
    }

    pub(super) async fn look(&self, glances: Vec<Glance>) -> Vec<(String, Result<Vec<Seen>, DeliveryError>)> {
        match &self.taker {
            Taker::Docker(docker) => docker.look(glances).await,
            Taker::Folders(folders) => folders.look(glances).await,
            Taker::Postgres(database) => database.look(glances).await,
            Taker::Cluster(cluster) => cluster.look(glances).await,
        }
    }

    /// The containers that run with a place's files, by name, as far as that can be told.
    pub(super) async fn running_with(&self, root: &str) -> Vec<String> {
        match &self.taker {
            Taker::Docker(docker) => docker.running_with(root).await,
            _ => Vec::new(),
        }
    }

    /// Clears away what earlier runs left.
    pub(super) async fn tidy(&self) -> Result<(), EngineError> {
        match &self.taker {
            Taker::Docker(docker) => docker.tidy().await.map(drop),
            _ => Ok(()),
        }
    }

    /// Leaves nothing of ours behind, as no copy is there any more.
    pub(super) async fn leave(&self) {
        if let Taker::Docker(docker) = &self.taker
            && let Err(why) = docker.leave().await
        {
            tracing::debug!("the courier's image stays: {why}");
        }
    }
}

/// A database with what the environment has for it: the password as libpq finds it, and the key.
fn database(url: &PostgresUrl) -> Result<Postgres, DeliveryError> {
    let database = Postgres::new(url.clone(), postgres::Environment::of_process());
    Ok(match GivenKey::of_process().read().map_err(PostgresError::from)? {
        Some((key, _)) => database.with_key(EncryptionKey::parse(&key)?),
        None => database,
    })
}
