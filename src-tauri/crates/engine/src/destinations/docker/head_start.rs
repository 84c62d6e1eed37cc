//! A head start over a container: its start is held up until its volumes are seen to, so that its very first
//! instruction finds what it needs.
//!
//! An engine takes a container's lock for an upload into it, and `start` waits for that lock. So an upload is begun, and
//! nothing is sent, until everything is in place; then it is broken off. What has to be in place goes into the volume by
//! way of a container of ours, the stand-in, so that it most often wins even where the start was quicker than the upload.
//! Nothing is ever written into anybody's container from here. Why like this: `docs/decisions/head-start.md`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::FusedFuture;
use futures_util::{FutureExt, stream};
use http::{Method, StatusCode};
use tokio::sync::SetOnce;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::stand_in::StandIn;
use super::{Docker, EngineError};
use crate::destinations::{Ids, Parcel};

mod copy_up;
mod guess;
mod guest;
mod lines;
mod ready;

pub(super) use guess::Habits;
use guest::Guest;
pub(super) use lines::Lines;
use ready::{Content, Ready};

/// The longest that a start is held up: a delivery with all that belongs to it took a second on a very busy machine, and
/// whoever started the container should not begin to wonder.
const LONGEST: Duration = Duration::from_secs(5);
/// After this a request that was sent has got in line for a container's lock.
const IN_LINE: Duration = Duration::from_millis(4);
/// Once the upload before it has ended, the look is answered within this, unless the machine is very busy, or the start was
/// quicker than us: then what is to be done had better be done soon.
const LOOK: Duration = Duration::from_millis(50);
/// What comes later than this is of no use any more.
const LATE_LOOK: Duration = Duration::from_secs(1);

/// A container that was just created. Where its volumes could not be made ready by themselves, it doesn't start while
/// this lives, five seconds at the most. Whether it was quicker than us can't be told, so nothing may rest on it.
#[derive(Debug)]
#[must_use = "the container starts as soon as this is dropped"]
pub struct HeadStart {
    guest: Guest,
    _hold: Option<Hold>,
    _waiting: Waiting,
}

impl HeadStart {
    /// Those of the parcels' volumes that the container mounts: what is to be delivered now.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.guest.mounts.iter().map(|mount| mount.volume.as_str())
    }

    /// Lets the container start.
    pub fn end(self) {}
}

/// An upload under way, of which nothing ever comes. It is broken off when this is dropped, or was [`LONGEST`]: an engine
/// of old starts another process for one that is ended as it should be, and the container waits for that too.
#[derive(Debug)]
struct Hold {
    _upload: AbortOnDropHandle<()>,
}

impl Hold {
    /// Begins one; none where no connection is open.
    fn begin(lines: &Lines, container: &str) -> Option<Self> {
        let answer = lines.ask(Method::PUT, &format!("/containers/{container}/archive?path=%2F"), stream::pending())?;
        let container = container.to_owned();
        let upload = tokio::spawn(async move {
            match timeout(LONGEST, answer).await {
                Ok(Ok((status, _))) => tracing::debug!(container, %status, "a container could not be held up"),
                Ok(Err(error)) => tracing::debug!(container, error, "a container could not be held up"),
                Err(_) => tracing::debug!(container, "a container was held up for long"),
            }
        });
        Some(Self { _upload: AbortOnDropHandle::new(upload) })
    }
}

/// The containers that wait, by their ids. Of these the engine tells nothing while they do, so whoever wants to know as
/// whom one runs asks here.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<HashMap<String, Told>>>);

/// As whom a container runs, once that is known; `None` if it can't be told.
type Told = Arc<SetOnce<Option<Ids>>>;

impl Held {
    /// As whom a container runs that waits; `None` if this one doesn't.
    pub(super) async fn user(&self, id: &str) -> Option<Option<Ids>> {
        let user = self.containers().get(id).cloned()?;
        Some(*user.wait().await)
    }

    fn begin(&self, id: &str) -> Waiting {
        let user = Told::default();
        self.containers().insert(id.to_owned(), user.clone());
        Waiting { held: self.clone(), id: id.to_owned(), user }
    }

    fn containers(&self) -> MutexGuard<'_, HashMap<String, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them, until this is dropped.
#[derive(Debug)]
struct Waiting {
    held: Held,
    id: String,
    user: Told,
}

impl Waiting {
    /// Says as whom it runs. Said once, it stays.
    fn tell(&self, user: Option<Ids>) {
        let _ = self.user.set(user);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Whoever still waits to be told shall not wait for ever.
        self.tell(None);
        self.held.containers().remove(&self.id);
    }
}

impl Docker {
    /// Holds up the start of a container that was just created, if it mounts one of the parcels' volumes, and makes these
    /// ready: fills them from the image where the engine could not, as something of ours lay there already, and puts the
    /// files there that are lacking. Then it may start.
    ///
    /// To be called as soon as its creation is heard of, with parcels for volumes that are new, or hold nothing but
    /// ours as far as is known. Deliver then to [`volumes`](HeadStart::volumes), and [`end`](HeadStart::end) it; take
    /// the turn at the engine after this, not before, as a `docker run` sends its start within milliseconds.
    ///
    /// `may_go` is asked right before anything of a parcel is put anywhere: a sign-out in between stops it, and what is about
    /// to be sent can be noted first.
    ///
    /// None where there is nothing to do, or it can't be done: the container runs already, or the engine is podman, which has
    /// no such lock, or isn't reached by a socket: on another machine a start would wait for as long as a connection may
    /// hang that was lost.
    ///
    /// # Errors
    /// The engine is away, or the container is gone.
    pub async fn head_start(
        &self,
        container: &str,
        parcels: &[Parcel],
        may_go: &(dyn Fn(&Parcel) -> bool + Sync),
    ) -> Result<Option<HeadStart>, EngineError> {
        if parcels.is_empty() || (!self.lines.are_ready() && !self.get_ready().await) {
            return Ok(None);
        }
        let Some(first) = Hold::begin(&self.lines, container) else { return Ok(None) };
        // Gets that on its way before all others.
        tokio::task::yield_now().await;
        let Some(look) = self.look_into(container) else { return Ok(None) };
        let mut look = std::pin::pin!(look.fuse());
        let held_up = async { Ok(hold_and_look(&self.lines, container, first, look.as_mut()).await) };
        let both = tokio::try_join!(held_up, self.prepare(container, parcels));
        let ((found, mut hold), Prepared { mut guest, waiting, seen }) = match both {
            Ok(both) => both,
            Err(NoGuest::Other) => return Ok(None),
            Err(NoGuest::Engine(error)) => return Err(error),
        };
        let was_seen = found.is_some();
        let mut ready = Ready::default();
        if let Some((stand_in, contents)) = seen {
            if !was_seen {
                guest.user = self.likely_user(&guest, &stand_in).await;
            }
            if found.is_none_or(|found| self.learn(&mut guest, found)) {
                ready = self.make_ready(&stand_in, &guest, contents, parcels, may_go).await;
            }
            if !was_seen {
                // That was done on a guess. Should it be the second upload that the look waits for, that makes way.
                let third = Hold::begin(&self.lines, container);
                sleep(IN_LINE).await;
                hold = third;
                // An engine that went away has answered it already, and all others.
                let found = match look.is_terminated() {
                    true => None,
                    false => timeout(LATE_LOOK, look).await.ok().and_then(Result::ok),
                };
                ready.all &= found.is_some_and(|found| self.learn(&mut guest, found));
                if ready.all {
                    let contents = self.read_volumes(&stand_in, &guest).await;
                    ready = self.make_ready(&stand_in, &guest, contents, parcels, may_go).await;
                }
            }
            waiting.tell(ready.user);
            if ready.all {
                hold = None;
            }
            drop(stand_in);
        }
        waiting.tell(None);
        tracing::debug!(container = guest.id, was_seen, is_ready = ready.all, "a container has had a head start");
        self.get_ready().await;
        Ok(Some(HeadStart { guest, _hold: hold, _waiting: waiting }))
    }

    /// All that can be done while the look at a container is waited for.
    async fn prepare(&self, container: &str, parcels: &[Parcel]) -> Result<Prepared, NoGuest> {
        let guest = self.seen_from_outside(container, parcels).await.map_err(NoGuest::Engine)?;
        let guest = guest.ok_or(NoGuest::Other)?;
        let waiting = self.held.begin(&guest.id);
        let seen = match self.stand_in_for(&guest).await {
            Ok(stand_in) => {
                let contents = self.read_volumes(&stand_in, &guest).await;
                Some((stand_in, contents))
            }
            Err(error) => {
                tracing::debug!(container, %error, "a container has no stand-in");
                None
            }
        };
        Ok(Prepared { guest, waiting, seen })
    }

    /// Takes over what a look has shown; answers whether the container has not run yet.
    fn learn(&self, guest: &mut Guest, found: ContainerInspectResponse) -> bool {
        let waits = guest.learn(found);
        self.habits.remember(guest);
        waits
    }

    /// Makes ready for head starts, and answers whether this engine is one for them. Done ahead of time, the first one is
    /// as quick as the others.
    pub(super) async fn get_ready(&self) -> bool {
        let Some(socket) = self.reach.socket().filter(|_| !self.reach.is_over_ssh()) else { return false };
        if self.is_podman().await {
            return false;
        }
        let ready = self.lines.get_ready(socket).await;
        ready.inspect_err(|error| tracing::debug!(error, "no connection can be kept open")).is_ok()
    }

    /// What a list tells of a container, held up or not: all but its user, and whether its volumes are to be filled.
    async fn seen_from_outside(&self, container: &str, parcels: &[Parcel]) -> Result<Option<Guest>, EngineError> {
        let filters = HashMap::from([("id", vec![container])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.call("list containers", self.api.list_containers(Some(options))).await?;
        let Some(listed) = listed.into_iter().next() else { return Ok(None) };
        Ok(Guest::listed(listed, parcels))
    }

    fn look_into(
        &self,
        container: &str,
    ) -> Option<impl Future<Output = Result<ContainerInspectResponse, EngineError>> + Send> {
        let answer = self.lines.ask(Method::GET, &format!("/containers/{container}/json"), stream::empty())?;
        let shown = self.reach.shown.clone();
        let broken = |shown: &str, reason: String| EngineError::Broken { shown: shown.to_owned(), reason };
        Some(async move {
            let (status, body) = answer.await.map_err(|error| broken(&shown, error.to_string()))?;
            if status != StatusCode::OK {
                return Err(EngineError::Refused { shown, attempt: "look at a container", reason: status.to_string() });
            }
            serde_json::from_slice(&body).map_err(|error| broken(&shown, error.to_string()))
        })
    }
}

/// What is known of a container before the look at it is answered.
struct Prepared {
    guest: Guest,
    waiting: Waiting,
    /// Its stand-in, if it can have one, and what lies in its volumes.
    seen: Option<(StandIn, Vec<Option<Content>>)>,
}

/// Why there is nothing to do for a container.
enum NoGuest {
    /// It is none of those that are waited for.
    Other,
    /// The engine can't be asked.
    Engine(EngineError),
}

/// Lets the look at a container through that is held up, and holds it up again. Neither is sure to succeed: the look
/// may have to wait for the second upload, or for a start that was quicker than the first.
///
/// Those who wait for a container's lock get it in turn. So a second upload gets in line behind the look, and then
/// the first one ends: best before even `docker run --detach` has its start in line.
async fn hold_and_look(
    lines: &Lines,
    container: &str,
    first: Hold,
    mut look: impl Future<Output = Result<ContainerInspectResponse, EngineError>> + Unpin,
) -> (Option<ContainerInspectResponse>, Option<Hold>) {
    if let Ok(found) = timeout(IN_LINE, &mut look).await {
        return (found.ok(), Some(first));
    }
    let Some(second) = Hold::begin(lines, container) else { return (None, Some(first)) };
    sleep(IN_LINE).await;
    drop(first);
    let found = timeout(LOOK, look).await;
    (found.ok().and_then(Result::ok), Some(second))
}
