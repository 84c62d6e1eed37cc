//! One engine's watch: connected to its events, with what is due there delivered by one courier at a time; caught up by
//! listing anew after each interruption.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::rounds::{Ready, Round};
use super::vigil::{Glimpse, Guest, Vigil};
use super::{Changed, Engine, Troubles};
use crate::delivery::{self, Carried, Order};
use crate::destinations::DeliveryError;
use crate::destinations::docker::{Docker, EngineError, Happenings, Look, Presence};
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::renewal;
use crate::settings::DestinationName;

/// How long to wait before an engine that is away is tried again: at first, and at the most. A refused connection costs
/// next to nothing; an engine on another machine is asked more seldom.
const AWAY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
const AWAY_ELSEWHERE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// How often an engine that says nothing is asked whether it is there: a stream that nobody ends looks like peace.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
/// The clock on the wall went on this much further than the one that counts: the machine slept.
const SLEPT: Duration = Duration::from_secs(20);

/// An engine to watch.
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
struct Connection {
    docker: Arc<Docker>,
    happenings: Happenings,
    present: Vec<Presence>,
    volumes: BTreeSet<String>,
}

/// Something that went on beside the events and has come to its end.
enum Done {
    Met(String, Guest, Vec<Carried>),
    Looked(Vec<(DestinationName, Result<Option<Look>, EngineError>)>),
    Alive(Result<(), EngineError>),
    Carried(Result<Round, Error>),
}

/// Why a connection is at its end.
enum End {
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
                Ok(connection) => {
                    if std::mem::take(&mut is_lost) {
                        watch.note(Kind::EngineFound, format!("The engine {name} is back, and is looked through."));
                    }
                    wait = shortest;
                    match watch.attend(connection, &mut changes).await {
                        End::Slept => continue,
                        End::Lost(why) => {
                            is_lost = true;
                            watch.note(Kind::EngineLost, format!("{why} It is waited for."));
                        }
                    }
                }
                Err(why) => {
                    tracing::debug!("{name} can't be watched: {why}");
                    // What is due there shall say why it has to wait.
                    if let Err(why) = watch.round(&mut Vigil::default(), Instant::now()).await {
                        troubles.tell(&[why], self.clock.now());
                    }
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

    /// Sees to the engine for as long as it is there.
    async fn attend(self, connection: Connection, changes: &mut Receiver<u64>) -> End {
        let Connection { docker, mut happenings, present, volumes } = connection;
        let clock = &self.engine.clock;
        let mut clocks = Clocks::at(clock.now());
        let (mut vigil, mut ready) = (Vigil::default(), Ready::default());
        self.take_over_destinations(&mut vigil);
        vigil.begin(present, &volumes, Instant::now());
        let mut going_on: FuturesUnordered<BoxFuture<'a, Done>> = FuturesUnordered::new();
        let (mut is_carrying, mut is_looking) = (false, false);
        let (mut plan_at, mut heard) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            if clocks.slept(clock.now()) {
                return End::Slept;
            }
            if !is_carrying && (plan_at <= now || vigil.next_due().is_some_and(|due| due <= now)) {
                is_carrying = true;
                plan_at = now + SIGN_OF_LIFE;
                going_on.push(self.round(&mut vigil, now).map(Done::Carried).boxed());
            }
            if !is_looking {
                let glimpses = vigil.looks(now);
                is_looking = !glimpses.is_empty();
                if is_looking {
                    going_on.push(look(docker.clone(), glimpses).map(Done::Looked).boxed());
                }
            }
            let silent = heard + SIGN_OF_LIFE;
            let due = if is_carrying { None } else { vigil.next_due().into_iter().chain([plan_at]).min() };
            let looks = if is_looking { None } else { vigil.next_looks() };
            let wake = due.into_iter().chain(looks).fold(silent, Instant::min);
            tokio::select! {
                biased;
                happening = happenings.next() => {
                    heard = Instant::now();
                    match happening {
                        Some(Ok(happening)) => {
                            if let Some(id) = vigil.happened(happening, heard) {
                                let (orders, root_s) = (ready.of(&vigil.unused()), vigil.root_s());
                                going_on.push(self.meet(docker.clone(), id, orders, root_s).boxed());
                            }
                        }
                        Some(Err(why)) => return End::Lost(why),
                        None => return End::Lost(docker.is_gone()),
                    }
                }
                Some(done) = going_on.next() => match done {
                    Done::Met(id, guest, carried) => {
                        see_to(&mut vigil, &carried, Instant::now());
                        vigil.met(&id, guest, Instant::now());
                    }
                    Done::Looked(looks) => {
                        is_looking = false;
                        for (name, look) in looks {
                            match look {
                                Ok(look) => vigil.looked(&name, look, Instant::now()),
                                Err(why) => tracing::debug!("{name} could not be looked at: {why}"),
                            }
                        }
                    }
                    Done::Alive(Ok(())) => {}
                    Done::Alive(Err(why)) => return End::Lost(why),
                    Done::Carried(Ok(round)) => {
                        is_carrying = false;
                        plan_at = plan_at.min(Instant::now() + renewal::wait(clock.now(), round.next));
                        see_to(&mut vigil, &round.carried, Instant::now());
                        ready.take_over(round.orders);
                    }
                    Done::Carried(Err(why)) => {
                        is_carrying = false;
                        self.troubles.tell(&[why], clock.now());
                    }
                },
                _ = changes.changed() => {
                    self.take_over_destinations(&mut vigil);
                    plan_at = Instant::now();
                }
                () = sleep_until(wake) => if silent <= Instant::now() {
                    heard = Instant::now();
                    let docker = docker.clone();
                    going_on.push(async move { Done::Alive(docker.ping().await) }.boxed());
                }
            }
        }
    }

    /// A container that was created or started is looked up. Where it has not run yet, its start is held up until its
    /// volumes are delivered to. `root_s` are volumes whose files are root's.
    async fn meet(self, docker: Arc<Docker>, id: String, orders: Vec<Order>, root_s: BTreeSet<String>) -> Done {
        let told = |why: EngineError| tracing::debug!("a container could not be seen to: {why}");
        let mut guest = Guest::default();
        let mut carried = Vec::new();
        match docker.head_start(&id, &delivery::parcels(&orders)).await {
            Ok(None) => {}
            Ok(Some(head_start)) => {
                guest.served = head_start.volumes().map(str::to_owned).collect();
                let here = orders.into_iter().filter(|it| guest.served.contains(it.destination.volume.as_str()));
                match self.engine.delivery.deliver(here.collect()).await {
                    Ok(delivered) => carried = delivered.carried,
                    Err(why) => self.troubles.tell(&[why.into()], self.engine.clock.now()),
                }
                head_start.end().await;
            }
            Err(why) => told(why),
        }
        guest.container = docker.presence(&id).await.unwrap_or_else(|why| {
            told(why);
            None
        });
        let mut mounts = guest.container.iter().flat_map(|container| &container.mounts);
        if mounts.any(|mount| root_s.contains(&mount.volume)) {
            guest.is_not_root = !docker.runs_as_root(&id).await;
        }
        Done::Met(id, guest, carried)
    }

    fn take_over_destinations(self, vigil: &mut Vigil) {
        match self.destinations() {
            Ok(destinations) => vigil.keep(&destinations),
            Err(why) => self.troubles.tell(&[why], self.engine.clock.now()),
        }
    }

    fn note(self, kind: Kind, text: String) {
        if let Err(why) = self.engine.journal.note(Event::new(self.engine.clock.now(), kind, text)) {
            self.troubles.tell(&[why.into()], self.engine.clock.now());
        }
    }
}

fn see_to(vigil: &mut Vigil, carried: &[Carried], now: Instant) {
    for carried in carried {
        vigil.seen_to(&carried.destination, carried.seen.as_ref(), now);
        if let Err(DeliveryError::VolumeMissing { .. }) = carried.result {
            vigil.missed(&carried.destination);
        }
    }
}

async fn look(
    docker: Arc<Docker>,
    glimpses: Vec<Glimpse>,
) -> Vec<(DestinationName, Result<Option<Look>, EngineError>)> {
    // One after the other: a look waits for nothing, and the engine shall not notice.
    let mut looks = Vec::new();
    for Glimpse { name, container, path } in glimpses {
        let look = docker.look_from(&container, &path).await;
        looks.push((name, look));
    }
    looks
}

/// Two clocks, held against each other.
struct Clocks {
    wall: Timestamp,
    counting: Instant,
}

impl Clocks {
    fn at(wall: Timestamp) -> Self {
        Self { wall, counting: Instant::now() }
    }

    /// Whether the machine slept since the last time this was asked.
    fn slept(&mut self, wall: Timestamp) -> bool {
        let now = Self::at(wall);
        let on_the_wall = Duration::try_from(wall.duration_since(self.wall)).unwrap_or_default();
        let slept = on_the_wall > now.counting.duration_since(self.counting) + SLEPT;
        *self = now;
        slept
    }
}
