//! What there is to see: the view, what happened, what is wrong.

use engine::doctor::Finding;
use engine::journal::Event;
use engine::provider::UsageWindow;
use serde::Serialize;
use tauri::{AppHandle, Emitter, State};

use super::Answer;
use crate::desk::Desk;
use crate::view::{self, View};
use crate::windows;

/// The most events that a page shows.
const MOST: u32 = 500;

/// All that the window shows at a glance.
#[tauri::command]
pub(crate) async fn view(app: AppHandle, desk: State<'_, Desk>) -> Answer<View> {
    if let Some(page) = desk.take_page() {
        app.emit_to(windows::MAIN, "page", page)?;
    }
    view::now(&app)
}

/// What happened, the newest last.
#[tauri::command]
pub(crate) async fn activity(desk: State<'_, Desk>, most: u32) -> Answer<Vec<Event>> {
    Ok(desk.engine()?.activity(most.min(MOST))?)
}

/// How much of its plan an account has used.
#[tauri::command]
pub(crate) async fn usage(desk: State<'_, Desk>, account: String) -> Answer<Vec<UsageWindow>> {
    Ok(desk.engine()?.usage(&account.parse()?).await?)
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    code: &'static str,
    what: String,
    why: String,
    fix: String,
    can_mend: bool,
}

/// All that is wrong, the worst first.
#[tauri::command]
pub(crate) async fn problems(desk: State<'_, Desk>) -> Answer<Vec<Problem>> {
    let examination = desk.engine()?.examine().await;
    let told = |finding: Finding| Problem {
        can_mend: finding.is_fixable(),
        code: finding.code,
        what: finding.what,
        why: finding.why,
        fix: finding.fix,
    };
    Ok(examination.findings.into_iter().map(told).collect())
}

/// What was done about it.
#[derive(Debug, Serialize)]
pub(crate) struct Mended {
    what: String,
    text: String,
}

/// Mends what can be mended without harm.
#[tauri::command]
pub(crate) async fn mend(desk: State<'_, Desk>) -> Answer<Vec<Mended>> {
    let engine = desk.engine()?;
    let found = engine.examine().await.findings;
    let told = |done: engine::Mended| match done.trouble {
        None => Mended { text: format!("Mended: {}.", done.what), what: done.what },
        Some(trouble) => {
            Mended { text: format!("Could not {}. {} {}", done.what, trouble.what, trouble.fix), what: done.what }
        }
    };
    Ok(engine.mend(&found).await.into_iter().map(told).collect())
}
