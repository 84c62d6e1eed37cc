//! A head start over a container: its start is held up until its volumes are seen to, so that its very first
//! instruction finds what it needs.
//!
//! An engine takes a container's lock for an upload into it, and `start` waits for that lock. So an upload is begun, and
//! nothing is sent, until everything is in place; then it ends, empty. In the meantime the usual courier delivers.
//! Nothing is ever written into anybody's container from here. Why like this: `docs/decisions/head-start.md`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker as Connection;
use bollard::body_stream;
use bollard::query_parameters::{InspectContainerOptions, UploadToContainerOptionsBuilder};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{SetOnce, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Docker, EngineError};
use crate::destinations::{Ids, Parcel};

mod copy_up;
mod guest;
mod stand_in;

use guest::Guest;

/// The longest that a start is held up: a delivery with all that belongs to it took 0.6 s on a busy machine, and whoever
/// started the container should not begin to wonder.
const LONGEST: Duration = Duration::from_secs(5);
/// An archive without entries: two blocks of zeros.
const NOTHING: &[u8] = &[0; 1024];

/// A container that has not run yet, and doesn't start while this lives, five seconds at the most. Whether it was quicker
/// than us can't be told, so nothing may rest on it.
#[derive(Debug)]
#[must_use = "the container starts as soon as this is dropped"]
pub struct HeadStart {
    guest: Guest,
    held: Held,
    let_go: Option<oneshot::Sender<()>>,
    upload: JoinHandle<()>,
}

impl HeadStart {
    /// Those of the parcels' volumes that the container mounts: what is to be delivered now.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.guest.mounts.iter().map(|mount| mount.volume.as_str())
    }

    /// Lets the container start, and waits until the engine knows.
    pub async fn end(mut self) {
        self.let_go = None;
        if let Err(error) = (&mut self.upload).await {
            tracing::debug!(container = self.guest.id, %error, "an upload that held a container up was cut off");
        }
    }
}

impl Drop for HeadStart {
    fn drop(&mut self) {
        self.held.forget(&self.guest.id);
    }
}

/// The containers that wait, by their ids. Of these the engine tells nothing while they do, so whoever wants to know as
/// whom one runs asks here.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<HashMap<String, Arc<SetOnce<Option<Ids>>>>>>);

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

    fn containers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<SetOnce<Option<Ids>>>>> {
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
    /// upload, or the engine is podman, which has no such lock, or on another machine, where the start would wait for
    /// as long as a connection may hang that we lost.
    ///
    /// # Errors
    /// The engine is away, or the container is gone.
    pub async fn head_start(&self, container: &str, parcels: &[Parcel]) -> Result<Option<HeadStart>, EngineError> {
        if parcels.is_empty() || !self.is_at_hand() {
            return Ok(None);
        }
        let inspect = self.api.inspect_container(container, None::<InspectContainerOptions>);
        let (found, is_podman) = tokio::join!(self.call("look at a container", inspect), self.is_podman());
        let Some(guest) = Guest::of(found?, parcels).filter(|_| !is_podman) else { return Ok(None) };
        let (let_go, gone) = oneshot::channel();
        self.held.begin(&guest.id);
        let upload = tokio::spawn(hold_up(self.api.clone(), guest.id.clone(), guest.upload_to.clone(), gone));
        let head_start = HeadStart { guest, held: self.held.clone(), let_go: Some(let_go), upload };
        let user = self.make_ready(&head_start.guest, parcels).await;
        self.held.tell(&head_start.guest.id, user);
        Ok(Some(head_start))
    }
}

impl Docker {
    /// Whether the engine is reached by a socket or pipe of this machine.
    fn is_at_hand(&self) -> bool {
        let address = self.reach.address();
        address.starts_with("unix://") || address.starts_with("npipe://")
    }
}

/// Uploads nothing, and takes its time: until the other end of `gone` is dropped, or it was [`LONGEST`].
async fn hold_up(api: Connection, id: String, path: String, gone: oneshot::Receiver<()>) {
    let body = stream::once(async move {
        let _ = timeout(LONGEST, gone).await;
        Bytes::from_static(NOTHING)
    });
    let options = UploadToContainerOptionsBuilder::new().path(&path).build();
    if let Err(error) = api.upload_to_container(&id, Some(options), body_stream(body)).await {
        tracing::debug!(container = id, %error, "a container could not be held up");
    }
}
