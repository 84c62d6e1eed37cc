//! The system's browser.

use page::is_for_the_browser;
use url::Url;

/// Opens an address there, if it is one of the web. Returns at once; that there is no browser is seen by the person.
pub(crate) fn open(url: &Url) {
    if !is_for_the_browser(url) {
        return;
    }
    let url = url.clone();
    // Some browsers hold up who starts them.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(why) = webbrowser::open(url.as_str()) {
            tracing::warn!("no browser could be opened: {why}");
        }
    });
}
