//! Which engines are watched: those with a destination or a copy, and where labels may approve, the one that `docker` would
//! use. Each has a watch of its own, so that one that is dead, or slow, holds up no other.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Changed, Engine, FLEET, Troubles};
use crate::error::Error;

/// A watch that goes on until this is dropped.
struct Kept {
    /// The name that its engine is reached by.
    name: String,
    _ends: DropGuard,
}

impl Engine {
    /// Watches every engine that is wanted, for ever: begins with those that come to be wanted, ends with the others.
    pub(super) async fn keep_delivered(&self, changed: &Changed, troubles: &Troubles<'_>) {
        let mut changes = changed.subscribe();
        let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
        let mut watches = FuturesUnordered::new();
        loop {
            match self.engines_wanted() {
                Ok(wanted) => {
                    troubles.tell(FLEET, &[], self.clock.now());
                    kept.retain(|address, it| {
                        wanted.contains_key(address) && self.delivery.engine_address(&it.name) == *address
                    });
                    for (address, name) in wanted {
                        kept.entry(address.clone()).or_insert_with(|| {
                            let stop = CancellationToken::new();
                            let watch = self.watch(address, name.clone(), changed, troubles);
                            watches.push(stop.clone().run_until_cancelled_owned(watch));
                            Kept { name, _ends: stop.drop_guard() }
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

    /// By their addresses, each with a name that the settings have for it.
    fn engines_wanted(&self) -> Result<BTreeMap<String, String>, Error> {
        let settings = self.settings()?;
        let copies = self.journal.copies()?;
        let usual = settings.approve_labelled.then(|| self.delivery.engine_named(None).ok()).flatten();
        let places = settings.destinations.into_iter().map(|it| it.engine);
        let names = places.chain(copies.into_iter().map(|copy| copy.place.engine)).chain(usual);
        let distinct: BTreeSet<String> = names.collect();
        Ok(distinct.into_iter().map(|name| (self.delivery.engine_address(&name), name)).collect())
    }
}
