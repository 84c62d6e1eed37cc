//! The page: its files, what it asks, and what it is told as it happens. It is the same that the desktop app shows.

mod asking;
mod files;
mod host;
mod live;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use self::files::index;
pub(crate) use self::host::Browser;
pub(crate) use self::live::{Live, tell};
use crate::shared::Shared;

/// The icon, which browsers look for at the root.
pub(crate) fn icon() -> Router<Arc<Shared>> {
    Router::new().route("/favicon.ico", get(files::icon))
}

/// What the page's own script asks for, and its files.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(files::index))
        .route("/assets/{file}", get(files::asset))
        .route("/api/live", get(live::follow))
        .route("/api/{question}", post(asking::ask))
}
