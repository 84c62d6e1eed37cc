//! What the page is told as it happens, by server-sent events: the view, whenever it has changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use http::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;

use crate::api::Problem;
use crate::gate::{Caller, Person};
use crate::shared::Shared;
use crate::wire::Busy;

/// How many may follow at once: each keeps a connection.
const MOST: usize = 64;
/// A sign of life, by which either side finds out that the other is gone.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// Whether a person is still in is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The newest view, for all who follow.
#[derive(Debug)]
pub(crate) struct Live {
    view: watch::Sender<Option<Arc<Value>>>,
    following: Arc<AtomicUsize>,
}

impl Default for Live {
    fn default() -> Self {
        Self { view: watch::Sender::new(None), following: Arc::default() }
    }
}

/// One who follows; gone when this is dropped.
struct Follower(Arc<AtomicUsize>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells all who follow, until it is dropped.
pub(crate) async fn tell(shared: &Shared) {
    let live = &shared.live;
    let mut watching = shared.desk.watch();
    loop {
        let view = watching.next(|| live.following.load(Ordering::Acquire) > 0).await;
        live.view.send_replace(Some(Arc::new(view)));
    }
}

/// Follows the view: first as it is now, then as it changes, while the person is in.
pub(super) async fn follow(
    State(shared): State<Arc<Shared>>,
    Extension(busy): Extension<Arc<Busy>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let person = Caller::person(&headers, &shared.engine)?.ok_or_else(Problem::not_let_in)?;
    if shared.live.following.fetch_add(1, Ordering::AcqRel) >= MOST {
        drop(Follower(shared.live.following.clone()));
        return Err(Problem::too_often());
    }
    let follower = Follower(shared.live.following.clone());
    let mut views = shared.live.view.subscribe();
    // What is told from now on counts; what was told before is older than what is looked at now.
    views.mark_unchanged();
    let first = Event::default().event("view").json_data(shared.desk.view()?).ok();
    let state = (shared, person, views, first, follower, busy);
    let events = unfold(state, |(shared, person, mut views, first, follower, busy)| async move {
        let event = match first {
            Some(first) => first,
            None => next(&shared, &person, &mut views).await?,
        };
        Some((Ok(event), (shared, person, views, None, follower, busy)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// The next view; `None` where the person is out, or the server ends.
async fn next(shared: &Shared, person: &Person, views: &mut watch::Receiver<Option<Arc<Value>>>) -> Option<Event> {
    loop {
        tokio::select! {
            changed = views.changed() => {
                changed.ok()?;
                let view = views.borrow_and_update().clone();
                if let Some(event) = view.and_then(|view| Event::default().event("view").json_data(&*view).ok()) {
                    return Some(event);
                }
            }
            () = shared.stop.cancelled() => return None,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        if !person.is_in(&shared.engine) {
            return None;
        }
    }
}
