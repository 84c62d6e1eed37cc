//! Docker's contexts, as its CLI keeps them: `contexts/meta/<sha256 of the name>/meta.json`, TLS files beside, and which
//! one is in use in `config.json`. Read only.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Environment;
use crate::destinations::docker::{EngineError, hex};

/// Where a context leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) host: String,
    /// The folder of its TLS files, if it has any.
    pub(super) certificates: Option<PathBuf>,
}

/// The context of this name, if there is one.
pub(super) fn read(name: &str, environment: &Environment) -> Result<Option<Context>, EngineError> {
    let Some(contexts) = folder(environment) else { return Ok(None) };
    let hash = hex(Sha256::digest(name).iter());
    let Ok(meta) = fs::read(contexts.join("meta").join(&hash).join("meta.json")) else { return Ok(None) };
    let meta: ContextMeta = serde_json::from_slice(&meta)
        .map_err(|error| EngineError::BadContext { context: name.to_owned(), reason: error.to_string() })?;
    let certificates = contexts.join("tls").join(hash).join("docker");
    Ok(Some(Context { host: meta.endpoints.docker.host, certificates: certificates.is_dir().then_some(certificates) }))
}

/// The context that `docker context use` chose last.
pub(super) fn current(environment: &Environment) -> Result<Option<String>, EngineError> {
    let Some(folder) = &environment.config else { return Ok(None) };
    let path = folder.join("config.json");
    let Ok(config) = fs::read(&path) else { return Ok(None) };
    let config: DockerConfig =
        serde_json::from_slice(&config).map_err(|error| EngineError::BadConfig { path, reason: error.to_string() })?;
    Ok(config.current_context.filter(|context| !context.is_empty()))
}

/// The names of all contexts, sorted; one whose file can't be read has none.
pub(super) fn names(environment: &Environment) -> Vec<String> {
    let found = folder(environment).and_then(|folder| fs::read_dir(folder.join("meta")).ok());
    let metas = found.into_iter().flatten().flatten().filter_map(|entry| fs::read(entry.path().join("meta.json")).ok());
    let mut names: Vec<String> = metas.filter_map(|meta| serde_json::from_slice::<Named>(&meta).ok()?.name).collect();
    names.sort();
    names
}

fn folder(environment: &Environment) -> Option<PathBuf> {
    Some(environment.config.as_ref()?.join("contexts"))
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Endpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: String,
}
