//! Tells the page whenever anything changed: by another program, by a person in a terminal, or by the app itself.

use std::time::Duration;

use serde_json::Value;
use tauri::{AppHandle, Emitter, Manager};
use tokio::time::sleep;

use crate::desk::Desk;
use crate::{view, windows};

/// Changes come in handfuls; this long the rest of one is waited for.
const HANDFUL: Duration = Duration::from_millis(60);
/// What changes by the clock alone, as a token that ends, or leaves no trace on the disk, as a lock that is let go, is
/// looked for this often while a window is there.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Goes on until the app ends.
pub(crate) async fn watch(app: AppHandle) {
    let desk = app.state::<Desk>();
    let mut shown = Value::Null;
    let mut changes = None;
    loop {
        if changes.is_none() {
            changes = desk.engine().ok().map(|engine| engine.changes());
        }
        let elsewhere = async {
            match &changes {
                Some(changes) => changes.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = elsewhere => sleep(HANDFUL).await,
            () = desk.changed.notified() => {}
            () = sleep(LOOK_AGAIN) => {}
        }
        if app.get_webview_window(windows::MAIN).is_none() {
            shown = Value::Null;
            continue;
        }
        // What can't be had is told to whoever asks for it.
        let Ok(view) = view::now(&app).map(|view| serde_json::to_value(view).unwrap_or_default()) else {
            continue;
        };
        let timeless = without_time(view.clone());
        if timeless != shown {
            shown = timeless;
            if let Err(why) = app.emit_to(windows::MAIN, "view", view) {
                tracing::warn!("the page could not be told: {why}");
            }
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
