//! The token endpoint and revocation: JSON in, JSON out, and not one field that is not known.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::{
    CLIENT_ID,
    faults::KeepRefreshToken,
    refusal::{OAuthRefusal, uncached},
    shared::Shared,
    state::{Exchange, Refresh, Tokens},
};

/// The only lifetime that a client may wish for, as the official CLI's `setup-token` does: a year, in seconds.
const YEAR: u32 = 365 * 24 * 3600;

/// RFC 7636 section 4.1.
const VERIFIER_LENGTH: std::ops::RangeInclusive<usize> = 43..=128;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/v1/oauth/token", post(token)).route("/v1/oauth/token/revoke", post(revoke))
}

/// `POST /v1/oauth/token`.
async fn token(
    State(shared): State<Arc<Shared>>,
    keep: Option<Extension<KeepRefreshToken>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthRefusal> {
    let fields = json_object(&headers, &body)?;
    let mut inner = shared.lock();
    let (now, options) = (inner.now(), inner.options.clone());
    let tokens = match fields.get("grant_type").and_then(Value::as_str) {
        Some("authorization_code") => inner.state.exchange(&read_exchange(&fields)?, &options, now),
        Some("refresh_token") => inner.state.refresh(&read_refresh(&fields)?, keep.is_some(), &options, now),
        Some(_) => Err(OAuthRefusal::unsupported_grant_type()),
        None => Err(OAuthRefusal::invalid_request("grant_type is missing, or not a string")),
    }?;
    Ok(answer(&tokens, options.show_sign_in_end))
}

/// `POST /v1/oauth/token/revoke`, RFC 7009 with a JSON body. An unknown token is no error.
async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, OAuthRefusal> {
    let fields = json_object(&headers, &body)?;
    let fields = Fields::new(&fields, &["token", "token_type_hint", "client_id"])?;
    known_client(fields.text("client_id")?)?;
    let token = fields.text("token")?;
    let mut inner = shared.lock();
    let options = inner.options.clone();
    match fields.text("token_type_hint")? {
        "refresh_token" => inner.state.revoke(token, &options),
        "access_token" if options.keep_year_tokens => return Err(OAuthRefusal::unsupported_token_type()),
        "access_token" => inner.state.revoke_access_token(token),
        _ => return Err(OAuthRefusal::invalid_request("token_type_hint is neither refresh_token nor access_token")),
    };
    Ok(uncached(Json(json!({}))))
}

fn read_exchange(fields: &Map<String, Value>) -> Result<Exchange, OAuthRefusal> {
    let known = ["grant_type", "code", "redirect_uri", "client_id", "code_verifier", "state", "expires_in"];
    let fields = Fields::new(fields, &known)?;
    known_client(fields.text("client_id")?)?;
    let code_verifier = fields.text("code_verifier")?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !VERIFIER_LENGTH.contains(&code_verifier.len()) || !code_verifier.bytes().all(unreserved) {
        return Err(OAuthRefusal::invalid_request("code_verifier is not 43 to 128 unreserved characters"));
    }
    let expires_in = fields.seconds("expires_in")?;
    if expires_in.is_some_and(|wish| wish != YEAR) {
        return Err(OAuthRefusal::invalid_request("expires_in is not the 31536000 seconds of a year"));
    }
    Ok(Exchange {
        code: fields.text("code")?.to_owned(),
        redirect_uri: fields.text("redirect_uri")?.to_owned(),
        client_id: fields.text("client_id")?.to_owned(),
        code_verifier: code_verifier.to_owned(),
        state: fields.text("state")?.to_owned(),
        expires_in,
    })
}

fn read_refresh(fields: &Map<String, Value>) -> Result<Refresh, OAuthRefusal> {
    let fields = Fields::new(fields, &["grant_type", "refresh_token", "client_id", "scope"])?;
    known_client(fields.text("client_id")?)?;
    let scopes = match fields.has("scope") {
        true => Some(fields.text("scope")?.split(' ').map(str::to_owned).collect()),
        false => None,
    };
    Ok(Refresh { refresh_token: fields.text("refresh_token")?.to_owned(), scopes })
}

fn known_client(client_id: &str) -> Result<(), OAuthRefusal> {
    if client_id == CLIENT_ID { Ok(()) } else { Err(OAuthRefusal::invalid_client()) }
}

fn answer(tokens: &Tokens, show_sign_in_end: bool) -> Response {
    let person = &tokens.person;
    let mut body = json!({
        "token_type": "Bearer",
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in,
        "scope": tokens.scopes.join(" "),
        "account": { "uuid": person.account_uuid, "email_address": person.email },
        "organization": { "uuid": person.organization_uuid, "name": person.organization_name },
    });
    if let Some(body) = body.as_object_mut() {
        if let Some(refresh_token) = &tokens.refresh_token {
            body.insert("refresh_token".to_owned(), json!(refresh_token));
        }
        if show_sign_in_end && tokens.refresh_token.is_some() {
            body.insert("refresh_token_expires_in".to_owned(), json!(tokens.sign_in_ends_in));
        }
    }
    let mut response = uncached(Json(body).into_response());
    response.extensions_mut().insert(tokens.granted);
    response
}

fn json_object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, OAuthRefusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(OAuthRefusal::invalid_request("the body must be JSON, with Content-Type: application/json"));
    }
    serde_json::from_slice(body).map_err(|_| OAuthRefusal::invalid_request("the body is not a JSON object"))
}

/// The fields of a body, none of which is unknown. Complaints name fields, never what they hold.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn new(fields: &'a Map<String, Value>, known: &[&str]) -> Result<Self, OAuthRefusal> {
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(OAuthRefusal::invalid_request(format!("unknown field {name:?}"))),
            None => Ok(Self(fields)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> Result<&'a str, OAuthRefusal> {
        let text = self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| OAuthRefusal::invalid_request(format!("{name} is missing, empty, or not a string")))
    }

    fn seconds(&self, name: &str) -> Result<Option<u32>, OAuthRefusal> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        seconds.map(Some).ok_or_else(|| OAuthRefusal::invalid_request(format!("{name} is not a number of seconds")))
    }
}
