//! How many connections are open at once. Where all places are taken, the one that is silent for longest makes room.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::meters::Meters;

/// Far from the number of files that a program may open, 1024 as a rule: the engine needs some as well.
const MOST: usize = 512;

/// All that are open.
#[derive(Debug)]
pub(crate) struct Connections {
    all: Mutex<All>,
    freed: Notify,
    /// The end of all.
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct All {
    /// By their turn: whoever did something last comes last.
    open: BTreeMap<u64, Arc<State>>,
    turn: u64,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    busy: AtomicUsize,
    /// One of its own for each, so that no connection waits for another's lock: the end of all is passed on to it.
    cut: CancellationToken,
}

/// One that is open; its place is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    connections: Arc<Connections>,
    turn: u64,
    state: Arc<State>,
    gauge: prometheus_client::metrics::gauge::Gauge,
}

/// A request that is being answered on it.
#[derive(Debug)]
pub(crate) struct Busy(Arc<State>);

impl Connections {
    /// None is open. Each is told of this end.
    pub(crate) fn until(stop: CancellationToken) -> Self {
        Self { all: Mutex::default(), freed: Notify::new(), stop }
    }

    /// A place for one more. Waits where all are busy.
    pub(crate) async fn open(self: &Arc<Self>, meters: &Meters) -> Open {
        loop {
            let freed = self.freed.notified();
            if let Some((turn, state)) = self.take(meters) {
                meters.connections.inc();
                let gauge = meters.connections.clone();
                return Open { connections: self.clone(), turn, state, gauge };
            }
            freed.await;
        }
    }

    fn take(&self, meters: &Meters) -> Option<(u64, Arc<State>)> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.open.len() >= MOST {
            let idle = all.open.iter().find(|(_, state)| state.busy.load(Ordering::Acquire) == 0);
            let turn = idle.map(|(turn, _)| *turn)?;
            if let Some(state) = all.open.remove(&turn) {
                state.cut.cancel();
                meters.cut.inc();
            }
        }
        all.turn += 1;
        let state = Arc::new(State { busy: AtomicUsize::new(0), cut: self.stop.child_token() });
        let turn = all.turn;
        all.open.insert(turn, state.clone());
        Some((turn, state))
    }
}

impl Open {
    /// A request came.
    pub(crate) fn busy(&self) -> Busy {
        self.state.busy.fetch_add(1, Ordering::AcqRel);
        Busy(self.state.clone())
    }

    /// Waits until its place is needed, or the end of all has come.
    pub(crate) async fn cut(&self) {
        self.state.cut.cancelled().await;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.all.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.turn);
        self.connections.freed.notify_one();
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_silent_make_room_and_the_busy_stay() {
        let (connections, meters) = (Arc::new(Connections::until(CancellationToken::new())), Meters::new());
        let first = connections.open(&meters).await;
        let working = first.busy();
        let mut others = Vec::new();
        for _ in 1..MOST {
            others.push(connections.open(&meters).await);
        }
        let late = connections.open(&meters).await;
        assert!(others[0].cut().now_or_never().is_some(), "the silent one that was there for longest is cut");
        assert!(first.cut().now_or_never().is_none() && late.cut().now_or_never().is_none());

        let all: Vec<_> = others[1..].iter().chain([&late]).map(Open::busy).collect();
        assert!(connections.open(&meters).now_or_never().is_none(), "nobody who is answered is cut");
        drop(working);
        assert!(connections.open(&meters).now_or_never().is_some());
        assert!(first.cut().now_or_never().is_some());
        drop(all);
    }

    #[tokio::test]
    async fn who_goes_leaves_a_place() {
        let (connections, meters) = (Arc::new(Connections::until(CancellationToken::new())), Meters::new());
        for _ in 0..2 * MOST {
            drop(connections.open(&meters).await);
        }
        assert_eq!((meters.connections.get(), meters.cut.get()), (0, 0));
    }
}
