//! Which engine is meant, and where it listens: from the environment, docker's contexts, an address, or the name of a
//! program that brings an engine with it.
//!
//! Resolved as docker's own CLI does it: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then `currentContext` in `config.json`,
//! then the platform's default. Files are read anew each time, so a context that changes is seen; nothing is sent.

mod connecting;
mod contexts;
mod environment;
mod sockets;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use bollard::Docker as Connection;

pub(super) use connecting::connect;
pub use environment::Environment;

use super::fault::EngineError;
use super::ssh::SshAddress;

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
    /// The one of a docker context; where there is no such context, of a program of this name, such as `colima`.
    Context(String),
    /// The one at an address, such as `unix:///var/run/docker.sock`.
    Host(String),
}

impl EngineChoice {
    /// Reads what the user gave: an address if it has a scheme, else a name.
    pub fn named(name: &str) -> Self {
        if name.contains("://") { Self::Host(name.to_owned()) } else { Self::Context(name.to_owned()) }
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
    Ssh { at: SshAddress, program: PathBuf },
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
            Address::Ssh { at, .. } => at.to_string(),
        }
    }

    /// Whether another program makes the connection, which takes longer than any other.
    pub fn is_over_ssh(&self) -> bool {
        matches!(self.address, Address::Ssh { .. })
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
        EngineChoice::Context(name) => named(name, environment),
        EngineChoice::FromEnvironment => match (&environment.host, &environment.context) {
            (Some(host), _) => at_host(host, environment),
            (None, Some(context)) => named(context, environment),
            (None, None) => named(contexts::current(environment)?.as_deref().unwrap_or(DEFAULT_CONTEXT), environment),
        },
    }
}

/// The names of all contexts, and of the programs whose sockets are there. Each can be resolved, or says why not.
pub(crate) fn known(environment: &Environment) -> Vec<String> {
    let mut known = vec![DEFAULT_CONTEXT.to_owned()];
    known.extend(contexts::names(environment));
    for name in sockets::found(environment) {
        if !known.iter().any(|other| other == name) {
            known.push(name.to_owned());
        }
    }
    known
}

fn at_host(host: &str, environment: &Environment) -> Result<Reach, EngineError> {
    let tls = environment.verify.then_some(environment.certificates.as_deref().or(environment.config.as_deref()));
    let address = address(host, tls.flatten().map(Tls::in_folder), environment)?;
    Ok(Reach { name: host.to_owned(), shown: host.to_owned(), address })
}

fn named(name: &str, environment: &Environment) -> Result<Reach, EngineError> {
    if name == DEFAULT_CONTEXT {
        return at_place(name, DEFAULT_HOST, None, environment);
    }
    if let Some(context) = contexts::read(name, environment)? {
        return at_place(name, &context.host, context.certificates.as_deref().map(Tls::in_folder), environment);
    }
    match sockets::look(name, environment) {
        Some(Ok(socket)) => at_place(name, &format!("unix://{}", socket.display()), None, environment),
        Some(Err(looked)) => Err(EngineError::NoSocket { name: name.to_owned(), looked }),
        None => Err(EngineError::UnknownContext { context: name.to_owned(), known: known(environment) }),
    }
}

fn at_place(name: &str, host: &str, tls: Option<Tls>, environment: &Environment) -> Result<Reach, EngineError> {
    let address = address(host, tls, environment)?;
    Ok(Reach { name: name.to_owned(), shown: format!("{name} ({host})"), address })
}

fn address(host: &str, tls: Option<Tls>, environment: &Environment) -> Result<Address, EngineError> {
    match host.split_once("://") {
        Some(("unix", path)) => Ok(Address::Unix(path.to_owned())),
        Some(("npipe", path)) => Ok(Address::Pipe(path.to_owned())),
        Some(("tcp" | "http", host)) => Ok(Address::Tcp { host: host.trim_end_matches('/').to_owned(), tls }),
        Some(("ssh", _)) => {
            let at = SshAddress::parse(host).map_err(|reason| EngineError::BadSshAddress { reason })?;
            Ok(Address::Ssh { at, program: environment.ssh.clone().unwrap_or_else(|| "ssh".into()) })
        }
        _ => Err(EngineError::BadAddress { host: host.to_owned() }),
    }
}
