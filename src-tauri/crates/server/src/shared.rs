//! What every request is answered with.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Engine;
use http::HeaderMap;
use page::Desk;
use tokio_util::sync::CancellationToken;

use crate::api::Problem;
use crate::broker::Broker;
use crate::desk::{Browser, Live};
use crate::gate::{Caller, Names};
use crate::machines::Machines;
use crate::meters::Meters;
use crate::options::Options;

/// From where a request came, where that is an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// What every request is answered with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) names: Names,
    pub(crate) machines: Machines,
    pub(crate) broker: Broker,
    pub(crate) meters: Meters,
    pub(crate) desk: Desk,
    pub(crate) live: Live,
    options: Options,
    /// Whether the standing work has begun.
    works: AtomicBool,
    /// When the end has come.
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn new(engine: Arc<Engine>, options: Options, names: Names, stop: CancellationToken) -> Self {
        let is_here = options.listen.ip().is_loopback() && options.url.is_none();
        Self {
            desk: Desk::over(engine.clone(), Browser { is_here }),
            live: Live::default(),
            engine,
            names,
            machines: Machines::default(),
            broker: Broker::default(),
            meters: Meters::new(),
            options,
            works: AtomicBool::new(false),
            stop,
        }
    }

    /// What the page's paths begin with.
    pub(crate) fn base(&self) -> &str {
        self.options.base_path.as_str()
    }

    /// Whether browsers come by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.options.is_secure()
    }

    /// Whether this server itself speaks TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.options.tls.is_some()
    }

    /// Who asks.
    pub(crate) fn caller(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Caller, Problem> {
        Caller::of(headers, peer, &self.machines, &self.engine)
    }

    /// The standing work has begun, here or in another process.
    pub(crate) fn is_working(&self) {
        self.works.store(true, Ordering::Release);
    }

    /// Whether the work is done here.
    pub(crate) fn is_ready(&self) -> Result<(), Problem> {
        if self.stop.is_cancelled() {
            return Err(Problem::not_ready("Tokenferry is ending."));
        }
        if !self.works.load(Ordering::Acquire) {
            return Err(Problem::not_ready("Tokenferry is starting."));
        }
        self.engine.status().map(drop).map_err(|why| Problem::not_ready(&why.to_string()))
    }
}
