//! Making a client of an engine that was found, with a bound on every call. Nothing is sent yet.

use bollard::{API_DEFAULT_VERSION, Docker as Connection};

use super::{Address, Reach, Tls};
use crate::destinations::docker::{EngineError, ssh};

/// A call that takes longer hangs: on a loaded machine the slowest, starting a courier with 100 volumes, took 0.5 s.
const CALL_SECONDS: u64 = 10;

/// Makes the connection's client, with a bound on every call. Nothing is sent yet.
///
/// # Errors
/// No socket there, TLS files that can't be used, or a kind of address that this system has not.
pub(in crate::destinations::docker) fn connect(reach: &Reach) -> Result<Connection, EngineError> {
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
        Address::Ssh { at, program } => ssh::client(at, program),
        _ => return Err(EngineError::BadAddress { host: reach.name.clone() }),
    };
    connected.map_err(|error| EngineError::from_call(&error, reach))
}

fn is_on_this_machine(host: &str) -> bool {
    url::Url::parse(&format!("http://{host}")).is_ok_and(|url| crate::provider::is_on_this_machine(&url))
}
