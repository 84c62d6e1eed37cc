//! Delivery into the volumes of a Docker engine, by a courier: a container of our own image with the volumes mounted.
//!
//! The image is imported, never pulled. A courier is made for one delivery, gets all volumes that are due, is spoken to
//! over its standard input and output, and is gone afterwards. Why like this: `docs/decisions/courier.md`.

mod cli;
mod conversation;
mod decision;
mod delivery;
mod events;
mod examination;
mod fault;
mod head_start;
mod hire;
mod identity;
mod image;
mod look;
mod ours;
mod ownership;
mod presence;
mod reach;
mod ssh;
mod stand_in;
pub mod survey;
mod task;
mod tidy;
mod user_lists;
mod users;
mod visit;
mod volumes;

use std::future::Future;

use bollard::Docker as Connection;
use bollard::errors::Error as CallError;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::task::TaskTracker;

pub use cli::Reply;
use decision::TemporaryNames;
pub use events::{Happening, Happenings};
pub use fault::EngineError;
pub use head_start::HeadStart;
use head_start::{Habits, Held, Lines};
pub use identity::{Identity, Maker};
pub use presence::{Look, Presence, VolumeMount};
pub(crate) use reach::known;
pub use reach::{EngineChoice, Environment, Reach, resolve};
pub use ssh::SshError;
pub use tidy::Leftovers;
use user_lists::KnownLists;

/// Marks our couriers and their image, so that leftovers are found.
const COURIER_LABEL: &str = "tokenferry.courier";
/// Whose courier it is.
const INSTALLATION_LABEL: &str = "tokenferry.installation";
/// Which [`Docker`] value made it: others of the same installation are leftovers, or soon gone by themselves.
const SESSION_LABEL: &str = "tokenferry.session";
/// On a volume that came to be only because we created a container with it.
const ACCIDENT_LABEL: &str = "tokenferry.accident";

/// Calls of one kind under way at a time: enough to be quick, few enough not to crowd the engine.
const CALLS_AT_ONCE: usize = 8;

/// A Docker engine, or one that speaks its language.
///
/// Calls may run at the same time. Two processes of one installation should take turns on an engine, by a lock of
/// their own: each takes what it finds of the other's for leftovers, unless it is running.
pub struct Docker {
    api: Connection,
    reach: Reach,
    installation: String,
    session: String,
    image: OnceCell<courier::Image>,
    importing: Mutex<()>,
    tidied: OnceCell<()>,
    held: Held,
    lines: Lines,
    habits: Habits,
    lists: KnownLists,
    removals: TaskTracker,
    identity: OnceCell<Identity>,
}

impl std::fmt::Debug for Docker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Docker").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Docker {
    /// An engine that was found by [`resolve`]; nothing is sent to it yet. `installation` is an identifier of this
    /// installation that is no secret and never changes: by it we know our own leftovers.
    ///
    /// # Errors
    /// [`EngineError::NotRunning`] where there is no socket; TLS files that can't be used.
    pub fn new(reach: Reach, installation: &str) -> Result<Self, EngineError> {
        Ok(Self {
            api: reach::connect(&reach)?,
            installation: installation.to_owned(),
            session: random_name(&reach)?,
            reach,
            image: OnceCell::new(),
            importing: Mutex::new(()),
            tidied: OnceCell::new(),
            held: Held::default(),
            lines: Lines::default(),
            habits: Habits::default(),
            lists: KnownLists::default(),
            removals: TaskTracker::new(),
            identity: OnceCell::new(),
        })
    }

    /// Which engine it is.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Asks the engine whether it is there.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.call("answer", self.api.ping()).await.map(drop)
    }

    /// Waits for a call and tells its failures by class.
    async fn call<T>(
        &self,
        attempt: &'static str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, EngineError> {
        call.await.map_err(|error| EngineError::from_call(&error, &self.reach).attempting(attempt))
    }

    /// Names for one courier's temporary files, shared with no other.
    fn temporary_names(&self) -> Result<TemporaryNames, EngineError> {
        let short = hex(Sha256::digest(&self.installation).iter().take(4));
        let stale = format!("{}{short}-", courier::protocol::TEMPORARY_PREFIX);
        let mine = format!("{stale}{}-", random_name(&self.reach)?);
        Ok(TemporaryNames { stale, mine })
    }
}

/// Whether the engine says that there is no such thing: the one status that all versions agree on.
fn is_missing(error: &CallError) -> bool {
    matches!(error, CallError::DockerResponseServerError { status_code: 404, .. })
}

/// Whether it is the engine's own answer, if only one that can't be read, so that it is there. podman has a state that no
/// container of Docker's is ever in.
fn is_answer(error: &CallError) -> bool {
    matches!(
        error,
        CallError::DockerResponseServerError { .. }
            | CallError::JsonDataError { .. }
            | CallError::JsonSerdeError { .. }
    )
}

/// 16 random hex digits.
fn random_name(reach: &Reach) -> Result<String, EngineError> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| EngineError::Broken {
        shown: reach.shown.clone(),
        reason: format!("the system gives no random numbers: {error}"),
    })?;
    Ok(hex(bytes.iter()))
}

/// Awaits futures, up to `at_once` of them at a time, and answers in their order.
async fn gather<F: Future>(futures: impl IntoIterator<Item = F>, at_once: usize) -> Vec<F::Output> {
    // Made beforehand, as a stream that maps borrowed items to futures is not `Send` to the compiler.
    let futures: Vec<F> = futures.into_iter().collect();
    stream::iter(futures).buffered(at_once).collect().await
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
