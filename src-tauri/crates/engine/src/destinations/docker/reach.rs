//! Which engine is meant, and where it listens: from the environment, docker's contexts, or a name the user gave.
//!
//! Resolved as docker's own CLI does it: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then `currentContext` in `config.json`,
//! then the platform's default. Nothing is connected to here but in [`connect`], and that sends nothing yet.

use std::fs;
use std::path::{Path, PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker as Connection};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::fault::EngineError;

/// A call that takes longer hangs: on a loaded machine the slowest, starting a courier with 100 volumes, took 0.5 s.
const CALL_SECONDS: u64 = 10;

#[cfg(windows)]
const DEFAULT_HOST: &str = "npipe:////./pipe/docker_engine";
#[cfg(not(windows))]
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// The context that stands for the platform's default.
const DEFAULT_CONTEXT: &str = "default";

/// Which engine a destination is on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// The one that `docker` would use.
    #[default]
    FromEnvironment,
    /// The one of a docker context.
    Context(String),
    /// The one at an address, such as `unix:///var/run/docker.sock`.
    Host(String),
}

impl EngineChoice {
    /// Reads what the user gave: an address if it has a scheme, else a context's name.
    pub fn named(name: &str) -> Self {
        if name.contains("://") { Self::Host(name.to_owned()) } else { Self::Context(name.to_owned()) }
    }
}

/// What of the process's environment says which engine is meant.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `DOCKER_HOST`
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`
    pub context: Option<String>,
    /// `DOCKER_CERT_PATH`
    pub certificates: Option<PathBuf>,
    /// Whether `DOCKER_TLS_VERIFY` is set to anything.
    pub verify: bool,
    /// `DOCKER_CONFIG`, else `.docker` in the user's home: where docker keeps `config.json` and contexts.
    pub config: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".docker"));
        Self {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            certificates: text("DOCKER_CERT_PATH").map(PathBuf::from),
            verify: text("DOCKER_TLS_VERIFY").is_some(),
            config: text("DOCKER_CONFIG").map(PathBuf::from).or_else(home),
        }
    }
}

/// An engine, found but not yet connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// What to store in settings: choosing it by [`EngineChoice::named`] finds the same engine, whatever the environment.
    pub name: String,
    /// What to show, such as `desktop-linux (unix:///home/me/.docker/desktop/docker.sock)`.
    pub shown: String,
    address: Address,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Unix(String),
    Pipe(String),
    Tcp { host: String, tls: Option<Tls> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tls {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    fn in_folder(folder: &Path) -> Self {
        Self { ca: folder.join("ca.pem"), certificate: folder.join("cert.pem"), key: folder.join("key.pem") }
    }
}

impl Reach {
    /// A client of the engine, for what is no delivery. Nothing is sent yet.
    ///
    /// # Errors
    /// [`EngineError::NotRunning`] where there is no socket; TLS files that can't be used.
    pub fn client(&self) -> Result<Connection, EngineError> {
        connect(self)
    }

    /// Where it listens: the same for two names of one engine.
    pub fn address(&self) -> String {
        match &self.address {
            Address::Unix(path) => format!("unix://{path}"),
            Address::Pipe(path) => format!("npipe://{path}"),
            Address::Tcp { host, .. } => format!("tcp://{host}"),
        }
    }

    /// The engine's socket in the file system, if that is how it is reached.
    pub(super) fn socket(&self) -> Option<&Path> {
        match &self.address {
            Address::Unix(path) => Some(Path::new(path)),
            _ => None,
        }
    }
}

/// Finds the engine that is meant.
///
/// # Errors
/// A context that is not there or can't be read, or an address of a kind that is not supported.
pub fn resolve(choice: &EngineChoice, environment: &Environment) -> Result<Reach, EngineError> {
    match choice {
        EngineChoice::Host(host) => at_host(host, environment),
        EngineChoice::Context(name) => in_context(name, environment),
        EngineChoice::FromEnvironment => match (&environment.host, &environment.context) {
            (Some(host), _) => at_host(host, environment),
            (None, Some(context)) => in_context(context, environment),
            (None, None) => match current_context(environment)? {
                Some(context) => in_context(&context, environment),
                None => in_context(DEFAULT_CONTEXT, environment),
            },
        },
    }
}

fn at_host(host: &str, environment: &Environment) -> Result<Reach, EngineError> {
    let tls = environment.verify.then_some(environment.certificates.as_deref().or(environment.config.as_deref()));
    let address = address(host, tls.flatten().map(Tls::in_folder))?;
    Ok(Reach { name: host.to_owned(), shown: host.to_owned(), address })
}

fn in_context(name: &str, environment: &Environment) -> Result<Reach, EngineError> {
    if name == DEFAULT_CONTEXT {
        let shown = format!("{DEFAULT_CONTEXT} ({DEFAULT_HOST})");
        return Ok(Reach { name: name.to_owned(), shown, address: address(DEFAULT_HOST, None)? });
    }
    let unknown = || EngineError::UnknownContext { context: name.to_owned() };
    let contexts = environment.config.as_deref().ok_or_else(unknown)?.join("contexts");
    let folder: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = fs::read(contexts.join("meta").join(&folder).join("meta.json")).map_err(|_| unknown())?;
    let meta: ContextMeta = serde_json::from_slice(&meta)
        .map_err(|error| EngineError::BadContext { context: name.to_owned(), reason: error.to_string() })?;
    let host = meta.endpoints.docker.host;
    let certificates = contexts.join("tls").join(&folder).join("docker");
    let tls = certificates.is_dir().then(|| Tls::in_folder(&certificates));
    Ok(Reach { name: name.to_owned(), shown: format!("{name} ({host})"), address: address(&host, tls)? })
}

fn current_context(environment: &Environment) -> Result<Option<String>, EngineError> {
    let Some(folder) = &environment.config else { return Ok(None) };
    let path = folder.join("config.json");
    let Ok(config) = fs::read(&path) else { return Ok(None) };
    let config: DockerConfig =
        serde_json::from_slice(&config).map_err(|error| EngineError::BadConfig { path, reason: error.to_string() })?;
    Ok(config.current_context.filter(|context| !context.is_empty()))
}

fn address(host: &str, tls: Option<Tls>) -> Result<Address, EngineError> {
    match host.split_once("://") {
        Some(("unix", path)) => Ok(Address::Unix(path.to_owned())),
        Some(("npipe", path)) => Ok(Address::Pipe(path.to_owned())),
        Some(("tcp" | "http", host)) => Ok(Address::Tcp { host: host.trim_end_matches('/').to_owned(), tls }),
        Some(("ssh", _)) => Err(EngineError::NotYetSsh { host: host.to_owned() }),
        _ => Err(EngineError::BadAddress { host: host.to_owned() }),
    }
}

/// Makes the connection's client, with a bound on every call. Nothing is sent yet.
///
/// # Errors
/// No socket there, TLS files that can't be used, or a kind of address that this system has not.
pub(super) fn connect(reach: &Reach) -> Result<Connection, EngineError> {
    let connected = match &reach.address {
        #[cfg(unix)]
        Address::Unix(path) => Connection::connect_with_unix(path, CALL_SECONDS, API_DEFAULT_VERSION),
        #[cfg(windows)]
        Address::Pipe(path) => Connection::connect_with_named_pipe(path, CALL_SECONDS, API_DEFAULT_VERSION),
        Address::Tcp { host, tls: None } if !is_on_this_machine(host) => {
            return Err(EngineError::InTheClear { host: host.clone() });
        }
        Address::Tcp { host, tls: None } => {
            Connection::connect_with_http(&format!("tcp://{host}"), CALL_SECONDS, API_DEFAULT_VERSION)
        }
        Address::Tcp { host, tls: Some(tls) } => {
            // bollard takes the process's provider, and panics where there is none; one that is set already stays.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let Tls { ca, certificate, key } = tls;
            Connection::connect_with_ssl(
                &format!("tcp://{host}"),
                key,
                certificate,
                ca,
                CALL_SECONDS,
                API_DEFAULT_VERSION,
            )
        }
        _ => return Err(EngineError::BadAddress { host: reach.name.clone() }),
    };
    connected.map_err(|error| EngineError::from_call(&error, reach))
}

fn is_on_this_machine(host: &str) -> bool {
    url::Url::parse(&format!("http://{host}")).is_ok_and(|url| crate::provider::is_on_this_machine(&url))
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_never_cross_a_network_in_the_clear() {
        for (host, good) in [("127.0.0.1:2375", true), ("localhost:2375", true), ("10.0.0.1:2375", false)] {
            let choice = EngineChoice::Host(format!("tcp://{host}"));
            let connected = connect(&resolve(&choice, &Environment::default()).unwrap());
            assert_eq!(!matches!(connected, Err(EngineError::InTheClear { .. })), good, "{host}");
        }
    }

    fn with_context(name: &str, meta: &str) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        let hash: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        let meta_folder = folder.path().join("contexts/meta").join(hash);
        fs::create_dir_all(&meta_folder).unwrap();
        fs::write(meta_folder.join("meta.json"), meta).unwrap();
        let environment = Environment { config: Some(folder.path().to_owned()), ..Environment::default() };
        (folder, environment)
    }

    const DESKTOP: &str =
        r#"{"Name":"desktop","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///d.sock","SkipTLSVerify":false}}}"#;

    #[test]
    fn a_folder_of_contexts_is_named_by_the_hash_of_the_name() {
        // As docker itself names it, so that the test doesn't only agree with itself.
        let hash: String = Sha256::digest("desktop-linux").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e");
    }

    #[test]
    fn the_environment_is_asked_in_docker_s_order() {
        let (folder, mut environment) = with_context("desktop", DESKTOP);
        let found = |environment: &Environment| resolve(&EngineChoice::FromEnvironment, environment).unwrap().name;
        assert_eq!(found(&environment), "default");
        fs::write(folder.path().join("config.json"), r#"{"auths":{},"currentContext":"desktop"}"#).unwrap();
        assert_eq!(found(&environment), "desktop");
        environment.context = Some("default".to_owned());
        assert_eq!(found(&environment), "default");
        environment.host = Some("unix:///h.sock".to_owned());
        assert_eq!(found(&environment), "unix:///h.sock");
    }

    #[test]
    fn the_stored_name_finds_the_same_engine_in_any_environment() {
        let (_folder, mut environment) = with_context("desktop", DESKTOP);
        environment.context = Some("desktop".to_owned());
        let first = resolve(&EngineChoice::FromEnvironment, &environment).unwrap();
        environment.context = None;
        environment.host = Some("tcp://elsewhere:1".to_owned());
        assert_eq!(resolve(&EngineChoice::named(&first.name), &environment).unwrap(), first);
        assert_eq!(first.shown, "desktop (unix:///d.sock)");
    }

    #[test]
    fn tls_files_lie_beside_the_context_or_where_the_environment_says() {
        let (folder, mut environment) =
            with_context("remote", r#"{"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376"}}}"#);
        let choice = EngineChoice::Context("remote".to_owned());
        let plain = resolve(&choice, &environment).unwrap();
        assert_eq!(plain.address, Address::Tcp { host: "10.0.0.1:2376".to_owned(), tls: None });
        let hash: String = Sha256::digest("remote").iter().map(|byte| format!("{byte:02x}")).collect();
        let certificates = folder.path().join("contexts/tls").join(hash).join("docker");
        fs::create_dir_all(&certificates).unwrap();
        let Address::Tcp { tls: Some(tls), .. } = resolve(&choice, &environment).unwrap().address else { panic!() };
        assert_eq!(tls.ca, certificates.join("ca.pem"));

        environment.host = Some("tcp://10.0.0.2:2376".to_owned());
        environment.verify = true;
        environment.certificates = Some("/certs".into());
        let reach = resolve(&EngineChoice::FromEnvironment, &environment).unwrap();
        let Address::Tcp { tls: Some(tls), .. } = reach.address else { panic!() };
        assert_eq!(tls.key, Path::new("/certs/key.pem"));
    }

    #[test]
    fn what_can_t_be_reached_is_told_apart() {
        let (folder, environment) = with_context("broken", r#"{"Endpoints":"#);
        let code = |choice: &str| resolve(&EngineChoice::named(choice), &environment).unwrap_err().code();
        assert_eq!(code("nowhere"), "context_unknown");
        assert_eq!(code("broken"), "context_broken");
        assert_eq!(code("ssh://me@host"), "engine_ssh_unsupported");
        assert_eq!(code("gopher://host"), "engine_address_unknown");
        fs::write(folder.path().join("config.json"), "{").unwrap();
        let error = resolve(&EngineChoice::FromEnvironment, &environment).unwrap_err();
        assert_eq!(error.code(), "docker_config_broken");
    }
}
