//! All that the window shows at a glance, as one value for the page. No token is in it.

use engine::status::Status;
use serde::Serialize;
use tauri::{AppHandle, Manager};

use crate::desk::Desk;
use crate::sign_in::SigningIn;
use crate::start_at_login;
use crate::told::Told;

/// What the page draws.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    /// The same that `tokenferry status --json` prints.
    #[serde(flatten)]
    status: Status,
    /// Whether the resident starts at login; none where that can't be set here.
    start_at_login: Option<bool>,
    /// The sign-in that is under way, or has failed.
    signing_in: Option<SigningIn>,
    /// The app's own.
    version: &'static str,
}

/// As it is now.
pub(crate) fn now(app: &AppHandle) -> Result<View, Told> {
    let desk = app.state::<Desk>();
    Ok(View {
        status: desk.engine()?.status()?,
        start_at_login: start_at_login::is_set(),
        signing_in: desk.sign_ins.now(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
