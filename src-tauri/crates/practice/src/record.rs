//! Remembers what was asked and what became of it, so that a test can question it. Secrets appear as fingerprints.

use http::{HeaderMap, Method, header, request::Parts};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{fingerprint::Fingerprint, state::Granted};

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/oauth/authorize`.
    Authorize,
    /// `/oauth/code/callback`, the page that shows `code#state`.
    Callback,
    /// The token endpoint, with `grant_type` `authorization_code`.
    Exchange,
    /// The token endpoint, with `grant_type` `refresh_token`.
    Refresh,
    /// The token endpoint, with a body that names neither grant in JSON.
    Token,
    /// `/v1/oauth/token/revoke`.
    Revoke,
    /// `/api/oauth/profile`.
    Profile,
    /// `/api/oauth/usage`.
    Usage,
    /// `/v1/messages`.
    Messages,
    /// `/v1/models`.
    Models,
    /// `/v1/messages/count_tokens`.
    CountTokens,
    /// Any other address.
    Other,
}

impl Endpoint {
    /// Which endpoint a path belongs to; the two grants share a path, and are told apart by the body.
    pub(crate) fn of(path: &str, grant_type: Option<&str>) -> Self {
        match (path, grant_type) {
            ("/oauth/authorize", _) => Self::Authorize,
            ("/oauth/code/callback", _) => Self::Callback,
            ("/v1/oauth/token", Some("authorization_code")) => Self::Exchange,
            ("/v1/oauth/token", Some("refresh_token")) => Self::Refresh,
            ("/v1/oauth/token", _) => Self::Token,
            ("/v1/oauth/token/revoke", _) => Self::Revoke,
            ("/api/oauth/profile", _) => Self::Profile,
            ("/api/oauth/usage", _) => Self::Usage,
            ("/v1/messages", _) => Self::Messages,
            ("/v1/models", _) => Self::Models,
            ("/v1/messages/count_tokens", _) => Self::CountTokens,
            _ => Self::Other,
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When it arrived, by the system's clock.
    pub time: Timestamp,
    /// What it was for.
    pub endpoint: Endpoint,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The `grant_type` of a token request.
    pub grant_type: Option<String>,
    /// The refresh token, code, revoked token, Bearer token or API key that it presented.
    pub presented: Option<Fingerprint>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `anthropic-beta`.
    pub beta: Option<String>,
    /// The names of all its headers: what a proxy lets through is told by them.
    pub headers: Vec<String>,
    /// The status of the answer; None where there was none, or is none yet.
    pub status: Option<u16>,
    /// Which fault was played, by its name.
    pub fault: Option<&'static str>,
    /// Set where tokens were granted, even if the answer was lost on its way.
    pub granted: Option<Granted>,
}

impl Entry {
    /// Describes a request that just arrived.
    pub(crate) fn of(head: &Parts, asked: &Asked, time: Timestamp) -> Self {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            time,
            endpoint: asked.endpoint,
            method: Method::to_string(&head.method),
            path: head.uri.path().to_owned(),
            grant_type: asked.grant_type.clone(),
            presented: asked.secrets.first().map(|secret| Fingerprint::of(secret)),
            user_agent: text(header::USER_AGENT),
            content_type: text(header::CONTENT_TYPE),
            beta: text(header::HeaderName::from_static("anthropic-beta")),
            headers: head.headers.keys().map(ToString::to_string).collect(),
            status: None,
            fault: None,
            granted: None,
        }
    }
}

/// What was asked so far, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    entries: Vec<Entry>,
    /// How many entries were cleared away, so that answers under way don't land on newer ones.
    #[serde(skip)]
    cleared: usize,
}

impl Record {
    /// All requests.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The requests for one endpoint.
    pub fn of(&self, endpoint: Endpoint) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.endpoint == endpoint)
    }

    /// How many requests one endpoint got.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.of(endpoint).count()
    }

    /// The renewals that gave tokens, whether or not the answer arrived.
    pub fn renewals(&self) -> impl Iterator<Item = &Entry> {
        self.of(Endpoint::Refresh).filter(|entry| entry.granted.is_some())
    }

    /// Notes a request, and gives its number for [`Record::entry`].
    pub(crate) fn arrived(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.cleared.saturating_add(self.entries.len()).saturating_sub(1)
    }

    /// The request with that number, unless it was cleared away.
    pub(crate) fn entry(&mut self, number: usize) -> Option<&mut Entry> {
        self.entries.get_mut(number.checked_sub(self.cleared)?)
    }

    pub(crate) fn clear(&mut self) {
        self.cleared = self.cleared.saturating_add(self.entries.len());
        self.entries.clear();
    }
}

/// What a request asks for, read from its path, headers and body without judging them.
pub(crate) struct Asked {
    pub(crate) endpoint: Endpoint,
    pub(crate) grant_type: Option<String>,
    /// Every secret that it holds; the one that it presents comes first.
    pub(crate) secrets: Vec<String>,
}

impl Asked {
    pub(crate) fn of(head: &Parts, body: &[u8]) -> Self {
        let oauth = head.uri.path().starts_with("/v1/oauth/");
        let fields = if oauth { fields(&head.headers, body) } else { Map::new() };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let json = serde_json::from_slice::<Map<String, Value>>(body).is_ok();
        let grant_type = text("grant_type").filter(|_| json);
        let presented = ["refresh_token", "code", "token", "code_verifier"].into_iter().filter_map(text);
        let in_headers = bearer_token(&head.headers).into_iter().chain(api_key(&head.headers));
        Self {
            endpoint: Endpoint::of(head.uri.path(), grant_type.as_deref()),
            grant_type,
            secrets: presented.chain(in_headers.map(str::to_owned)).collect(),
        }
    }
}

/// The token of `Authorization: Bearer`.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The key of `x-api-key`.
pub(crate) fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key")?.to_str().ok()
}

/// The fields of a body in JSON, or in the form that the endpoint will refuse: what is secret in it still counts.
fn fields(headers: &HeaderMap, body: &[u8]) -> Map<String, Value> {
    let form = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().ends_with(b"urlencoded"));
    if form {
        let pairs = url::form_urlencoded::parse(body);
        return pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    }
    serde_json::from_slice(body).unwrap_or_default()
}
