//! Sees whenever what the page is shown has changed: by another program, by a person in a terminal, or by the page itself.

use std::time::Duration;

use engine::Changes;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::desk::Desk;

/// Changes come in handfuls; this long the rest of one is waited for.
const HANDFUL: Duration = Duration::from_millis(60);
/// What changes by the clock alone, as a token that ends, or leaves no trace on the disk, as a lock that is let go, is
/// looked for this often while somebody sees the page.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Watches for whoever shows the page. Several may, each for itself; one that tells all is cheaper.
#[derive(Debug)]
pub struct Watching<'a> {
    desk: &'a Desk,
    here: watch::Receiver<()>,
    elsewhere: Option<Changes>,
    /// Something has changed, and was not looked at yet.
    due: bool,
    shown: Value,
}

impl Desk {
    /// Begins to watch. What is there now is not told: [`Desk::view`] has it.
    pub fn watch(&self) -> Watching<'_> {
        Watching { desk: self, here: self.changed.subscribe(), elsewhere: None, due: false, shown: Value::Null }
    }
}

impl Watching<'_> {
    /// The next [`View`](crate::View) that differs from the last one, as JSON. Nothing is looked at while nobody sees it, and
    /// what is there is told once somebody does. May be dropped and called again without missing anything.
    pub async fn next(&mut self, is_seen: impl Fn() -> bool) -> Value {
        loop {
            if self.elsewhere.is_none() {
                self.elsewhere = self.desk.engine().ok().map(|engine| engine.changes());
            }
            self.change().await;
            if !is_seen() {
                self.shown = Value::Null;
                continue;
            }
            // What can't be had is told to whoever asks for it.
            let Ok(view) = self.desk.view().map(|view| serde_json::to_value(view).unwrap_or_default()) else {
                continue;
            };
            let timeless = without_time(view.clone());
            if timeless != self.shown {
                self.shown = timeless;
                return view;
            }
        }
    }

    async fn change(&mut self) {
        if !self.due {
            let elsewhere = async {
                match &self.elsewhere {
                    Some(changes) => changes.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = elsewhere => self.due = true,
                // The sender is the desk's own.
                _ = self.here.changed() => {}
                () = sleep(LOOK_AGAIN) => {}
            }
        }
        if self.due {
            sleep(HANDFUL).await;
            self.due = false;
        }
    }
}

/// When it was looked at is no change.
fn without_time(mut view: Value) -> Value {
    if let Some(fields) = view.as_object_mut() {
        fields.remove("at");
    }
    view
}
