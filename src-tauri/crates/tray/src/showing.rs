//! Shows notices by D-Bus, with a button where the server has them, and waits for a click as long as one is shown.

use std::time::Duration;

use notify_rust::{Notification, NotificationResponse, Timeout, Urgency};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::click::Click;
use crate::notices::Notice;
use crate::resident::FromPanel;
use crate::words::escaped;

/// How long a server may take for an answer: it may have to be started first.
const ANSWER: Duration = Duration::from_secs(10);
/// Whoever has not clicked in this time no longer will; servers don't always say that a notice is gone.
const LOOKED_AT: Duration = Duration::from_secs(24 * 3600);
/// So many notices are listened to at a time, since each takes a connection; the oldest are then forgotten.
const LISTENED_TO: usize = 4;

/// What a server can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    buttons: bool,
    markup: bool,
}

impl Server {
    /// The one that there is; none where nobody shows notices.
    pub(crate) async fn find() -> Option<Self> {
        // The library asks with its own blocking call.
        let asked = tokio::task::spawn_blocking(notify_rust::get_capabilities);
        let able = timeout(ANSWER, asked).await.ok()?.ok()?.ok()?;
        let can = |what: &str| able.iter().any(|it| it == what);
        Some(Self { buttons: can("actions"), markup: can("body-markup") })
    }
}

/// The notices that are shown.
#[derive(Debug)]
pub(crate) struct Shown {
    listening: JoinSet<()>,
    tell: UnboundedSender<FromPanel>,
}

impl Shown {
    pub(crate) fn new(tell: UnboundedSender<FromPanel>) -> Self {
        Self { listening: JoinSet::new(), tell }
    }

    /// Shows it. Whether the server took it.
    pub(crate) async fn show(&mut self, notice: &Notice, server: Server) -> bool {
        let mut shown = Notification::new();
        shown.appname("Tokenferry").icon("tokenferry").summary(&notice.title);
        shown.body(&if server.markup { escaped(&notice.body) } else { notice.body.clone() });
        shown.hint(notify_rust::Hint::DesktopEntry("tokenferry".to_owned()));
        shown.urgency(Urgency::Normal);
        if notice.stays {
            shown.timeout(Timeout::Never);
        }
        let click = notice.button.as_ref().filter(|_| server.buttons).map(|button| {
            shown.action("default", &button.label).action("button", &button.label);
            button.click.clone()
        });
        let handle = match timeout(ANSWER, shown.show_async()).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(why)) => {
                tracing::warn!("a notice could not be shown: {why}");
                return false;
            }
            Err(_) => return false,
        };
        while self.listening.try_join_next().is_some() {}
        if let Some(click) = click {
            if self.listening.len() >= LISTENED_TO {
                self.listening.abort_all();
            }
            let tell = self.tell.clone();
            self.listening.spawn(async move {
                let _ = timeout(
                    LOOKED_AT,
                    handle.wait_for_action_async(|answer: &NotificationResponse| clicked(answer, click, &tell)),
                )
                .await;
            });
        }
        true
    }
}

fn clicked(answer: &NotificationResponse, click: Click, tell: &UnboundedSender<FromPanel>) {
    if matches!(answer, NotificationResponse::Default | NotificationResponse::Action(_)) {
        let _ = tell.send(FromPanel::Clicked(click));
    }
}
