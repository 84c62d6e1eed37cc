//! `GET /health`: whether the process lives, and whether it does its work. Open to everybody, and tells nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;
use crate::shared::Shared;

/// How the process is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// It answers.
    live: bool,
    /// It does its work: its state can be used, and everything is kept fresh.
    ready: bool,
}

/// Live and ready. Not ready is 503.
#[utoipa::path(
    get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "Live and ready", body = Health), (status = 503, description = "Live, and not ready", body = Health)),
)]
pub(crate) async fn both(State(shared): State<Arc<Shared>>) -> Response {
    let ready = shared.is_ready().is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Health { live: true, ready })).into_response()
}

/// Live: the process answers. Where it doesn't, start it anew.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, description = "Live", body = Health)))]
pub(crate) async fn live(State(shared): State<Arc<Shared>>) -> Json<Health> {
    Json(Health { live: true, ready: shared.is_ready().is_ok() })
}

/// Ready: the work is done. Where it isn't, wait.
#[utoipa::path(
    get, path = "/health/ready", tag = "health", security(()),
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "Not ready, and why", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Result<Json<Health>, Problem> {
    shared.is_ready()?;
    Ok(Json(Health { live: true, ready: true }))
}
