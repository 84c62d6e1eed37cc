//! `GET /status` and `GET /metrics`: how things stand, for persons and for grants that allow it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use engine::grants::Scope;
use engine::status::Status;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};

use super::{Problem, asked};
use crate::gate::Caller;
use crate::shared::{Peer, Shared};

/// How Prometheus is told what it reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every account and destination: state, ends, next step; as `tokenferry status --json` has it. A grant sees its own
/// account's.
#[utoipa::path(
    get, path = "/status", tag = "status", security(("grant" = []), ("session" = [])),
    params(("account" = Option<String>, Query, description = "Only this account and its destinations", example = "default")),
    responses(
        (status = 200, description = "How things stand", body = Object),
        (status = 400, description = "The query can't be understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn status(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Status>, Problem> {
    let caller = shared.caller(&headers, peer)?;
    caller.may(Scope::Status)?;
    let named = asked::account(&uri)?;
    if let (Caller::Machine(machine), Some(_)) = (&caller, &named) {
        machine.account(named.as_ref())?;
    }
    let sees = |account: &str| caller.sees(account) && named.as_ref().is_none_or(|named| named.as_str() == account);
    let mut status = shared.engine.status()?;
    status.accounts.retain(|it| sees(&it.name));
    status.destinations.retain(|it| sees(&it.account));
    status.copies_left.retain(|it| sees(&it.account));
    Ok(Json(status))
}

/// The same for Prometheus, with what was counted: events by kind, requests; and how long requests, renewals and deliveries
/// took.
#[utoipa::path(
    get, path = "/metrics", tag = "status", security(("grant" = []), ("session" = [])),
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn metrics(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = shared.caller(&headers, peer)?;
    caller.may(Scope::Status)?;
    let status = shared.engine.status()?;
    let told = shared.meters.told(&status, |account| caller.sees(account));
    let text = told.map_err(|_| Problem::not_ready("The metrics can't be written."))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
