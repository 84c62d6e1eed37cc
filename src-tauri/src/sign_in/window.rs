//! The window of a sign-in: the provider's page and nothing of ours. It has no capability, so no command; its cookies end
//! with it; its title is the address. What it heads to is judged before it is asked for.

use page::{Glimpse, Window};
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tokio::sync::mpsc;
use url::Url;

use super::address::{self, Step};

/// The window's label, which no capability may name.
pub(crate) const LABEL: &str = "sign-in";

const SIZE: (f64, f64) = (480.0, 720.0);

/// Lets a test see into the window, where the provider is on this machine: WebDriver can't see those without cookies.
const PLAIN: &str = "TOKENFERRY_SIGN_IN_PLAIN";

/// The window, closed on drop.
#[derive(Debug)]
struct Opened(WebviewWindow);

impl Drop for Opened {
    fn drop(&mut self) {
        // One that the person has closed is gone already.
        let _ = self.0.destroy();
    }
}

/// Opens the page. `on_loopback` says whether the provider is on this machine, where http will do.
pub(crate) fn open(app: &AppHandle, url: &Url, redirect: &Url, on_loopback: bool) -> tauri::Result<Window> {
    let (glimpses, seen) = mpsc::unbounded_channel();
    let (heads, asks, closes) = (glimpses.clone(), glimpses.clone(), glimpses);
    let redirect = redirect.clone();
    let is_plain = on_loopback && std::env::var_os(PLAIN).is_some_and(|it| it == "1");
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::External(url.clone()))
        .title(title(url))
        .inner_size(SIZE.0, SIZE.1)
        .incognito(!is_plain)
        .on_navigation(move |to| {
            let step = address::step(to, &redirect, on_loopback);
            // Nobody hears it any more where the sign-in is over.
            let _ = match step {
                Step::Answer => heads.send(Glimpse::Answer(to.query().unwrap_or_default().to_owned())),
                Step::Google => heads.send(Glimpse::Google),
                Step::Go | Step::Stay => Ok(()),
            };
            step == Step::Go
        })
        .on_new_window(move |to, _| {
            match address::new_window(&to) {
                Step::Google => drop(asks.send(Glimpse::Google)),
                _ => crate::browser::open(&to),
            }
            NewWindowResponse::Deny
        })
        .on_page_load(move |window, load| {
            if let Err(why) = window.set_title(&title(load.url())) {
                tracing::debug!("the address could not be shown: {why}");
            }
        })
        .build()?;
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) {
            let _ = closes.send(Glimpse::Closed);
        }
    });
    Ok(Window { glimpses: seen, open: Box::new(Opened(window)) })
}

/// Brings the window to the front, if there is one.
pub(crate) fn bring(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.unminimize().and_then(|()| window.set_focus());
    }
}

/// Where the page is, for a person to check.
fn title(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let lock = if url.scheme() == "https" { "https://" } else { "http://" };
    format!("{lock}{host}{port} – Sign in")
}
