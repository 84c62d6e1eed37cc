//! Seeing to one engine while it is connected: what happens there is heard at once, and what takes longer goes on beside.

use std::collections::{BTreeSet, VecDeque};
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
use super::watch::{Connection, End, Watch};
use crate::account::AccountName;
use crate::delivery::{self, Carried, Order};
use crate::destinations::DeliveryError;
use crate::destinations::Parcel;
use crate::destinations::docker::{Docker, EngineError, Happening, Look};
use crate::error::Error;
use crate::renewal;
use crate::settings::DestinationName;

/// How often an engine that says nothing is asked whether it is there: a stream that nobody ends looks like peace.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
/// How long to wait for more of the same before labels are read: compose makes several things at once.
const LABELS_AFTER: Duration = Duration::from_millis(300);
/// How long to wait where labels could not be read.
const LABELS_AGAIN: Duration = Duration::from_secs(5);
/// How long after an engine is there what it left dead of ours is removed: one that was killed tries to clear it away itself
/// when it is back.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// The clock on the wall went on this much further than the one that counts: the machine slept.
const SLEPT: Duration = Duration::from_secs(20);

/// Something that went on beside the events and has come to its end.
enum Done {
    Met(String, Guest, Vec<Carried>),
    Looked(Option<(DestinationName, Result<Option<Look>, EngineError>)>),
    Alive(Result<(), EngineError>),
    Carried(Round),
    Approved(Result<(), Error>),
    Cleared(Result<(), EngineError>),
}

/// What is known and what goes on while the engine is connected.
struct Attendance<'a> {
    watch: Watch<'a>,
    docker: Arc<Docker>,
    vigil: Vigil,
    ready: Ready,
    going_on: FuturesUnordered<BoxFuture<'a, Done>>,
    is_carrying: bool,
    is_looking: bool,
    /// What is to be looked at, one after the other: a look waits for nothing, and the engine shall not notice.
    glimpses: VecDeque<Glimpse>,
    /// When the plan is to be looked at.
    plan_at: Instant,
    /// When labels are to be read, and whose count, if any do.
    labels_at: Option<Instant>,
    labels_of: Option<BTreeSet<AccountName>>,
    /// When to remove what is dead, unless that is done.
    clear_at: Option<Instant>,
    /// When something was last heard of the engine.
    heard: Instant,
}

impl<'a> Watch<'a> {
    /// Sees to the engine for as long as it is there.
    pub(super) async fn attend(self, connection: Connection, changes: &mut Receiver<u64>) -> End {
        let Connection { docker, mut happenings, present, volumes } = connection;
        let now = Instant::now();
        let mut attendance = Attendance {
            watch: self,
            docker,
            vigil: Vigil::default(),
            ready: Ready::default(),
            going_on: FuturesUnordered::new(),
            is_carrying: false,
            is_looking: false,
            glimpses: VecDeque::new(),
            plan_at: now,
            labels_at: None,
            labels_of: None,
            clear_at: Some(now + DEAD_AFTER),
            heard: now,
        };
        attendance.take_over_settings(now);
        attendance.vigil.begin(present, &volumes, now);
        let mut clocks = Clocks::at(self.engine.clock.now());
        loop {
            let now = Instant::now();
            if clocks.slept(self.engine.clock.now()) {
                return End::Slept;
            }
            attendance.begin_what_is_due(now);
            let wake = attendance.wakes_at();
            tokio::select! {
                biased;
                happening = happenings.next() => match happening {
                    Some(Ok(happening)) => attendance.hear(happening, Instant::now()),
                    Some(Err(why)) => return End::Lost(why),
                    None => return End::Lost(attendance.docker.is_gone()),
                },
                Some(done) = attendance.going_on.next() => {
                    if let Err(why) = attendance.take(done, Instant::now()) {
                        return End::Lost(why);
                    }
                }
                _ = changes.changed() => attendance.take_over_settings(Instant::now()),
                () = sleep_until(wake) => {}
            }
        }
    }
}

impl Attendance<'_> {
    /// What others changed: the settings, who is signed in, or what is due by the journal.
    fn take_over_settings(&mut self, now: Instant) {
        let watch = self.watch;
        self.plan_at = now;
        let (Ok(mut settings), Ok(accounts)) = (watch.engine.settings(), watch.engine.journal.accounts()) else {
            // The plan can't be made either, and says so.
            return;
        };
        let mut is_here = watch.is_here();
        settings.destinations.retain(|it| is_here(&it.place));
        if settings.paused {
            settings.destinations.clear();
        }
        self.vigil.keep(&settings.destinations);
        self.ready.keep(&settings.destinations);
        // A label counts if its account is signed in.
        let labels_of: BTreeSet<_> = accounts.into_iter().map(|row| row.name).collect();
        let labels_of = settings.approve_labelled.then_some(labels_of);
        if labels_of.is_some() && labels_of != self.labels_of {
            self.labels_at = Some(now);
        }
        self.labels_of = labels_of;
    }

    fn begin_what_is_due(&mut self, now: Instant) {
        let (watch, docker) = (self.watch, &self.docker);
        if !self.is_carrying && (self.plan_at <= now || self.vigil.next_due().is_some_and(|due| due <= now)) {
            self.is_carrying = true;
            self.plan_at = now + SIGN_OF_LIFE;
            let (due, waiting) = (self.vigil.take_due(now), self.vigil.waiting());
            self.going_on.push(watch.round(due, waiting).map(Done::Carried).boxed());
        }
        if !self.is_looking {
            if self.glimpses.is_empty() {
                self.glimpses = self.vigil.looks(now).into();
            }
            // Once more right before each: an engine can't remove a container while that lasts.
            while let Some(glimpse) = self.glimpses.pop_front() {
                if self.vigil.runs(&glimpse.container) {
                    self.is_looking = true;
                    self.going_on.push(look(docker.clone(), glimpse).map(Done::Looked).boxed());
                    break;
                }
            }
        }
        if self.labels_at.take_if(|at| *at <= now).is_some() {
            self.going_on.push(watch.approve_labelled(docker.clone()).map(Done::Approved).boxed());
        }
        if self.clear_at.take_if(|at| *at <= now).is_some() {
            let docker = docker.clone();
            self.going_on.push(async move { Done::Cleared(docker.remove_dead().await) }.boxed());
        }
        if self.heard + SIGN_OF_LIFE <= now {
            self.heard = now;
            let docker = docker.clone();
            self.going_on.push(async move { Done::Alive(docker.ping().await) }.boxed());
        }
    }

    /// When something will be due, if nothing happens before.
    fn wakes_at(&self) -> Instant {
        let due = (!self.is_carrying).then(|| self.vigil.next_due().into_iter().chain([self.plan_at]));
        let looks = if self.is_looking { None } else { self.vigil.next_looks() };
        let all = due.into_iter().flatten().chain(looks).chain(self.labels_at).chain(self.clear_at);
        all.fold(self.heard + SIGN_OF_LIFE, Instant::min)
    }

    fn hear(&mut self, happening: Happening, now: Instant) {
        self.heard = now;
        if self.labels_of.is_some() && self.vigil.may_bring_labels(&happening) {
            self.labels_at.get_or_insert(now + LABELS_AFTER);
        }
        let has_run = !matches!(happening, Happening::ContainerCreated { .. });
        if let Some(id) = self.vigil.happened(happening, now) {
            let unused = if has_run { Vec::new() } else { self.vigil.unused() };
            let (orders, root_s) = (self.ready.of(&unused), self.vigil.root_s());
            self.going_on.push(self.watch.meet(self.docker.clone(), id, orders, root_s).boxed());
        }
    }

    /// Takes what came of something that went on. An error says that the engine is away.
    fn take(&mut self, done: Done, now: Instant) -> Result<(), EngineError> {
        match done {
            Done::Met(id, guest, carried) => {
                self.see_to(&carried, now);
                self.vigil.met(&id, guest, now);
            }
            Done::Looked(look) => {
                self.is_looking = false;
                match look {
                    None => {}
                    Some((name, Ok(look))) => self.vigil.looked(&name, look, now),
                    Some((name, Err(why))) => {
                        tracing::debug!("{name} could not be looked at: {why}");
                        // An engine that is away need not be asked for each.
                        if !matches!(why, EngineError::Refused { .. }) {
                            self.glimpses.clear();
                        }
                    }
                }
            }
            Done::Carried(round) => {
                self.is_carrying = false;
                if let Some(next) = round.next {
                    self.plan_at = self.plan_at.min(now + renewal::wait(self.watch.engine.clock.now(), next));
                }
                self.see_to(&round.carried, now);
                self.vigil.try_again(round.untried, now);
                self.ready.take_over(round.orders);
                self.watch.tell(round.trouble);
            }
            Done::Approved(Ok(())) | Done::Alive(Ok(())) | Done::Cleared(Ok(())) => {}
            Done::Approved(Err(why)) => {
                tracing::debug!("labels could not be read: {why}");
                self.labels_at = Some(now + LABELS_AGAIN);
            }
            Done::Cleared(Err(why)) => tracing::debug!("what is dead could not be looked for: {why}"),
            Done::Alive(Err(why)) => return Err(why),
        }
        Ok(())
    }

    fn see_to(&mut self, carried: &[Carried], now: Instant) {
        for carried in carried {
            self.vigil.seen_to(&carried.destination, carried.seen.as_ref(), now);
            if let Err(DeliveryError::VolumeMissing { .. }) = carried.result {
                self.vigil.missed(&carried.destination);
            }
        }
    }
}

impl Watch<'_> {
    /// A container that was created or started is looked up. Where it has not run yet, its start is held up until its
    /// volumes are delivered to. `root_s` are volumes whose files are root's.
    async fn meet(self, docker: Arc<Docker>, id: String, orders: Vec<Order>, root_s: BTreeSet<String>) -> Done {
        let told = |why: EngineError| tracing::debug!("a container could not be seen to: {why}");
        let mut guest = Guest::default();
        let mut carried = Vec::new();
        let may_go = |parcel: &Parcel| {
            let mut orders = orders.iter();
            let order = orders.find(|order| order.destination.name.as_str() == parcel.destination);
            order.is_some_and(|order| self.engine.delivery.may_go(order))
        };
        match docker.head_start(&id, &delivery::parcels(&orders), &may_go).await {
            Ok(None) => {}
            Ok(Some(head_start)) => {
                let mounted: BTreeSet<_> = head_start.volumes().map(str::to_owned).collect();
                let here = orders.into_iter().filter(|it| mounted.contains(&it.destination.place.root()));
                match self.engine.delivery.deliver(here.collect()).await {
                    Ok(delivered) => carried = delivered.carried,
                    Err(why) => self.tell(Some(why.into())),
                }
                head_start.end();
                let arrived = carried.iter().filter(|carried| carried.result.is_ok());
                guest.served = arrived.map(|carried| carried.spot.place.root()).collect();
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

    /// Approves of what is labelled.
    async fn approve_labelled(self, docker: Arc<Docker>) -> Result<(), Error> {
        let mut survey = docker.survey().await?;
        docker.look_users_up(&mut survey).await;
        self.engine.approve_labelled(&survey, self.name).await.map(drop)
    }
}

/// Looks at a file; none where its container is gone by now.
async fn look(docker: Arc<Docker>, glimpse: Glimpse) -> Option<(DestinationName, Result<Option<Look>, EngineError>)> {
    let Glimpse { name, container, path } = glimpse;
    let look = docker.look_from(&container, &path).await;
    let is_gone = matches!(look, Ok(None)) && !matches!(docker.presence(&container).await, Ok(Some(_)));
    (!is_gone).then_some((name, look))
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
