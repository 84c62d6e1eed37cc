//! Signing in and out, and renewing.

use engine::Goodbye;
use engine::credentials::Kind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tauri::{AppHandle, State};

use super::{Answer, Gone};
use crate::desk::Desk;
use crate::sign_in::{self, Way};

/// Begins a sign-in; its phases come in the view.
#[tauri::command]
pub(crate) async fn sign_in(app: AppHandle, account: String, way: Way) -> Answer<()> {
    sign_in::begin(&app, account.parse()?, way)
}

/// Hands over the code that a page has shown.
#[tauri::command]
pub(crate) async fn sign_in_paste(desk: State<'_, Desk>, code: String) -> Answer<()> {
    desk.sign_ins.paste(code)
}

/// Says whether what was there is to be replaced.
#[tauri::command]
pub(crate) async fn sign_in_replace(desk: State<'_, Desk>, yes: bool) -> Answer<()> {
    desk.sign_ins.replace(yes)
}

/// Gives a sign-in up, or forgets that one has failed.
#[tauri::command]
pub(crate) async fn sign_in_cancel(desk: State<'_, Desk>) -> Answer<()> {
    desk.sign_ins.cancel();
    Ok(())
}

/// Renews at once.
#[tauri::command]
pub(crate) async fn refresh(desk: State<'_, Desk>, account: String) -> Answer<()> {
    desk.engine()?.refresh(&account.parse()?).await?;
    Ok(())
}

/// What became of signing out.
#[derive(Debug, Serialize)]
pub(crate) struct SignedOut {
    text: String,
    /// What could not be reached, or lives on; a sentence or two each.
    left: Vec<String>,
}

/// Signs out, and takes every copy away.
#[tauri::command]
pub(crate) async fn sign_out(desk: State<'_, Desk>, account: String) -> Answer<SignedOut> {
    let goodbye = desk.engine()?.sign_out(&account.parse()?).await?;
    Ok(told(&account, &goodbye))
}

fn told(account: &str, goodbye: &Goodbye) -> SignedOut {
    let gone = goodbye.copies.iter().map(Gone::from);
    let mut left: Vec<String> = gone.filter(|it| !it.reached).map(|it| it.text).collect();
    if goodbye.unreadable.is_some() {
        let text = "The sign-in could not be read any more, so Claude was not told. There it ends by itself.";
        left.push(text.to_owned());
    }
    if let Some((kind, ends)) = goodbye.outlived {
        left.push(outlived(kind, ends));
    }
    let text = match &goodbye.untold {
        None => format!("Signed out {account}."),
        Some(why) => format!("Signed out {account} here, but not at Claude yet. {why} Tokenferry tries again."),
    };
    SignedOut { text, left }
}

fn outlived(kind: Kind, ends: Option<Timestamp>) -> String {
    match ends {
        Some(ends) => {
            let ends = engine::status::moment(ends, Timestamp::now(), &TimeZone::system());
            format!(
                "Claude does not end {} before its time: whoever has it can use it until {ends}.",
                kind.with_article()
            )
        }
        None => format!("Claude still takes the {kind}: delete it in the Claude Console where nobody needs it."),
    }
}
