//! Shows notices where there is no D-Bus: in the system's own way, which has no buttons. What they would ask for is in the menu.

use std::time::Duration;

use notify_rust::{Notification, Timeout};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use crate::notices::Notice;
use crate::resident::FromPanel;

/// How long the system may take to take one.
const ANSWER: Duration = Duration::from_secs(10);

/// The system itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server;

impl Server {
    /// It is always there.
    pub(crate) async fn find() -> Option<Self> {
        Some(Self)
    }
}

/// The notices that are shown; nothing is kept of them.
#[derive(Debug)]
pub(crate) struct Shown;

impl Shown {
    pub(crate) fn new(_: UnboundedSender<FromPanel>) -> Self {
        Self
    }

    /// Shows it. Whether the system took it.
    pub(crate) async fn show(&mut self, notice: &Notice, _: Server) -> bool {
        let mut shown = Notification::new();
        shown.appname("Tokenferry").summary(&notice.title).body(&notice.body);
        if notice.stays {
            shown.timeout(Timeout::Never);
        }
        let asked = tokio::task::spawn_blocking(move || shown.show().map(drop));
        match timeout(ANSWER, asked).await {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(why))) => {
                tracing::warn!("a notice could not be shown: {why}");
                false
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}
