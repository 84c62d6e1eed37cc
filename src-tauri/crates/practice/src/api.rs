//! The API's OAuth part: who a token belongs to, and what they used. Each wants a Bearer token and the OAuth beta.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{OAUTH_BETA, options::Plan, record::bearer_token, refusal::ApiRefusal, shared::Shared, state::Bearer};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/api/oauth/profile", get(profile)).route("/api/oauth/usage", get(usage))
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
