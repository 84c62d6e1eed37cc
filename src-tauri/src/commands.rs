//! What the page may ask for: the desk's answers, by the names that the window's capability allows.

use page::{Answer, Delivered, Desk, Found, Gone, Mended, Problem, SignedOut, View, Way};
use tauri::{AppHandle, State};

use engine::discovery::UsedBy;
use engine::journal::Event;
use engine::provider::UsageWindow;

use crate::windows;

#[tauri::command]
pub(crate) async fn view(app: AppHandle, desk: State<'_, Desk>) -> Answer<View> {
    windows::show_first_page(&app)?;
    desk.view()
}

#[tauri::command]
pub(crate) async fn activity(desk: State<'_, Desk>, most: u32) -> Answer<Vec<Event>> {
    desk.activity(most)
}

#[tauri::command]
pub(crate) async fn usage(desk: State<'_, Desk>, account: String) -> Answer<Vec<UsageWindow>> {
    desk.usage(&account).await
}

#[tauri::command]
pub(crate) async fn used_by(desk: State<'_, Desk>, destination: String) -> Answer<Vec<UsedBy>> {
    desk.used_by(&destination).await
}

#[tauri::command]
pub(crate) async fn discover(desk: State<'_, Desk>) -> Answer<Found> {
    desk.discover().await
}

#[tauri::command]
pub(crate) async fn approve(
    desk: State<'_, Desk>,
    engine: String,
    name: String,
    account: Option<String>,
) -> Answer<String> {
    desk.approve(&engine, &name, account.as_deref()).await
}

#[tauri::command]
pub(crate) async fn add_volume(
    desk: State<'_, Desk>,
    name: String,
    volume: String,
    engine: Option<String>,
    account: Option<String>,
) -> Answer<String> {
    desk.add_volume(&name, &volume, engine.as_deref(), account.as_deref()).await
}

#[tauri::command]
pub(crate) async fn add_directory(
    desk: State<'_, Desk>,
    name: String,
    directory: String,
    account: Option<String>,
) -> Answer<String> {
    desk.add_directory(&name, &directory, account.as_deref()).await
}

#[tauri::command]
pub(crate) async fn remove_destination(desk: State<'_, Desk>, name: String) -> Answer<Vec<Gone>> {
    desk.remove_destination(&name).await
}

#[tauri::command]
pub(crate) async fn sync(desk: State<'_, Desk>, names: Vec<String>) -> Answer<Vec<Delivered>> {
    desk.sync(&names).await
}

#[tauri::command]
pub(crate) async fn snippet(desk: State<'_, Desk>, destination: String) -> Answer<String> {
    desk.snippet(&destination)
}

#[tauri::command]
pub(crate) async fn refresh(desk: State<'_, Desk>, account: String) -> Answer<()> {
    desk.refresh(&account).await
}

#[tauri::command]
pub(crate) async fn sign_out(desk: State<'_, Desk>, account: String) -> Answer<SignedOut> {
    desk.sign_out(&account).await
}

#[tauri::command]
pub(crate) async fn sign_in(desk: State<'_, Desk>, account: String, way: Way) -> Answer<()> {
    desk.sign_in(&account, way)
}

#[tauri::command]
pub(crate) async fn sign_in_paste(desk: State<'_, Desk>, code: String) -> Answer<()> {
    desk.sign_in_paste(code)
}

#[tauri::command]
pub(crate) async fn sign_in_replace(desk: State<'_, Desk>, yes: bool) -> Answer<()> {
    desk.sign_in_replace(yes)
}

#[tauri::command]
pub(crate) async fn sign_in_cancel(desk: State<'_, Desk>) -> Answer<()> {
    desk.sign_in_cancel();
    Ok(())
}

#[tauri::command]
pub(crate) async fn problems(desk: State<'_, Desk>) -> Answer<Vec<Problem>> {
    desk.problems().await
}

#[tauri::command]
pub(crate) async fn mend(desk: State<'_, Desk>) -> Answer<Vec<Mended>> {
    desk.mend().await
}

#[tauri::command]
pub(crate) async fn set_paused(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    desk.set_paused(on).await
}

#[tauri::command]
pub(crate) async fn set_quiet(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    desk.set_quiet(on).await
}

#[tauri::command]
pub(crate) async fn set_start_at_login(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    desk.set_start_at_login(on)
}

#[tauri::command]
pub(crate) async fn open_url(desk: State<'_, Desk>, url: String) -> Answer<()> {
    desk.open_url(&url)
}
