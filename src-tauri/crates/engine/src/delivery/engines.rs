//! The engines that deliveries go to: connected to once, and used by one process of this installation at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::Mutex;

use crate::destinations::docker::{Docker, EngineChoice, EngineError, Environment, resolve};
use crate::destinations::kubernetes::{Clusters, Surroundings};
use crate::settings::Host;
use crate::vault::lock;

/// The engines by the names that the settings have for them.
#[derive(Debug)]
pub(super) struct Engines {
    environment: Environment,
    installation: String,
    state: PathBuf,
    connected: Mutex<BTreeMap<String, Arc<Docker>>>,
    clusters: Clusters,
}

impl Engines {
    pub(super) fn new(environment: Environment, installation: String, state: PathBuf) -> Self {
        let clusters = Clusters::new(Surroundings::of_process(), &installation);
        Self { environment, installation, state, connected: Mutex::default(), clusters }
    }

    /// The clusters that a kubeconfig leads to.
    pub(super) fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// The folder of docker's own settings.
    pub(super) fn docker_settings(&self) -> Option<&Path> {
        self.environment.config.as_deref()
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What the settings shall call this engine; `None` is the one that `docker` would use.
    pub(super) fn named(&self, name: Option<&str>) -> Result<String, EngineError> {
        let choice = name.map_or(EngineChoice::FromEnvironment, EngineChoice::named);
        let reach = resolve(&choice, &self.environment)?;
        // One engine shall have one name, however it was found this time.
        let default = resolve(&EngineChoice::named(&crate::settings::default_engine()), &self.environment)?;
        Ok(if reach.address() == default.address() { default.name } else { reach.name })
    }

    /// The same for two names of one engine.
    pub(super) fn address(&self, name: &str) -> String {
        resolve(&EngineChoice::named(name), &self.environment).map_or_else(|_| name.to_owned(), |reach| reach.address())
    }

    /// Where the locks lie.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// The engine, to look at it. Couriers take a [`turn`](Self::turn).
    pub(super) async fn docker(&self, name: &str) -> Result<Arc<Docker>, EngineError> {
        let reach = resolve(&EngineChoice::named(name), &self.environment)?;
        let mut connected = self.connected.lock().await;
        if let Some(known) = connected.get(&reach.address()) {
            return Ok(known.clone());
        }
        let docker = Arc::new(Docker::new(reach, &self.installation)?);
        connected.insert(docker.reach().address(), docker.clone());
        Ok(docker)
    }

    /// Waits until nothing of ours is left on the engines that this process made there in passing.
    pub(super) async fn settled(&self) {
        let connected: Vec<_> = self.connected.lock().await.values().cloned().collect();
        join_all(connected.iter().map(|docker| docker.settled())).await;
    }

    /// Whether some process delivers to this host now.
    pub(super) fn is_busy(&self, host: &Host) -> bool {
        lock::is_engine_busy(&self.state, &self.address_of(host)).unwrap_or(false)
    }
}
