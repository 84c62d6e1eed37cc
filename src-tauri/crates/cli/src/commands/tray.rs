//! `tray`: the resident of Linux. Elsewhere the desktop app is the resident.

use engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::outcome::{Failure, Outcome};

/// Keeps everything fresh and shows it in the panel, until stopped or quit.
#[cfg(target_os = "linux")]
pub(super) async fn keep(engine: &Engine, json: bool, stop: CancellationToken) -> Result<Outcome, Failure> {
    tray::run(engine, stop, |event| super::run::tell(event, json)).await?;
    Ok(Outcome::Done)
}

/// Says who does that here.
#[cfg(not(target_os = "linux"))]
pub(super) async fn keep(_: &Engine, _: bool, _: CancellationToken) -> Result<Outcome, Failure> {
    Err(Failure::Declined {
        what: "On this system the desktop app is the icon in the menu bar.".to_owned(),
        fix: "Start Tokenferry itself, or keep everything fresh in a terminal with `tokenferry run`.".to_owned(),
    })
}
