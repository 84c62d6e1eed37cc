//! A head start over a container: its start is held up until its volumes are seen to, so that its very first
//! instruction finds what it needs.
//!
//! An engine takes a container's lock for an upload into it, and `start` waits for that lock. So an upload is begun, and
//! nothing is sent, until everything is in place; then it ends, empty. In the meantime the usual courier delivers.
//! Nothing is ever written into anybody's container from here. Why like this: `docs/decisions/head-start.md`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::ListContainersOptionsBuilder;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, StatusCode};
use tokio::sync::{SetOnce, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Docker, EngineError};
use crate::destinations::{Ids, Parcel};

mod copy_up;
mod guest;
mod lines;
mod stand_in;

use guest::Guest;
pub(super) use lines::Lines;

/// The longest that a start is held up: a delivery with all that belongs to it took a second on a very busy machine, and
/// whoever started the container should not begin to wonder.
const LONGEST: Duration = Duration::from_secs(5);
/// After this a request that was sent has got in line for a container's lock.
const IN_LINE: Duration = Duration::from_millis(2);
/// The look is answered within this once the upload before it has ended, if it is its turn.
const LOOK: Duration = Duration::from_millis(100);
/// Where nothing is uploaded to: there in every container.
const ROOT: &str = "/";
/// An archive without entries: two blocks of zeros.
const NOTHING: &[u8] = &[0; 1024];

/// A container that has not run yet, and doesn't start while this lives, five seconds at the most. Whether it was quicker
/// than us can't be told, so nothing may rest on it.
#[derive(Debug)]
#[must_use = "the container starts as soon as this is dropped"]
pub struct HeadStart {
    guest: Guest,
    held: Held,
    hold: Hold,
}

impl HeadStart {
    /// Those of the parcels' volumes that the container mounts: what is to be delivered now.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.guest.mounts.iter().map(|mount| mount.volume.as_str())
    }

    /// Lets the container start, and waits until the engine knows.
    pub async fn end(mut self) {
        self.hold.end().await;
    }
}

impl Drop for HeadStart {
    fn drop(&mut self) {
        self.held.forget(&self.guest.id);
    }
}

/// An upload of nothing, under way until this is dropped, or it was [`LONGEST`].
#[derive(Debug)]
struct Hold {
    let_go: Option<oneshot::Sender<()>>,
    upload: JoinHandle<()>,
}

impl Hold {
    /// Begins one; none where no connection is open.
    fn begin(lines: &Lines, container: &str, folder: &str) -> Option<Self> {
        let (let_go, gone) = oneshot::channel();
        let body = stream::once(async move {
            let _ = timeout(LONGEST, gone).await;
            Bytes::from_static(NOTHING)
        });
        let query: String = url::form_urlencoded::byte_serialize(folder.as_bytes()).collect();
        let answer = lines.ask(Method::PUT, &format!("/containers/{container}/archive?path={query}"), body)?;
        let container = container.to_owned();
        let upload = tokio::spawn(async move {
            match answer.await {
                Ok((StatusCode::OK, _)) => {}
                Ok((status, _)) => tracing::debug!(container, %status, "a container could not be held up"),
                Err(error) => tracing::debug!(container, error, "a container could not be held up"),
            }
        });
        Some(Self { let_go: Some(let_go), upload })
    }

    /// Ends it, and waits until the engine knows.
    async fn end(&mut self) {
        self.let_go = None;
        if let Err(error) = (&mut self.upload).await {
            tracing::debug!(%error, "an upload that held a container up was cut off");
        }
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

    fn begin(&self, id: &str) {
        self.containers().insert(id.to_owned(), Arc::default());
    }

    fn tell(&self, id: &str, user: Option<Ids>) {
        if let Some(told) = self.containers().get(id) {
            // Told once, which stays.
            let _ = told.set(user);
        }
    }

    fn forget(&self, id: &str) {
        if let Some(told) = self.containers().remove(id) {
            // Whoever still waits to be told shall not wait for ever.
            let _ = told.set(None);
        }
    }

    fn containers(&self) -> MutexGuard<'_, HashMap<String, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Docker {
    /// Holds up the start of a container that was just created, if it mounts one of the parcels' volumes, and does
    /// what else its volumes need before a delivery: where something of ours lies in a volume already and nothing else,
    /// the engine did not fill it from the image, as it does with an empty one, so that is made up for.
    ///
    /// To be called as soon as its creation is heard of, with parcels for volumes that are new, or hold nothing but
    /// ours as far as is known. Deliver then to [`volumes`](HeadStart::volumes), and [`end`](HeadStart::end) it; take
    /// the turn at the engine after this, not before, as a `docker run` sends its start within milliseconds.
    ///
    /// None where there is nothing to do, or it can't be had: the container has run already, there is no place for an
    /// upload, or the engine is podman, which has no such lock, or isn't reached by a socket: on another machine a start
    /// would wait for as long as a connection may hang that was lost.
    ///
    /// # Errors
    /// The engine is away, or the container is gone.
    pub async fn head_start(&self, container: &str, parcels: &[Parcel]) -> Result<Option<HeadStart>, EngineError> {
        if parcels.is_empty() || !self.get_ready().await {
            return Ok(None);
        }
        let Some((guest, mut hold)) = self.hold_and_look(container, parcels).await? else { return Ok(None) };
        if guest.upload_to != ROOT {
            // The first place was refused. This may be too late, and is the only way.
            let Some(another) = Hold::begin(&self.lines, &guest.id, &guest.upload_to) else { return Ok(None) };
            hold = another;
        }
        self.held.begin(&guest.id);
        let head_start = HeadStart { guest, held: self.held.clone(), hold };
        let user = self.make_ready(&head_start.guest, parcels).await;
        self.held.tell(&head_start.guest.id, user);
        Ok(Some(head_start))
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

    /// Holds a container up, and looks at it all the same, though a look waits for an upload to end as a start does.
    ///
    /// Those who wait for a container's lock get it in turn. So the look gets in line behind a first upload, a second
    /// upload behind the look, and then the first one ends: all before even `docker run --detach` has its start in line.
    async fn hold_and_look(&self, container: &str, parcels: &[Parcel]) -> Result<Option<(Guest, Hold)>, EngineError> {
        let begin = || Hold::begin(&self.lines, container, ROOT);
        let Some(mut first) = begin() else { return Ok(None) };
        // Gets that one onto its way before the look.
        tokio::task::yield_now().await;
        let Some(look) = self.look_into(container) else { return Ok(None) };
        let mut look = std::pin::pin!(look);
        if let Ok(found) = timeout(IN_LINE, &mut look).await {
            return Ok(Guest::of(found?, parcels).map(|guest| (guest, first)));
        }
        let Some(second) = begin() else { return Ok(None) };
        sleep(IN_LINE).await;
        first.end().await;
        let guest = match timeout(LOOK, look).await {
            Ok(found) => Guest::of(found?, parcels),
            // The second upload was quicker than the look.
            Err(_) => self.seen_from_outside(container, parcels).await?,
        };
        Ok(guest.map(|guest| (guest, second)))
    }

    /// What is told of a container that is held up: all but its user, which is most likely the image's, and whether its
    /// volumes are to be filled.
    async fn seen_from_outside(&self, container: &str, parcels: &[Parcel]) -> Result<Option<Guest>, EngineError> {
        let filters = HashMap::from([("id", vec![container])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.call("list containers", self.api.list_containers(Some(options))).await?;
        let Some(listed) = listed.into_iter().next() else { return Ok(None) };
        let image = self.api.inspect_image(listed.image_id.as_deref().unwrap_or_default()).await;
        let user = image.ok().and_then(|image| image.config?.user).unwrap_or_default();
        Ok(Guest::of_listed(listed, user, parcels))
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
