//! What goes wrong between us and an engine, told apart by its class and never by a text or a status code: these differ
//! from version to version (see the courier's decision).

use std::io;
use std::path::PathBuf;

use bollard::errors::Error as CallError;

use super::reach::Reach;
use super::ssh::SshError;
use crate::destinations::NextStep;

/// Why an engine can't be used. `Display` says what happened, [`fix`](Self::fix) what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// There is no socket, or nobody listens on it.
    #[error("Docker does not run, or not at {shown}.")]
    NotRunning {
        /// The engine as it is shown.
        shown: String,
    },
    /// The socket is there, and may not be used.
    #[error("You may not use Docker at {shown}.")]
    NotAllowed {
        /// The engine as it is shown.
        shown: String,
        /// The group that may, where known.
        group: Option<String>,
    },
    /// No answer within 10 seconds.
    #[error("Docker at {shown} does not answer.")]
    Hangs {
        /// The engine as it is shown.
        shown: String,
    },
    /// The encrypted connection can't be made.
    #[error("The encrypted connection to Docker at {shown} failed: {reason}.")]
    Tls {
        /// The engine as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// Cut off, or not an engine's answer.
    #[error("The connection to Docker at {shown} broke: {reason}.")]
    Broken {
        /// The engine as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// The engine answered that it can't.
    #[error("Docker at {shown} refused to {attempt}: {reason}")]
    Refused {
        /// The engine as it is shown.
        shown: String,
        /// What it was asked for.
        attempt: &'static str,
        /// What it said.
        reason: String,
    },
    /// No courier was built for the engine's machine.
    #[error("Docker at {shown} runs on a machine that Tokenferry does not deliver to yet: {architecture}.")]
    Architecture {
        /// The engine as it is shown.
        shown: String,
        /// Its machine.
        architecture: String,
    },
    /// There is no context of this name, and no program that brings an engine is called so.
    #[error("There is no docker context \"{context}\", and no engine of that name.")]
    UnknownContext {
        /// Its name.
        context: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A program that brings an engine, by its name, has no socket at its usual places.
    #[error("{name} does not run here: there is no socket at {}.", listed(looked))]
    NoSocket {
        /// The program's name.
        name: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A context that can't be read.
    #[error("The docker context \"{context}\" can't be read: {reason}.")]
    BadContext {
        /// Its name.
        context: String,
        /// Why.
        reason: String,
    },
    /// A `config.json` of docker that can't be read.
    #[error("Docker's own settings in {} can't be read: {reason}.", path.display())]
    BadConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No connection over SSH.
    #[error(transparent)]
    Ssh(Box<SshError>),
    /// An address over SSH that is none.
    #[error("{reason}")]
    BadSshAddress {
        /// What is wrong with it, in a sentence.
        reason: String,
    },
    /// An address on another machine, without TLS.
    #[error("{host} is on another machine, and tokens would cross the network in the clear.")]
    InTheClear {
        /// The address.
        host: String,
    },
    /// An address that is none.
    #[error("\"{host}\" is no address of an engine that can be used here.")]
    BadAddress {
        /// The address.
        host: String,
    },
}

impl EngineError {
    /// The class of a failed call, that of answers of the engine being [`Refused`](Self::Refused).
    pub(super) fn from_call(error: &CallError, reach: &Reach) -> Self {
        let shown = reach.shown.clone();
        match error {
            CallError::SocketNotFoundError(_) => return Self::NotRunning { shown },
            CallError::RequestTimeoutError => return Self::Hangs { shown },
            CallError::DockerResponseServerError { message, .. } => {
                return Self::Refused { shown, attempt: "do its part", reason: message.trim().to_owned() };
            }
            CallError::DockerStreamError { error } => {
                return Self::Refused { shown, attempt: "do its part", reason: error.clone() };
            }
            CallError::CertPathError { path } | CallError::CertParseError { path } => {
                return Self::Tls { shown, reason: format!("{} can't be used", path.display()) };
            }
            CallError::NoNativeCertsError { err } => return Self::Tls { shown, reason: err.to_string() },
            _ => {}
        }
        for cause in causes(error) {
            if let Some(error) = cause.downcast_ref::<SshError>() {
                return Self::Ssh(Box::new(error.clone()));
            }
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Self::Tls { shown, reason: tls_reason(error) };
            }
            match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::PermissionDenied) => return Self::NotAllowed { shown, group: group_of(reach) },
                Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => return Self::NotRunning { shown },
                Some(io::ErrorKind::TimedOut) => return Self::Hangs { shown },
                _ => {}
            }
        }
        let reason = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        Self::Broken { shown, reason }
    }

    /// The same, with what was asked for.
    pub(super) fn attempting(self, attempt: &'static str) -> Self {
        match self {
            Self::Refused { shown, reason, .. } => Self::Refused { shown, attempt, reason },
            other => other,
        }
    }

    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRunning { .. } => "engine_not_running",
            Self::NotAllowed { .. } => "engine_not_allowed",
            Self::Hangs { .. } => "engine_hangs",
            Self::Tls { .. } => "engine_tls",
            Self::Broken { .. } => "engine_broken",
            Self::Refused { .. } => "engine_refused",
            Self::Architecture { .. } => "engine_architecture",
            Self::UnknownContext { .. } => "context_unknown",
            Self::BadContext { .. } => "context_broken",
            Self::BadConfig { .. } => "docker_config_broken",
            Self::NoSocket { .. } => "engine_socket_missing",
            Self::Ssh(error) => error.code(),
            Self::BadSshAddress { .. } => "engine_address_unknown",
            Self::InTheClear { .. } => "engine_in_the_clear",
            Self::BadAddress { .. } => "engine_address_unknown",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            Self::Ssh(error) => error.next(),
            Self::NotRunning { .. }
            | Self::Hangs { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::NoSocket { .. } => NextStep::TryAgain,
            Self::NotAllowed { .. }
            | Self::Tls { .. }
            | Self::Architecture { .. }
            | Self::UnknownContext { .. }
            | Self::BadContext { .. }
            | Self::BadConfig { .. }
            | Self::BadSshAddress { .. }
            | Self::InTheClear { .. }
            | Self::BadAddress { .. } => NextStep::AskUser,
        }
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NotRunning { .. } => "Start Docker; delivery follows.".to_owned(),
            Self::NotAllowed { group: Some(group), .. } => format!(
                "Join the group \"{group}\" with \"sudo usermod -aG {group} $USER\", and sign in to your desktop anew."
            ),
            Self::NotAllowed { group: None, .. } => "Ask whoever set Docker up to let you use its socket.".to_owned(),
            Self::Hangs { .. } => "Restart Docker if it stays like this; it is tried again.".to_owned(),
            Self::Tls { .. } => "Check the certificates of this context, or of DOCKER_CERT_PATH.".to_owned(),
            Self::Broken { .. } => "Nothing yet; it is tried again.".to_owned(),
            Self::Refused { .. } => "Look at what Docker says of it; it is tried again.".to_owned(),
            Self::Architecture { .. } => "Use an engine on x86_64 or aarch64.".to_owned(),
            Self::UnknownContext { known, .. } => {
                format!("Use one of those that there are, or an address: {}.", known.join(", "))
            }
            Self::NoSocket { name, .. } => format!("Start {name}; delivery follows."),
            Self::BadContext { context, .. } => {
                format!("Make it anew with \"docker context rm {context}\" and \"docker context create\".")
            }
            Self::BadConfig { .. } => "Mend the file; docker itself needs it too.".to_owned(),
            Self::Ssh(error) => error.fix(),
            Self::BadSshAddress { .. } => "Write it as ssh://USER@HOST:PORT; a key signs in, no password.".to_owned(),
            Self::InTheClear { .. } => {
                "Use TLS, with a context that has certificates or with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
                    .to_owned()
            }
            Self::BadAddress { .. } => {
                "Use unix:///…, npipe:////… (Windows), ssh://USER@HOST or tcp://HOST:PORT.".to_owned()
            }
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

/// What is wrong with an encrypted connection, as the end of a sentence.
fn tls_reason(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error};
    let reason = match error {
        Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "its certificate is not from the authority that ca.pem names"
        }
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another host"
        }
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => "its certificate has ended",
        Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "its certificate is not valid yet"
        }
        Error::AlertReceived(alert) => return format!("it does not take the certificate in cert.pem ({alert:?})"),
        other => return other.to_string(),
    };
    reason.to_owned()
}

/// An error and what caused it, outermost first. An error of the system's may be one of ours in its clothes.
fn causes<'a>(error: &'a CallError) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| {
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        within.map(|within| within as &(dyn std::error::Error + 'static)).or_else(|| error.source())
    })
}

/// The group that may use the engine's socket.
#[cfg(unix)]
fn group_of(reach: &Reach) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let socket = std::fs::metadata(reach.socket()?).ok()?;
    // Root's group is none to join.
    let gid = Some(socket.gid()).filter(|gid| *gid != 0)?;
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn group_of(_: &Reach) -> Option<String> {
    None
}
