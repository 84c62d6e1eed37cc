//! The control interface: what [`crate::Practice`] offers in process, over HTTP and in JSON. Served only when asked
//! for, since it hands out every secret.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /practice/record` | `{"entries": [..], "sign_ins": [..]}`, see [`crate::Entry`] and [`crate::SignIn`] |
//! | `DELETE /practice/record` | forgets the entries; sign-ins and secrets stay |
//! | `GET /practice/secrets` | `{"secrets": [..]}`: every token, code and verifier issued or received |
//! | `POST /practice/fault` | asks for a [`Fault`] |
//! | `GET /practice/fault` | the faults that wait |
//! | `DELETE /practice/fault` | forgets them |
//! | `POST /practice/options` | changes the [`Options`] that it names, leaves the others, and gives all |
//! | `GET /practice/options` | the options in force |

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::Response,
    routing::get,
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    faults::Fault,
    options::Options,
    refusal::{ApiRefusal, uncached},
    shared::Shared,
};

/// Requests below this are about the provider, so they are neither recorded nor spoiled.
pub(crate) const PREFIX: &str = "/practice/";

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/practice/record", get(record).delete(clear_record))
        .route("/practice/secrets", get(secrets))
        .route("/practice/fault", get(faults).post(add_fault).delete(clear_faults))
        .route("/practice/options", get(options).post(change_options))
}

async fn record(State(shared): State<Arc<Shared>>) -> Response {
    let inner = shared.lock();
    let sign_ins = inner.state.sign_ins(inner.now());
    uncached(Json(json!({ "entries": inner.record.entries(), "sign_ins": sign_ins })))
}

async fn clear_record(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.lock().record.clear();
    StatusCode::NO_CONTENT
}

async fn secrets(State(shared): State<Arc<Shared>>) -> Response {
    let secrets = shared.lock().secrets();
    uncached(Json(json!({ "secrets": secrets })))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Response {
    let inner = shared.lock();
    let waiting: Vec<&Fault> = inner.faults.waiting().collect();
    uncached(Json(json!({ "faults": waiting })))
}

async fn add_fault(
    State(shared): State<Arc<Shared>>,
    fault: Result<Json<Fault>, JsonRejection>,
) -> Result<StatusCode, ApiRefusal> {
    let Json(fault) = fault.map_err(|rejection| ApiRefusal::invalid_request(rejection.body_text()))?;
    shared.lock().faults.push(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.lock().faults.clear();
    StatusCode::NO_CONTENT
}

async fn options(State(shared): State<Arc<Shared>>) -> Json<Options> {
    Json(shared.lock().options.clone())
}

async fn change_options(
    State(shared): State<Arc<Shared>>,
    changes: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<Options>, ApiRefusal> {
    let Json(changes) = changes.map_err(|rejection| ApiRefusal::invalid_request(rejection.body_text()))?;
    let mut inner = shared.lock();
    let changed = overlay(&inner.options, changes).map_err(|error| ApiRefusal::invalid_request(error.to_string()))?;
    inner.options = changed.clone();
    Ok(Json(changed))
}

/// The options with some of them changed.
fn overlay(options: &Options, changes: Map<String, Value>) -> Result<Options, serde_json::Error> {
    let mut all: Map<String, Value> = serde_json::from_value(serde_json::to_value(options)?)?;
    all.extend(changes);
    serde_json::from_value(Value::Object(all))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::overlay;
    use crate::options::Options;

    #[test]
    fn options_change_one_by_one_and_unknown_ones_are_refused() {
        let changes = |json: Value| json.as_object().unwrap().clone();
        let changed = overlay(&Options::default(), changes(json!({ "access_token_lifetime": "2s" }))).unwrap();
        let expected = Options { access_token_lifetime: Duration::from_secs(2), ..Options::default() };
        assert_eq!(changed, expected);
        let error = overlay(&Options::default(), changes(json!({ "lifetime": "2s" }))).unwrap_err();
        assert!(error.to_string().contains("lifetime"), "{error}");
    }
}
