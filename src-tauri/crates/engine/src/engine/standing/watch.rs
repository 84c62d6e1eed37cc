//! One engine's watch: connected to its events, with what is due there delivered by one courier at a time; caught up by
//! listing anew after each interruption.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Changed, Engine, Troubles};
use crate::destinations::docker::{Docker, EngineError, Happenings, Presence};
use crate::error::Error;
use crate::journal::{Event, Kind};

/// How long to wait before an engine that is away is tried again: at first, and at the most. A refused connection costs
/// next to nothing; an engine on another machine is asked more seldom.
const AWAY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
const AWAY_ELSEWHERE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// A connection that is lost sooner was none: whatever cuts it would do so for ever.
const FLEETING: Duration = Duration::from_secs(3);

/// A host to watch.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) engine: &'a Engine,
    /// Where it listens.
    pub(super) address: &'a str,
    /// A name that the settings have for it.
    pub(super) name: &'a str,
    pub(super) troubles: &'a Troubles<'a>,
}

/// A connection to it.
pub(super) struct Connection {
    pub(super) docker: Arc<Docker>,
    pub(super) happenings: Happenings,
    pub(super) present: Vec<Presence>,
    pub(super) volumes: BTreeSet<String>,
}

/// Why a connection is at its end.
pub(super) enum End {
    Lost(EngineError),
    Slept,
}

impl Engine {
    /// Watches the engine at this address until it is dropped.
    pub(super) async fn watch(&self, address: String, name: String, changed: &Changed, troubles: &Troubles<'_>) {
        let watch = Watch { engine: self, address: &address, name: &name, troubles };
        let mut changes = changed.subscribe();
        let is_near = address.starts_with("unix://") || address.starts_with("npipe://");
        let (shortest, longest) = if is_near { AWAY } else { AWAY_ELSEWHERE };
        let (mut wait, mut is_lost) = (shortest, false);
        loop {
            match watch.connect().await {
                // Its name leads elsewhere by now; who watches what is seen to anew.
                Ok(connection) if connection.docker.reach().address() != address => {
                    changed.send_modify(|number| *number += 1);
                }
                Ok(connection) => {
                    if std::mem::take(&mut is_lost) {
                        watch.note(Kind::EngineFound, format!("The engine {name} is back, and is looked through."));
                    }
                    let began = Instant::now();
                    match watch.attend(connection, &mut changes).await {
                        End::Slept => continue,
                        // One that is lost again and again is told of, and asked, as one that is away.
                        End::Lost(why) if began.elapsed() > FLEETING => {
                            (wait, is_lost) = (shortest, true);
                            let said = format!("{why} {}", why.fix());
                            watch.note(Kind::EngineLost, format!("{} It is waited for.", said.trim_end()));
                        }
                        End::Lost(why) => tracing::debug!("{name} was lost at once: {why}"),
                    }
                }
                Err(why) => {
                    tracing::debug!("{name} can't be watched: {why}");
                    // What is due there shall say why it has to wait.
                    watch.tell(watch.round(BTreeMap::new(), BTreeSet::new()).await.trouble);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(longest),
                _ = changes.changed() => tokio::time::sleep(shortest).await,
            }
        }
    }
}

impl<'a> Watch<'a> {
    /// Listens first and lists then, so that nothing falls in between.
    async fn connect(self) -> Result<Connection, EngineError> {
        let docker = self.engine.delivery.docker(self.name).await?;
        let happenings = docker.happenings().await?;
        let (present, volumes) = (docker.presences().await?, docker.volumes().await?);
        Ok(Connection { docker, happenings, present, volumes })
    }

    fn note(self, kind: Kind, text: String) {
        if let Err(why) = self.engine.journal.note(Event::new(self.engine.clock.now(), kind, text)) {
            self.tell(Some(why.into()));
        }
    }

    /// Tells what stands in the way of everything here; nothing where all is well.
    pub(super) fn tell(self, why: Option<Error>) {
        self.troubles.tell(self.address, why.as_slice(), self.engine.clock.now());
    }
}
