//! The app's own window: made hidden, shown when its page has loaded, and brought to the front when asked for again.

use std::sync::{Mutex, PoisonError};

use page::{Answer, Desk, Page, Told};
use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};

use crate::sign_in;

/// The window's label, which the capability names.
pub(crate) const MAIN: &str = "main";

const SIZE: (f64, f64) = (420.0, 640.0);
const SMALLEST: (f64, f64) = (360.0, 480.0);

/// The page to show at first, once.
#[derive(Debug)]
pub(crate) struct FirstPage(pub(crate) Mutex<Option<Page>>);

/// Tells the page which one of it to show at first, where that was not told before.
pub(crate) fn show_first_page(app: &AppHandle) -> Answer<()> {
    let first = app.state::<FirstPage>().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(page) = first else { return Ok(()) };
    app.emit_to(MAIN, "page", page).map_err(|why| {
        Told::new("window", format_args!("The window could not be opened: {why}."), "Start Tokenferry again.")
    })
}

/// Shows the window, with this page if one is named.
pub(crate) fn show(app: &AppHandle, page: Option<Page>) -> tauri::Result<()> {
    match app.get_webview_window(MAIN) {
        Some(window) => {
            bring(&window);
            if let Some(page) = page {
                app.emit_to(MAIN, "page", page)?;
            }
            Ok(())
        }
        None => open(app, page),
    }
}

/// Brings the window to the front, if it is there.
pub(crate) fn bring_main(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        bring(&window);
    }
}

fn bring(window: &WebviewWindow) {
    // What a window manager refuses is its own affair.
    let _ = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
}

fn open(app: &AppHandle, page: Option<Page>) -> tauri::Result<()> {
    // The page's listeners are not there yet, so what it shows at first is in its address.
    let address = page.map_or_else(|| "index.html".to_owned(), |page| format!("index.html#{}", page.word()));
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(address.into()))
        .title("Tokenferry")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .resizable(true)
        .visible(false)
        .on_navigation(is_ours)
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                bring(&window);
                // That of a sign-in may have been quicker, and is what the person has to look at.
                sign_in::window::bring(window.app_handle());
            }
        })
        .build()?;
    let app = app.clone();
    window.on_window_event(move |event| {
        // A sign-in is nothing that goes on behind a person's back.
        if matches!(event, WindowEvent::Destroyed) {
            app.state::<Desk>().sign_in_cancel();
        }
    });
    Ok(())
}

/// The app's own pages, and nothing of the web.
fn is_ours(to: &tauri::Url) -> bool {
    match (to.scheme(), to.host_str()) {
        ("tauri", Some("localhost")) => true,
        ("http" | "https", Some("tauri.localhost")) => true,
        ("about", None) => to.as_str() == "about:blank",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn the_window_stays_with_the_app() {
        for good in ["tauri://localhost/index.html#add", "http://tauri.localhost/", "about:blank"] {
            assert!(is_ours(&good.parse().unwrap()), "{good}");
        }
        for bad in ["https://claude.com/", "http://localhost:1/", "tauri://elsewhere/", "file:///etc/passwd", "data:,"]
        {
            assert!(!is_ours(&bad.parse().unwrap()), "{bad}");
        }
    }
}
