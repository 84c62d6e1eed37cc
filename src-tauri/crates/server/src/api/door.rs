//! The door for persons: a link's key is traded for a session, once; the session says its other secret to its own page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, asked};
use crate::gate::{Caller, cookie, no_cookie};
use crate::shared::Shared;

/// The page of a link. The key comes behind the `#`, which no browser sends to anybody; its script shows it here.
const ENTER: &str = include_str!("enter.html");
const SCRIPT: &str = include_str!("enter.js");
const STYLE: &str = include_str!("enter.css");

/// What a link holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entering {
    /// The key behind the link's `#`.
    #[schema(example = "tfl_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789a")]
    key: String,
}

/// A session, as its own page sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// To be sent with each change as X-CSRF-Token.
    csrf_token: String,
}

pub(crate) async fn page() -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], ENTER).into_response()
}

pub(crate) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

pub(crate) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Trades a link's key for a session: its cookie, and its CSRF token. A link is good once, for ten minutes.
#[utoipa::path(
    post, path = "/session", tag = "session", security(()),
    request_body = Entering,
    responses(
        (status = 200, description = "Let in; the cookie is set", body = Session),
        (status = 400, description = "The body can't be understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The link was used, or is too old", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn enter(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Entering { key } = asked::body(&headers, &body)?;
    let session = shared.engine.let_in(key.trim())?.ok_or_else(Problem::link_over)?;
    let answer = Json(Session { csrf_token: session.beside().expose().to_owned() });
    let cookie = cookie(&session, shared.base(), shared.is_secure());
    Ok(([(SET_COOKIE, cookie.ok_or_else(Problem::not_found)?)], answer).into_response())
}

/// The CSRF token of the session whose cookie is shown.
#[utoipa::path(
    get, path = "/session", tag = "session", security(("session" = [])),
    responses(
        (status = 200, description = "The session", body = Session),
        (status = 401, description = "No session", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn session(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Json<Session>, Problem> {
    let person = Caller::person(&headers, &shared.engine)?.ok_or_else(Problem::not_let_in)?;
    Ok(Json(Session { csrf_token: person.session().beside().expose().to_owned() }))
}

/// Ends the session.
#[utoipa::path(
    delete, path = "/session", tag = "session", security(("session" = [], "csrf" = [])),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "No session", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The CSRF token is missing", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn leave(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Problem> {
    let person = Caller::person(&headers, &shared.engine)?.ok_or_else(Problem::not_let_in)?;
    person.changes()?;
    shared.engine.end_session(person.session())?;
    let cookie = no_cookie(shared.base()).ok_or_else(Problem::not_found)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}
