//! Every engine that there is: those of docker's contexts, those of programs that bring one, and the one that `docker`
//! would use. All are asked at once, each with a bound of its own, so that one that hangs holds up nobody.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;

use super::Engine;
use crate::destinations::docker::{
    Docker, EngineChoice, EngineError, Environment, Identity, Maker, Reach, known, resolve,
};

/// An engine on this machine answers in milliseconds.
const ANSWER: Duration = Duration::from_secs(5);
/// One over SSH is signed in to first, and ssh itself gives up on a host after 10 s.
const ANSWER_OVER_SSH: Duration = Duration::from_secs(14);

/// An engine, and what it said when it was asked.
#[derive(Debug, Serialize)]
pub struct KnownEngine {
    /// The context's or program's name, or the address: what `--engine` takes.
    pub name: String,
    /// Where it listens; none where that can't be told.
    pub address: Option<String>,
    /// Whether it is the one that `docker` would use here and now.
    pub used_by_docker: bool,
    /// `docker` or `podman`, where it answered.
    pub kind: Option<&'static str>,
    /// Its version, where it answered.
    pub version: Option<String>,
    /// Why it can't be used.
    pub problem: Option<EngineProblem>,
}

/// Why an engine can't be used.
#[derive(Debug, Serialize)]
pub struct EngineProblem {
    /// A word for programs that never changes.
    pub code: &'static str,
    /// What happened, in a sentence.
    pub what: String,
    /// What to do, in a sentence.
    pub fix: String,
}

impl From<EngineError> for EngineProblem {
    fn from(error: EngineError) -> Self {
        Self { code: error.code(), what: error.to_string(), fix: error.fix() }
    }
}

/// The engines, and what is wrong with docker's own choice among them.
#[derive(Debug, Serialize)]
pub struct KnownEngines {
    /// Each once by each of its names.
    pub engines: Vec<KnownEngine>,
    /// Why it can't be told which one `docker` would use.
    pub problem: Option<EngineProblem>,
}

impl Engine {
    /// Lists the engines, and asks each what it is.
    pub async fn known_engines(&self) -> KnownEngines {
        let environment = self.delivery.environment();
        let used = resolve(&EngineChoice::FromEnvironment, environment);
        let used_name = used.as_ref().ok().map(|reach| reach.name.clone());
        let mut names = known(environment);
        // One that is named by its address alone.
        names.extend(used_name.clone().filter(|name| !names.contains(name)));
        let asked = names.into_iter().map(|name| {
            let used = used_name.as_ref() == Some(&name);
            ask(name, used, environment)
        });
        KnownEngines { engines: join_all(asked).await, problem: used.err().map(Into::into) }
    }
}

async fn ask(name: String, used_by_docker: bool, environment: &Environment) -> KnownEngine {
    let reach = match resolve(&EngineChoice::named(&name), environment) {
        Ok(reach) => reach,
        Err(error) => {
            let problem = Some(error.into());
            return KnownEngine { name, address: None, used_by_docker, kind: None, version: None, problem };
        }
    };
    let address = Some(reach.address());
    match identify(reach).await {
        Ok(Identity { maker, version, .. }) => {
            let kind = match maker {
                Maker::Docker => "docker",
                Maker::Podman => "podman",
            };
            KnownEngine { name, address, used_by_docker, kind: Some(kind), version: Some(version), problem: None }
        }
        Err(error) => {
            KnownEngine { name, address, used_by_docker, kind: None, version: None, problem: Some(error.into()) }
        }
    }
}

async fn identify(reach: Reach) -> Result<Identity, EngineError> {
    let bound = if reach.is_over_ssh() { ANSWER_OVER_SSH } else { ANSWER };
    let shown = reach.shown.clone();
    // It delivers nothing, so no installation's leftovers are its matter.
    let docker = Docker::new(reach, "")?;
    match timeout(bound, docker.identity()).await {
        Ok(identity) => identity.cloned(),
        Err(_) => Err(EngineError::Hangs { shown }),
    }
}
