//! What the page asks: `POST /api/QUESTION` with its fields as JSON, by a person, from the server's own page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use engine::account::AccountName;
use http::{HeaderMap, StatusCode};
use page::{Ask, Told};
use serde_json::{Map, Value};

use crate::api::{Problem, body};
use crate::gate::Caller;
use crate::shared::Shared;

/// The field that names the question; the path does here.
const ASK: &str = "ask";

pub(super) async fn ask(
    State(shared): State<Arc<Shared>>,
    Path(question): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Json<Value>, Problem> {
    let person = Caller::person(&headers, &shared.engine)?.ok_or_else(Problem::not_let_in)?;
    person.changes()?;
    let mut fields: Map<String, Value> = body(&headers, &bytes)?;
    if fields.insert(ASK.to_owned(), Value::String(question)).is_some() {
        return Err(Problem::bad_request("The path names the question."));
    }
    // Its own words would quote what was sent, which may be a code.
    let ask: Ask = serde_json::from_value(Value::Object(fields))
        .map_err(|_| Problem::bad_request("There is no such question, or it has other fields."))?;
    let ends = ends(&ask);
    if let Some(account) = &ends {
        shared.broker.forget(account);
    }
    let answer = shared.desk.answer(ask).await;
    if let Some(account) = &ends {
        // Once more: somebody may have asked while it was still good.
        shared.broker.forget(account);
    }
    answer.map(Json).map_err(Problem::from)
}

/// Whose token is another after this, or none.
fn ends(ask: &Ask) -> Option<AccountName> {
    match ask {
        Ask::SignOut { account } | Ask::Refresh { account } => account.parse().ok(),
        _ => None,
    }
}

impl From<Told> for Problem {
    fn from(told: Told) -> Self {
        let status = if told.code == "bad_name" { StatusCode::BAD_REQUEST } else { StatusCode::CONFLICT };
        Self::new(status, told.code, told.what, told.fix)
    }
}
