//! `GET /v1/token`: the broker's only answer that holds a secret, for programs with a grant.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use engine::grants::Scope;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderValue, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, asked};
use crate::shared::{Peer, Shared};

/// The answer's length, in bytes, with some to spare.
const AS_A_RULE: usize = 384;

/// A token for a program. The names are those of RFC 6749 section 5.1.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer<'a> {
    /// The access token, or the API key. Never a refresh token.
    pub(crate) access_token: &'a str,
    /// How it is shown to the API: `Bearer` in `Authorization`, or an `ApiKey` in `x-api-key`.
    #[schema(example = "Bearer")]
    pub(crate) token_type: &'static str,
    /// Whole seconds that it is good for; `null` for an API key, which has no end.
    #[schema(example = 27000)]
    pub(crate) expires_in: Option<i64>,
    /// Whose.
    #[schema(example = "default")]
    pub(crate) account: &'a str,
}

/// The token of the grant's account: good for a while, and renewed first where that is due.
#[utoipa::path(
    get, path = "/v1/token", tag = "token", security(("grant" = [])),
    params(("account" = Option<String>, Query, description = "The grant's own account; may be left out", example = "default")),
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "The query can't be understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No grant", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody has to sign in", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn give(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match given(&shared, peer, &uri, &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn given(shared: &Shared, peer: Option<IpAddr>, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let machine = shared.machines.admit(headers, peer, shared.engine.now())?;
    machine.may(Scope::Token)?;
    let named = asked::account(uri)?;
    let held = shared.broker.token(&shared.engine, machine.account(named.as_ref())?).await?;
    shared.machines.used(&machine);
    let answer = TokenAnswer {
        access_token: held.token.expose(),
        token_type: if held.kind == engine::credentials::Kind::ApiKey { "ApiKey" } else { "Bearer" },
        expires_in: held.left(shared.engine.now()),
        account: held.account.as_str(),
    };
    let mut body = Vec::with_capacity(AS_A_RULE);
    serde_json::to_writer(&mut body, &answer).map_err(|_| Problem::not_ready("The token can't be written."))?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}
