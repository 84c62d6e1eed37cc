//! All that the provider knows, behind one lock that is never held over an await.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::{faults::Faults, options::Options, record::Record, state::State};

/// Shorter secrets are not listed: searching for them would find them everywhere.
const SHORTEST_SECRET: usize = 12;

/// What the listener, the handlers and [`crate::Practice`] share.
pub(crate) struct Shared {
    pub(crate) port: u16,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) state: State,
    pub(crate) record: Record,
    pub(crate) received: BTreeSet<String>,
}

impl Shared {
    pub(crate) fn new(port: u16, options: Options) -> Self {
        let inner = Inner {
            options,
            faults: Faults::default(),
            state: State::default(),
            record: Record::default(),
            received: BTreeSet::new(),
        };
        Self { port, inner: Mutex::new(inner) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.lock().now()
    }
}

impl Inner {
    /// The time by the provider's clock, which may be off.
    pub(crate) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.options.clock_offset).unwrap_or(now)
    }

    /// Every secret issued or received, each once.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let all: BTreeSet<&str> = self.state.issued().chain(self.received.iter().map(String::as_str)).collect();
        all.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET).map(str::to_owned).collect()
    }
}

impl fmt::Debug for Shared {
    /// The port alone: all else holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("port", &self.port).finish_non_exhaustive()
    }
}
