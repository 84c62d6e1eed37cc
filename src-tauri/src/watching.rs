//! Tells the window's page whenever anything changed.

use page::Desk;
use tauri::{AppHandle, Emitter, Manager};

use crate::windows;

/// Goes on until the app ends.
pub(crate) async fn watch(app: AppHandle) {
    let desk = app.state::<Desk>();
    let mut watching = desk.watch();
    loop {
        let view = watching.next(|| app.get_webview_window(windows::MAIN).is_some()).await;
        if let Err(why) = app.emit_to(windows::MAIN, "view", view) {
            tracing::warn!("the page could not be told: {why}");
        }
    }
}
