//! `POST /v1/messages`: answers every prompt with one sentence, at once or as a stream of server-sent events. And
//! `POST /v1/messages/count_tokens`, for clients that ask beforehand how long a prompt is.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::stream;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{bearer, holder},
    fingerprint::Fingerprint,
    mint::mint,
    options::Person,
    record::{api_key, bearer_token},
    refusal::ApiRefusal,
    shared::Shared,
};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/v1/messages", post(messages)).route("/v1/messages/count_tokens", post(count_tokens))
}

/// What of a prompt is looked at; the rest is nobody's business.
#[derive(Deserialize)]
struct Prompt {
    model: String,
    messages: Vec<Value>,
    #[serde(default)]
    stream: bool,
}

impl Prompt {
    fn of(body: &[u8]) -> Result<Self, ApiRefusal> {
        let prompt: Self = serde_json::from_slice(body)
            .map_err(|_| ApiRefusal::invalid_request("the body is not a JSON object with model and messages"))?;
        if prompt.messages.is_empty() { Err(ApiRefusal::invalid_request("messages is empty")) } else { Ok(prompt) }
    }
}

/// Who asks, and with what.
fn asking(shared: &Shared, headers: &HeaderMap) -> Result<(Person, String), ApiRefusal> {
    if let Some(key) = api_key(headers) {
        return Ok((holder(shared, headers)?, format!("API key {}", Fingerprint::of(key))));
    }
    let person = bearer(shared, headers, "user:inference")?.person;
    Ok((person, format!("access token {}", Fingerprint::of(bearer_token(headers).unwrap_or_default()))))
}

async fn count_tokens(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiRefusal> {
    asking(&shared, &headers)?;
    let prompt = Prompt::of(&body)?;
    Ok(Json(json!({ "input_tokens": prompt.messages.len() })))
}

async fn messages(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiRefusal> {
    let (person, with) = asking(&shared, &headers)?;
    let prompt = Prompt::of(&body)?;
    let id = mint("msg_practice_").map_err(|error| ApiRefusal::invalid_request(error.to_string()))?;
    let text = greeting(&person, &with);
    if prompt.stream {
        let events = events(&id, &prompt.model, &text).into_iter().map(Ok::<_, Infallible>);
        let body = Body::from_stream(stream::iter(events));
        Ok(([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], body).into_response())
    } else {
        let mut message = message(&id, &prompt.model);
        if let Some(message) = message.as_object_mut() {
            message.insert("content".to_owned(), json!([{ "type": "text", "text": text }]));
            message.insert("stop_reason".to_owned(), json!("end_turn"));
        }
        Ok(Json(message).into_response())
    }
}

/// The same for the same token, so that a reader sees by it when a fresh one is in use.
fn greeting(person: &Person, with: &str) -> String {
    format!("Hello {}, this is the practice API. Your {with} is good.", person.full_name)
}

fn message(id: &str, model: &str) -> Value {
    json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    })
}

/// The events of one message of one block, each as it goes over the wire.
fn events(id: &str, model: &str, text: &str) -> Vec<String> {
    let mut data = vec![
        json!({ "type": "message_start", "message": message(id, model) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
    ];
    data.extend(text.split_inclusive(' ').map(
        |word| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": word } }),
    ));
    data.extend([
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({
            "type": "message_delta",
            "delta": { "stop_reason": "end_turn", "stop_sequence": null },
            "usage": { "output_tokens": 1 },
        }),
        json!({ "type": "message_stop" }),
    ]);
    let wire = |data: Value| {
        let event = data.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {event}\ndata: {data}\n\n")
    };
    data.into_iter().map(wire).collect()
}
