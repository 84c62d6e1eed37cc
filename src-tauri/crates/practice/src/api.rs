//! The API beside its messages: who a token belongs to and what they used, which want a Bearer token and the OAuth beta;
//! and the models, which want an API key.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    OAUTH_BETA,
    options::{Person, Plan},
    record::{api_key, bearer_token},
    refusal::ApiRefusal,
    shared::Shared,
    state::Bearer,
};

/// The `anthropic-version` that every request with an API key has to name.
const API_VERSION: &str = "2023-06-01";

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/oauth/profile", get(profile))
        .route("/api/oauth/usage", get(usage))
        .route("/v1/models", get(models))
}

/// Whose request this is, if its token is good and allowed to do what `scope` covers.
pub(crate) fn bearer(shared: &Shared, headers: &HeaderMap, scope: &str) -> Result<Bearer, ApiRefusal> {
    let token = bearer_token(headers).ok_or_else(|| ApiRefusal::authentication("there is no Bearer token"))?;
    if !betas(headers).any(|beta| beta == OAUTH_BETA) {
        let message = format!("an OAuth token needs the header anthropic-beta: {OAUTH_BETA}");
        return Err(ApiRefusal::authentication(message));
    }
    let inner = shared.lock();
    let bearer = inner.state.bearer(token, inner.now());
    let bearer = bearer.ok_or_else(|| ApiRefusal::authentication("the access token is unknown, or has ended"))?;
    if bearer.scopes.iter().any(|granted| granted == scope) {
        Ok(bearer)
    } else {
        Err(ApiRefusal::permission(format!("the access token lacks the scope {scope}")))
    }
}

/// Whose request this is, if its API key is good.
pub(crate) fn holder(shared: &Shared, headers: &HeaderMap) -> Result<Person, ApiRefusal> {
    let key = api_key(headers).ok_or_else(|| ApiRefusal::authentication("there is no x-api-key"))?;
    // Claude Code sends what its apiKeyHelper prints in both.
    if bearer_token(headers).is_some_and(|token| token != key) {
        return Err(ApiRefusal::authentication("there is another Bearer token beside the x-api-key"));
    }
    let holder = shared.lock().state.holder(key).cloned();
    let holder = holder.ok_or_else(|| ApiRefusal::authentication("the API key is unknown"))?;
    if headers.get("anthropic-version").is_none_or(|version| version != API_VERSION) {
        return Err(ApiRefusal::invalid_request(format!(
            "an API key needs the header anthropic-version: {API_VERSION}"
        )));
    }
    Ok(holder)
}

async fn models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Json<Value>, ApiRefusal> {
    holder(&shared, &headers)?;
    let model = json!({ "type": "model", "id": "practice-1", "display_name": "Practice 1", "created_at": "2026-01-01T00:00:00Z" });
    Ok(Json(json!({ "data": [model], "has_more": false, "first_id": "practice-1", "last_id": "practice-1" })))
}

/// The values of every `anthropic-beta` header, each of which may be a list.
fn betas(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

async fn profile(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Json<Value>, ApiRefusal> {
    let person = bearer(&shared, &headers, "user:profile")?.person;
    Ok(Json(json!({
        "account": {
            "uuid": person.account_uuid,
            "email": person.email,
            "full_name": person.full_name,
            "display_name": person.full_name.split(' ').next(),
            "has_claude_max": person.plan == Plan::Max,
            "has_claude_pro": person.plan == Plan::Pro,
        },
        "organization": {
            "uuid": person.organization_uuid,
            "name": person.organization_name,
            "organization_type": person.plan.organization_type(),
            "rate_limit_tier": person.plan.rate_limit_tier(),
        },
    })))
}

async fn usage(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Json<Value>, ApiRefusal> {
    bearer(&shared, &headers, "user:profile")?;
    let now = shared.now();
    let window = |utilization: f64, hours| {
        let resets_at = now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now);
        json!({ "utilization": utilization, "resets_at": resets_at.to_string() })
    };
    Ok(Json(json!({ "five_hour": window(12.0, 5), "seven_day": window(34.0, 7 * 24) })))
}
