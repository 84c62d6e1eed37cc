//! Engines over SSH, as the docker CLI reaches them: the system's own `ssh` runs `docker system dial-stdio` on the other
//! machine, and the API is spoken over its standard input and output.
//!
//! Keys, host keys and settings are ssh's own matter, so all that a person set up for it counts here. It is never let
//! ask anything: what it would ask about is refused, with the line to run once by hand.

mod address;
mod connector;
mod fault;
mod program;
mod stream;

use std::path::Path;

use bollard::errors::Error as CallError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker as Connection};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub(super) use address::SshAddress;
pub(super) use connector::Connector;
pub use fault::SshError;

/// A call may have to wait for a connection first, which takes ssh up to [`program::CONNECT_SECONDS`].
const CALL_SECONDS: u64 = 20;
/// How long a connection is kept for the next call. Making one costs a program on either side.
const KEPT: std::time::Duration = std::time::Duration::from_secs(30);
/// How many are kept; what else was open for calls at the same time is closed.
const KEPT_AT_MOST: usize = 2;

/// Makes a client. Nothing is started before its first call.
pub(super) fn client(at: &SshAddress, program: &Path) -> Result<Connection, CallError> {
    let connector = Connector::new(at.clone(), program.to_owned());
    let service = tower::service_fn(move |_: http::Uri| {
        let connector = connector.clone();
        Box::pin(connector.connect())
    });
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(KEPT_AT_MOST)
        .build(service);
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(CallError::from) }
    };
    // The name goes into a header alone: where to connect to, the connector knows.
    Connection::connect_with_custom_transport(transport, Some("http://engine"), CALL_SECONDS, API_DEFAULT_VERSION)
}
