//! What a person chooses.

use engine::settings::Switch;
use tauri::State;
use url::Url;

use super::Answer;
use crate::desk::Desk;
use crate::sign_in::is_for_the_browser;
use crate::told::Told;
use crate::{browser, start_at_login};

/// Whether nothing is delivered by itself for now.
#[tauri::command]
pub(crate) async fn set_paused(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    Ok(desk.engine()?.turn(Switch::Paused, on).await?)
}

/// Whether no notices are shown.
#[tauri::command]
pub(crate) async fn set_quiet(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    Ok(desk.engine()?.turn(Switch::Quiet, on).await?)
}

/// Whether the resident starts when the person logs in.
#[tauri::command]
pub(crate) async fn set_start_at_login(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    start_at_login::set(on)?;
    desk.changed.notify_one();
    Ok(())
}

/// Opens an address in the browser.
#[tauri::command]
pub(crate) async fn open_url(url: String) -> Answer<()> {
    match Url::parse(&url).ok().filter(is_for_the_browser) {
        Some(url) => browser::open(&url),
        None => return Err(Told::new("bad_address", "That is no address for a browser.", "")),
    }
    Ok(())
}
