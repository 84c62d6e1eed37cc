//! The standing work: accounts are renewed, and every host is watched and delivered to, each for itself, until stopped.
//!
//! Renewals and hosts don't wait for each other. They meet in the journal: what a renewal stored, every host's watch finds
//! due.

mod attendance;
mod fleet;
mod quiet;
mod renewals;
mod rounds;
mod vigil;
mod watch;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch as latest;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::changes::Changes;
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::vault::{VaultError, lock};

/// Changes come in bursts; looking again after this much takes a whole burst at once.
const BURST: Duration = Duration::from_millis(100);

/// Who meets troubles beside each engine's watch.
const RENEWALS: &str = "renewals";
const FLEET: &str = "fleet";

/// Tells that something has changed. Each who waits has a receiver of its own, and misses none.
type Changed = latest::Sender<u64>;

impl Engine {
    /// Keeps everything fresh until `stop`: renews what is due, watches engines, delivers what is new, puts right what was
    /// harmed, takes away what shall go. Where another process does that already, stands by and takes over. `tell` is
    /// given each event as it happens.
    ///
    /// # Errors
    /// [`Error`] where the state can't be used at all; what fails for a while is noted and tried again.
    pub async fn run(&self, stop: CancellationToken, tell: impl Fn(&Event) + Send + Sync) -> Result<(), Error> {
        let late = self.keeper().await.err();
        let _lock = match lock::try_keeper(self.home.state())? {
            Some(lock) => lock,
            None => {
                let text = "Another Tokenferry keeps everything fresh. Standing by.";
                tell(&Event::new(self.clock.now(), Kind::Started, text));
                tokio::select! {
                    lock = lock::keeper(self.home.state()) => lock?,
                    () = stop.cancelled() => return Ok(()),
                }
            }
        };
        let troubles = Troubles::of(&tell);
        match late {
            // It will be unlocked in a while, at login for instance.
            Some(Error::Vault(why @ (VaultError::Locked | VaultError::TimedOut(_)))) => {
                troubles.tell(RENEWALS, &[Error::Vault(why)], self.clock.now());
            }
            Some(why) => return Err(why),
            None => {}
        }
        let changes = Changes::of(&self.home, self.delivery.docker_settings());
        let told = self.journal.newest_event()?;
        self.journal.note(Event::new(self.clock.now(), Kind::Started, "Keeping everything fresh."))?;
        let (changed, _) = latest::channel(0);
        // What a stop cuts short is a delivery, which is carried to its end below, or a renewal, which is waited for.
        tokio::select! {
            () = self.listen(&changes, &changed) => {}
            () = self.tell_all(told, &changed, &troubles) => {}
            () = self.keep_renewed(&changed, &troubles) => {}
            () = self.keep_delivered(&changed, &troubles) => {}
            () = stop.cancelled() => {}
        }
        self.finish().await;
        let stopped = Event::new(self.clock.now(), Kind::Stopped, "Stopped.");
        tell(&stopped);
        Ok(self.journal.note(stopped)?)
    }

    /// Passes on what other processes and persons changed.
    async fn listen(&self, changes: &Changes, changed: &Changed) {
        loop {
            changes.next().await;
            tokio::time::sleep(BURST).await;
            changed.send_modify(|number| *number += 1);
        }
    }

    /// Tells each event once, as it comes.
    async fn tell_all(&self, mut told: i64, changed: &Changed, troubles: &Troubles<'_>) {
        let mut changed = changed.subscribe();
        loop {
            match self.journal.events_since(told, u32::MAX) {
                Ok(events) => {
                    for (number, event) in events {
                        (troubles.tell)(&event);
                        told = number;
                    }
                }
                Err(why) => tracing::warn!("what happened can't be told: {why}"),
            }
            if changed.changed().await.is_err() {
                return pending().await;
            }
        }
    }
}

/// What stands in the way of everything: told once for as long as it lasts, whoever meets it.
struct Troubles<'a> {
    tell: &'a (dyn Fn(&Event) + Sync),
    /// By who met it.
    told: Mutex<BTreeMap<String, Vec<String>>>,
}

impl<'a> Troubles<'a> {
    fn of(tell: &'a (impl Fn(&Event) + Sync)) -> Self {
        Self { tell, told: Mutex::default() }
    }

    /// From now on these are what `who` meets; none where all is well again.
    fn tell(&self, who: &str, troubles: &[Error], now: Timestamp) {
        let lines: Vec<String> =
            troubles.iter().map(|why| format!("{why} {}", why.fix()).trim_end().to_owned()).collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.iter().filter(|line| !told.values().flatten().any(|known| known == *line)) {
            (self.tell)(&Event::new(now, Kind::Trouble, line));
        }
        told.insert(who.to_owned(), lines);
    }
}
