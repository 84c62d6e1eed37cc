//! What can be asked. The endpoints for programs are at the root, whatever the base path, and the whole below that too.

mod asked;
mod door;
mod health;
mod oauth;
mod openapi;
mod problem;
mod standing;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::header::CONTENT_TYPE;

pub(crate) use asked::body;
pub use openapi::openapi;
pub(crate) use problem::Problem;

use crate::desk;
use crate::shared::Shared;

/// All that is answered.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let base = shared.base().to_owned();
    let all = machines().merge(persons()).merge(desk::router());
    let all = match base.as_str() {
        "" => all,
        base => Router::new().nest(base, all).merge(machines()).route(&format!("{base}/"), get(desk::index)),
    };
    all.merge(desk::icon())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::bad_method())
        .with_state(shared)
}

/// The endpoints for programs.
fn machines() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/token", get(token::give))
        .route("/auth/claude/oauth/start", get(oauth::start))
        .route("/auth/claude/oauth/exchange", post(oauth::exchange))
        .route("/auth/claude/oauth/status", get(oauth::status))
        .route("/auth/claude/oauth/refresh", post(oauth::refresh))
        .route("/auth/claude/oauth", delete(oauth::sign_out))
        .route("/status", get(standing::status))
        .route("/metrics", get(standing::metrics))
        .route("/health", get(health::both))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/openapi.json", get(document))
}

/// What a browser meets.
fn persons() -> Router<Arc<Shared>> {
    Router::new()
        .route("/enter", get(door::page))
        .route("/enter.js", get(door::script))
        .route("/enter.css", get(door::style))
        .route("/session", get(door::session).post(door::enter).delete(door::leave))
}

async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi()).into_response()
}
