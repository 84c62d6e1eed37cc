//! The one HTTP client: our own User-Agent, bounded in time and size, redirects refused, nothing logged.

use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::{ProviderError, answer};
use crate::secret::SecretString;

/// Ours, never another client's.
const USER_AGENT: &str = concat!("tokenferry/", env!("CARGO_PKG_VERSION"));
/// What the API wants to see beside an OAuth token.
const OAUTH_BETA: (&str, &str) = ("anthropic-beta", "oauth-2025-04-20");
/// What the API wants to see with every API key.
const API_VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
/// The field of a token request that holds a number of seconds. RFC 6749 knows no numbers, but the endpoint does.
pub(super) const LIFETIME: &str = "expires_in";
/// A connection that takes longer won't come.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A token endpoint answers in under a second; whoever takes longer is asked again later.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Real answers are about 1 KiB.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Sends requests and judges what comes back.
#[derive(Debug)]
pub(super) struct Http {
    /// Made at the first request: reading the system's certificates takes longer than most commands.
    client: OnceLock<Result<reqwest::Client, String>>,
    on_this_machine: bool,
}

impl Http {
    /// A provider on this machine is asked without the system's proxy, which would take tokens across the network.
    pub(super) fn new(on_this_machine: bool) -> Self {
        Self { client: OnceLock::new(), on_this_machine }
    }

    fn client(&self) -> Result<&reqwest::Client, ProviderError> {
        let made = self.client.get_or_init(|| {
            // An error means that another part of the program has chosen already.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let builder = reqwest::Client::builder();
            let builder = if self.on_this_machine { builder.no_proxy() } else { builder };
            builder
                .user_agent(USER_AGENT)
                .connect_timeout(CONNECT_WITHIN)
                .timeout(ANSWER_WITHIN)
                .redirect(redirect::Policy::none())
                .build()
                .map_err(|why| without_address(&why.without_url()))
        });
        made.as_ref().map_err(|what| ProviderError::Unreachable { what: what.clone() })
    }

    /// What `oauth2` sends as a form goes out as JSON, since that is what the endpoint takes.
    ///
    /// An answer comes back only where the OAuth standard has a say: tokens, or an error in the shape of RFC 6749
    /// section 5.2. All else is judged here.
    async fn token_request(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let (parts, form) = request.into_parts();
        let fields: Map<String, Value> = form_urlencoded::parse(&form)
            .map(|(name, value)| match value.parse::<u64>() {
                Ok(seconds) if name == LIFETIME => (name.into_owned(), seconds.into()),
                _ => (name.into_owned(), Value::String(value.into_owned())),
            })
            .collect();
        let request = self.client()?.post(parts.uri.to_string()).header(ACCEPT, "application/json").json(&fields);
        let response = send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response).await;
        let body = match (status, body) {
            (StatusCode::OK, body) => answer::readable(&body?)?,
            (_, Ok(body)) if is_oauth_error(status, &body) => body,
            _ => return Err(judge(status, &headers)),
        };
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        Ok(response)
    }

    /// Tells the endpoint something: true for success, false for an answer in the standard's words that there is nothing to
    /// be told.
    pub(super) async fn post(&self, url: &Url, body: &Value) -> Result<bool, ProviderError> {
        let response = send(self.client()?.post(url.clone()).json(body)).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            return Ok(true);
        }
        if read(response).await.is_ok_and(|body| is_oauth_error(status, &body)) {
            return Ok(false);
        }
        Err(judge(status, &headers))
    }

    /// Gets JSON as the holder of an access token. RFC 6750 section 2.1.
    pub(super) async fn get(&self, url: &Url, access_token: &SecretString) -> Result<Vec<u8>, ProviderError> {
        let request = self.client()?.get(url.clone()).bearer_auth(access_token.expose());
        answered(request.header(OAUTH_BETA.0, OAUTH_BETA.1), "the access token is not good").await
    }

    /// Asks in JSON as the holder of an access token. RFC 6750 section 2.1.
    pub(super) async fn post_as_holder(
        &self,
        url: &Url,
        access_token: &SecretString,
        body: &Value,
    ) -> Result<Vec<u8>, ProviderError> {
        let request = self.client()?.post(url.clone()).bearer_auth(access_token.expose()).json(body);
        let request = request.header(OAUTH_BETA.0, OAUTH_BETA.1).header(API_VERSION.0, API_VERSION.1);
        answered(request, "the access token is not good").await
    }

    /// Gets JSON as the holder of an API key.
    pub(super) async fn get_with_key(&self, url: &Url, key: &SecretString) -> Result<Vec<u8>, ProviderError> {
        let strange = |_| ProviderError::strange("the key can't be sent");
        let mut key = HeaderValue::from_str(key.expose()).map_err(strange)?;
        key.set_sensitive(true);
        let request = self.client()?.get(url.clone()).header("x-api-key", key);
        answered(request.header(API_VERSION.0, API_VERSION.1), "the API key is not good").await
    }

    /// Asks whether anybody answers at this address, with nothing that says who asks; the answer's date, where it has one.
    pub(super) async fn date(&self, url: &Url) -> Result<Option<Timestamp>, ProviderError> {
        let response = send(self.client()?.head(url.clone()).timeout(CONNECT_WITHIN)).await?;
        let (status, headers) = (response.status(), response.headers());
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(judge(status, headers));
        }
        Ok(headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ProviderError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.token_request(request))
    }
}

/// `refused` says what a 401 means.
async fn answered(request: RequestBuilder, refused: &str) -> Result<Vec<u8>, ProviderError> {
    let response = send(request.header(ACCEPT, "application/json")).await?;
    let status = response.status();
    if status.is_success() {
        return read(response).await;
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(ProviderError::Refused { reason: refused.to_owned() });
    }
    // What stands before the provider says no with a page: that is nobody's word on the token.
    if status == StatusCode::FORBIDDEN && !is_page(response.headers()) {
        return Err(ProviderError::NotAllowed);
    }
    Err(judge(status, response.headers()))
}

async fn send(request: RequestBuilder) -> Result<Response, ProviderError> {
    request.send().await.map_err(|why| unreachable(&why.without_url()))
}

/// The body, no more of it than [`LARGEST_ANSWER`].
async fn read(mut response: Response) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| unreachable(&why.without_url()))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(ProviderError::strange("the answer is far too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(why: &reqwest::Error) -> ProviderError {
    let what = if why.is_timeout() {
        "it took too long to answer".to_owned()
    } else if why.is_connect() {
        format!("no connection: {}", without_address(why))
    } else {
        format!("the answer broke off: {}", without_address(why))
    };
    ProviderError::Unreachable { what }
}

/// The innermost reason, which is the one that a person can act on.
fn without_address(why: &dyn std::error::Error) -> String {
    let mut innermost = why;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Whether it is an error as RFC 6749 section 5.2 has it. From a server in trouble (5xx) it would say nothing on the grant.
fn is_oauth_error(status: StatusCode, body: &[u8]) -> bool {
    let named = || {
        let fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
        fields.get("error")?.as_str().map(drop)
    };
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && named().is_some()
}

fn judge(status: StatusCode, headers: &HeaderMap) -> ProviderError {
    let header = |name| headers.get(name)?.to_str().ok();
    // A date is meant by the clock of whoever named it.
    let now = header(DATE).and_then(http_date).unwrap_or_else(Timestamp::now);
    let after = header(RETRY_AFTER).and_then(|value| retry_after(value, now));
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT {
        return ProviderError::Busy { what: status.to_string(), after };
    }
    ProviderError::strange(format!("{status}{}", if is_page(headers) { ", with a page for people" } else { "" }))
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Seconds, or an HTTP date. RFC 9110 section 10.2.3.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(Duration::try_from(http_date(value)?.duration_since(now)).unwrap_or_default())
}

/// RFC 9110 section 5.6.7.
fn http_date(value: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sat, 21 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sat, 21 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn only_a_calm_server_can_say_no() {
        let no = br#"{"error":"invalid_grant"}"#;
        assert!(is_oauth_error(StatusCode::BAD_REQUEST, no));
        assert!(!is_oauth_error(StatusCode::INTERNAL_SERVER_ERROR, no));
        assert!(!is_oauth_error(StatusCode::BAD_REQUEST, b"<html>"));
        assert!(!is_oauth_error(StatusCode::UNAUTHORIZED, br#"{"error":{"type":"x"}}"#));
    }
}
