//! A stand-in for Claude's sign-in server and API, for the demo, the tests and the benches.
//!
//! It speaks real HTTP, listens on loopback only, calls itself practice everywhere, and is strict: whatever a
//! client gets wrong is refused loudly. It misbehaves on request, and remembers what it was asked. It never talks
//! to Anthropic, and its tokens are worth nothing there.
//!
//! ```no_run
//! # async fn example() -> Result<(), practice::StartError> {
//! use practice::{Endpoint, Fault, Options, Practice, Trouble};
//!
//! let practice = Practice::start(Options { automatic: true, ..Options::default() }).await?;
//! practice.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)).times(2));
//! println!("TOKENFERRY_PROVIDER={}", practice.url());
//! assert_eq!(practice.record().count(Endpoint::Refresh), 0);
//! # Ok(())
//! # }
//! ```

pub mod app;

mod api;
mod authorize;
mod control;
mod faults;
mod fingerprint;
mod messages;
mod mint;
mod options;
mod pages;
mod record;
mod refusal;
mod serve;
mod shared;
mod state;
mod token;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::shared::Shared;
pub use crate::{
    faults::{Fault, RetryAfter, Trouble},
    fingerprint::Fingerprint,
    options::{Options, Person, Plan, lifetime},
    record::{Endpoint, Entry, Record},
    state::{EndedBy, Granted, SignIn},
};

/// The public client id of Claude Code, the only client that the practice provider knows.
pub const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

/// The `anthropic-beta` value without which the API takes no OAuth token.
pub const OAUTH_BETA: &str = "oauth-2025-04-20";

/// Where to listen, and whether the provider may be steered over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listen {
    /// A port on 127.0.0.1; 0 takes a free one. There is no address to choose: loopback is all there is.
    pub port: u16,
    /// Serve the control interface under `/practice/`, which hands out every secret to whoever asks.
    pub control: bool,
}

/// Why the provider could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or the system allows no listening.
    #[error(
        "The practice provider can't listen on 127.0.0.1:{port} ({source}). Choose another port, or 0 for a free one."
    )]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running practice provider. It stops, and closes every connection, when this is dropped.
#[derive(Debug)]
pub struct Practice {
    shared: Arc<Shared>,
    serving: AbortOnDropHandle<()>,
}

impl Practice {
    /// Starts on a free port of 127.0.0.1, without the control interface. Needs a tokio runtime with IO and time.
    ///
    /// # Errors
    /// Where the system gives no port.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_at(Listen::default(), options).await
    }

    /// As [`Practice::start`], on the port and with the control interface that `listen` names.
    ///
    /// # Errors
    /// Where the port can't be had.
    pub async fn start_at(listen: Listen, options: Options) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { port: listen.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, listen.port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let shared = Arc::new(Shared::new(port, options));
        let serving = tokio::spawn(serve::accept(listener, Arc::clone(&shared), listen.control));
        Ok(Self { shared, serving: AbortOnDropHandle::new(serving) })
    }

    /// The base of every address, such as `http://127.0.0.1:40123`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url()
    }

    /// Changes options from here on. What was granted keeps the lifetime it was granted with.
    pub fn set(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.shared.lock().options);
    }

    /// The options in force.
    #[must_use]
    pub fn options(&self) -> Options {
        self.shared.lock().options.clone()
    }

    /// Puts the provider's clock forward, so that tokens end without waiting for them.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.shared.lock();
        let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
        inner.options.clock_offset = inner.options.clock_offset.saturating_add(by);
    }

    /// Asks for a fault. Faults are played in the order in which they were asked for.
    pub fn fault(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// Forgets the faults that are not played yet.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// What was asked so far, oldest first.
    #[must_use]
    pub fn record(&self) -> Record {
        self.shared.lock().record.clone()
    }

    /// Forgets what was asked so far; sign-ins and secrets stay.
    pub fn clear_record(&self) {
        self.shared.lock().record.clear();
    }

    /// Every sign-in that was ever made here, oldest first.
    #[must_use]
    pub fn sign_ins(&self) -> Vec<SignIn> {
        let inner = self.shared.lock();
        inner.state.sign_ins(inner.now())
    }

    /// Makes an API key of this person's, by their email; None where there is no such person. It is good from now on.
    #[must_use]
    pub fn make_api_key(&self, email: &str) -> Option<String> {
        let mut inner = self.shared.lock();
        let person = inner.options.find(email)?.clone();
        inner.state.make_api_key(person).ok()
    }

    /// Every token, key, code and verifier that was ever issued or received, to search other programs' traces for. What
    /// is shorter than 12 bytes is left out: it would be found everywhere.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.lock().secrets()
    }

    /// Stops, and returns when the port is free again. Answers that are under way are cut.
    pub async fn stop(self) {
        self.serving.abort();
        // The only outcome is that it was aborted.
        let _ = self.serving.await;
    }
}
