//! `/auth/claude/oauth/…`: signing in, and how an account stands, for pages and scripts of others such as LiteLLM's.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use bytes::Bytes;
use engine::account::AccountName;
use engine::credentials::Credentials;
use engine::grants::Scope;
use engine::journal::Stage;
use engine::provider::Wanted;
use engine::sign_in::Callback;
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, asked};
use crate::shared::{Peer, Shared};

/// So many sign-ins may wait for their code at once; each lies in the vault.
const MOST_WAITING: usize = 20;

/// A sign-in that was begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct Started {
    /// The page on which a person signs in. It shows a code then.
    #[schema(example = "https://claude.ai/oauth/authorize?code=true")]
    authorization_url: String,
    /// Names the sign-in; it is good for ten minutes.
    state: String,
}

/// What a person was shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The code; `CODE#STATE` as the page shows it will do.
    #[schema(example = "abc123")]
    code: String,
    /// The state that `start` gave.
    #[schema(example = "xyz789")]
    state: String,
    /// Replace what else, or who else, is kept under the name.
    #[serde(default)]
    replace: bool,
}

/// It is done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true; what failed is a problem.
    #[schema(example = true)]
    success: bool,
    /// Whole seconds until the access token ends; `null` where it has no end.
    #[schema(example = 28800)]
    expires_in: Option<i64>,
}

/// How an account stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Authenticated {
    /// Whether there is a token that is good now.
    authenticated: bool,
    /// Whole seconds until it ends; 0 where there is none, `null` where it has no end.
    #[schema(example = 28800)]
    expires_in: Option<i64>,
    /// Whether it is due to be renewed. That happens by itself.
    needs_refresh: bool,
}

/// What became of signing out.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// Whether it was ended at Claude, and every copy taken away. What is left is tried again.
    success: bool,
    /// Copies that could not be taken away yet.
    copies_left: usize,
    /// Whether Claude was told.
    provider_told: bool,
}

/// Begins a sign-in. It is a change, so a person's session needs its CSRF token too.
#[utoipa::path(
    get, path = "/auth/claude/oauth/start", tag = "sign-in", security(("grant" = []), ("session" = [], "csrf" = [])),
    params(("account" = Option<String>, Query, description = "Under which name it is kept", example = "default")),
    responses(
        (status = 200, description = "Begun", body = Started),
        (status = 400, description = "The query can't be understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that, or the CSRF token is missing", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often, or too many wait", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Started>, Problem> {
    let caller = shared.caller(&headers, peer)?;
    caller.may(Scope::SignIn)?;
    let account = caller.new_account(&shared.engine, asked::account(&uri)?)?;
    if shared.engine.waiting_sign_ins()? >= MOST_WAITING {
        return Err(Problem::too_many_waiting());
    }
    let (pending, url) = shared.engine.begin_pasted_sign_in(account, Wanted::SignIn).await?;
    Ok(Json(Started { authorization_url: url.into(), state: pending.state.expose().to_owned() }))
}

/// Finishes a sign-in with its code.
#[utoipa::path(
    post, path = "/auth/claude/oauth/exchange", tag = "sign-in", security(("grant" = []), ("session" = [], "csrf" = [])),
    request_body = Exchange,
    responses(
        (status = 200, description = "Signed in", body = Done),
        (status = 400, description = "No sign-in waits for this code, or Claude does not take it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that, or the CSRF token is missing", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else is signed in under this name", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn exchange(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let (engine, caller) = (&shared.engine, shared.caller(&headers, peer)?);
    caller.may(Scope::SignIn)?;
    let named = asked::account(&uri)?;
    let Exchange { code, state, replace } = asked::body(&headers, &body)?;
    let code = code.trim();
    let code = code.strip_suffix(&format!("#{state}")).unwrap_or(code);
    let callback = Callback::pasted(&format!("{code}#{state}")).map_err(engine::Error::from)?;
    let waiting = engine.waits_for(&callback)?.ok_or(engine::Error::NotPending)?;
    // Neither a grant's nor a page's request finishes what was begun for another account.
    if caller.new_account(engine, named.or_else(|| Some(waiting.clone())))? != waiting {
        return Err(engine::Error::NotPending.into());
    }
    let pending = engine.take_pending(&callback).await?;
    let obtained = engine.obtain(pending, &callback.code).await?;
    if obtained.replaces().is_some() && !replace {
        if let Err(why) = engine.discard(obtained).await {
            tracing::warn!("a sign-in that was turned down could not be ended: {why}");
        }
        return Err(Problem::somebody_else());
    }
    shared.broker.forget(&waiting);
    let kept = engine.keep(obtained).await?;
    shared.broker.forget(&waiting);
    Ok(Json(done(&kept, engine.now())))
}

/// How an account stands.
#[utoipa::path(
    get, path = "/auth/claude/oauth/status", tag = "status", security(("grant" = []), ("session" = [])),
    params(("account" = Option<String>, Query, description = "Which; may be left out where there is one, and with a grant", example = "default")),
    responses(
        (status = 200, description = "How it stands", body = Authenticated),
        (status = 400, description = "The query can't be understood, or several accounts are there", body = Problem, content_type = "application/problem+json"),
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
) -> Result<Json<Authenticated>, Problem> {
    let (engine, caller) = (&shared.engine, shared.caller(&headers, peer)?);
    caller.may(Scope::Status)?;
    let account = caller.new_account(engine, asked::account(&uri)?)?;
    let row = engine.accounts()?.into_iter().find(|row| row.name == account && row.stage == Stage::Kept);
    let Some(row) = row else {
        return Ok(Json(Authenticated { authenticated: false, expires_in: Some(0), needs_refresh: false }));
    };
    let now = engine.now();
    Ok(Json(Authenticated {
        authenticated: row.access_token_ends > now,
        expires_in: left(row.ends(), now),
        needs_refresh: engine.is_due(&row),
    }))
}

/// Renews the account's token at once, due or not.
#[utoipa::path(
    post, path = "/auth/claude/oauth/refresh", tag = "sign-in", security(("grant" = []), ("session" = [], "csrf" = [])),
    params(("account" = Option<String>, Query, description = "Which; may be left out where there is one, and with a grant", example = "default")),
    responses(
        (status = 200, description = "Renewed", body = Done),
        (status = 400, description = "The query can't be understood, or several accounts are there", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that, or the CSRF token is missing", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody has to sign in, or there is nothing to renew", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Done>, Problem> {
    let account = to_change(&shared, peer, &uri, &headers)?;
    let renewed = shared.engine.refresh(&account).await?;
    shared.broker.forget(&account);
    Ok(Json(done(&renewed, shared.engine.now())))
}

/// Signs the account out: at Claude, here, and wherever a copy lies.
#[utoipa::path(
    delete, path = "/auth/claude/oauth", tag = "sign-in", security(("grant" = []), ("session" = [], "csrf" = [])),
    params(("account" = Option<String>, Query, description = "Which; may be left out where there is one, and with a grant", example = "default")),
    responses(
        (status = 200, description = "Signed out, and what is left to be done", body = SignedOut),
        (status = 400, description = "The query can't be understood, or several accounts are there", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody who may ask", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The grant doesn't allow that, or the CSRF token is missing", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign_out(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<SignedOut>, Problem> {
    let account = to_change(&shared, peer, &uri, &headers)?;
    shared.broker.forget(&account);
    let goodbye = shared.engine.sign_out(&account).await;
    // Once more: somebody may have asked while it was still good.
    shared.broker.forget(&account);
    let goodbye = goodbye?;
    let copies_left = goodbye.copies.iter().filter(|copy| copy.result.is_err()).count();
    let provider_told = goodbye.untold.is_none() && goodbye.unreadable.is_none();
    Ok(Json(SignedOut { success: copies_left == 0 && provider_told, copies_left, provider_told }))
}

/// The account that a change is about.
fn to_change(
    shared: &Shared,
    peer: Option<std::net::IpAddr>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<AccountName, Problem> {
    let caller = shared.caller(headers, peer)?;
    caller.may(Scope::SignIn)?;
    caller.account(&shared.engine, asked::account(uri)?)
}

fn done(kept: &Credentials, now: Timestamp) -> Done {
    Done { success: true, expires_in: left(kept.ends(), now) }
}

/// Whole seconds until then.
fn left(ends: Option<Timestamp>, now: Timestamp) -> Option<i64> {
    ends.map(|ends| ends.duration_since(now).as_secs().max(0))
}
