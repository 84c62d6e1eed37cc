//! Which hosts are watched: those with a destination or a copy, and where labels may approve, the engine that `docker` would
//! use. Each has a watch of its own, so that one that is dead, or slow, holds up no other.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Changed, Engine, FLEET, Troubles};
use crate::error::Error;
use crate::settings::Host;

/// A watch that goes on until this is dropped.
struct Kept {
    /// A name that it is reached by.
    host: Host,
    _ends: DropGuard,
}

impl Engine {
    /// Watches every host that is wanted, for ever: begins with those that come to be wanted, ends with the others.
    pub(super) async fn keep_delivered(&self, changed: &Changed, troubles: &Troubles<'_>) {
        let mut changes = changed.subscribe();
        let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
        let mut watches = FuturesUnordered::new();
        loop {
            match self.hosts_wanted() {
                Ok(wanted) => {
                    troubles.tell(FLEET, &[], self.clock.now());
                    kept.retain(|address, it| {
                        wanted.contains_key(address) && self.delivery.address_of(&it.host) == *address
                    });
                    for (address, host) in wanted {
                        kept.entry(address.clone()).or_insert_with(|| {
                            let stop = CancellationToken::new();
                            let watch = self.watch_host(address, host.clone(), changed, troubles);
                            watches.push(stop.clone().run_until_cancelled_owned(watch));
                            Kept { host, _ends: stop.drop_guard() }
                        });
                    }
                }
                Err(why) => troubles.tell(FLEET, &[why], self.clock.now()),
            }
            tokio::select! {
                _ = changes.changed() => {}
                Some(_) = watches.next() => {}
            }
        }
    }

    async fn watch_host(&self, address: String, host: Host, changed: &Changed, troubles: &Troubles<'_>) {
        match host {
            Host::Engine(name) => self.watch(address, name, changed, troubles).await,
            host => self.keep_quiet_host(address, &host, changed, troubles).await,
        }
    }

    /// By their addresses, each with a name that the settings have for it.
    fn hosts_wanted(&self) -> Result<BTreeMap<String, Host>, Error> {
        let settings = self.settings()?;
        let copies = self.journal.copies()?;
        let usual = settings.approve_labelled.then(|| self.delivery.engine_named(None).ok()).flatten();
        let places = settings.destinations.into_iter().map(|it| it.place.host());
        let copies = copies.into_iter().map(|copy| copy.spot.place.host());
        let distinct: BTreeSet<Host> = places.chain(copies).chain(usual.map(Host::Engine)).collect();
        Ok(distinct.into_iter().map(|host| (self.delivery.address_of(&host), host)).collect())
    }
}
