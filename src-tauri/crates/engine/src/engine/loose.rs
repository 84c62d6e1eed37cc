//! A sign-in that the provider has made, and that nobody keeps yet.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::provider::{Grant, Provider};

/// Ends the sign-in at the provider where it is dropped before somebody keeps it: whoever gives up halfway, as by Ctrl-C,
/// leaves nothing behind.
#[derive(Debug)]
pub(super) struct Loose {
    provider: Arc<Provider>,
    tasks: TaskTracker,
    grant: Option<Grant>,
}

impl Loose {
    /// What is given up is ended in one of `tasks`.
    pub(super) fn new(provider: Arc<Provider>, tasks: TaskTracker, grant: Grant) -> Self {
        Self { provider, tasks, grant: Some(grant) }
    }

    /// Somebody sees to it from now on.
    pub(super) fn seen_to(mut self) {
        self.grant = None;
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        let (Some(grant), Ok(runtime)) = (self.grant.take(), Handle::try_current()) else { return };
        let provider = self.provider.clone();
        let end = async move {
            if let Err(why) = provider.revoke(&grant).await {
                tracing::warn!("a sign-in that was given up could not be ended: {why}");
            }
        };
        self.tasks.spawn_on(end, &runtime);
    }
}
