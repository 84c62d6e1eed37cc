//! A sign-in that the provider has made, and that nobody keeps yet.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::provider::Provider;
use crate::secret::SecretString;

/// Ends the sign-in at the provider where it is dropped before somebody keeps it: whoever gives up halfway, as by Ctrl-C,
/// leaves nothing behind.
#[derive(Debug)]
pub(super) struct Loose {
    provider: Arc<Provider>,
    tasks: TaskTracker,
    refresh_token: Option<SecretString>,
}

impl Loose {
    /// What is given up is ended in one of `tasks`.
    pub(super) fn new(provider: Arc<Provider>, tasks: TaskTracker, refresh_token: SecretString) -> Self {
        Self { provider, tasks, refresh_token: Some(refresh_token) }
    }

    /// Somebody sees to it from now on.
    pub(super) fn seen_to(mut self) {
        self.refresh_token = None;
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        let (Some(refresh_token), Ok(runtime)) = (self.refresh_token.take(), Handle::try_current()) else { return };
        let provider = self.provider.clone();
        let end = async move {
            if let Err(why) = provider.revoke(&refresh_token).await {
                tracing::warn!("a sign-in that was given up could not be ended: {why}");
            }
        };
        self.tasks.spawn_on(end, &runtime);
    }
}
