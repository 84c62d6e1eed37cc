//! What can go wrong on request: a fault waits for a request to its endpoint, and then spoils the answer.

use std::{collections::VecDeque, io, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    response::{Html, IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    pages,
    record::Endpoint,
    refusal::{ApiRefusal, uncached},
};

/// Between the first part of a body and its cut, so that the first part has left before the connection closes.
const CUT_AFTER: Duration = Duration::from_millis(50);

/// Something to go wrong at one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint whose answers it spoils.
    pub endpoint: Endpoint,
    /// What goes wrong.
    pub trouble: Trouble,
    /// How many requests it spoils; without a number all, until the faults are cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// The provider first does what it was asked, and only then spoils its answer: tokens have rotated, and the
    /// client does not learn of it. Otherwise the request has no effect.
    #[serde(default)]
    pub after_work: bool,
}

impl Fault {
    /// Spoils every request to `endpoint`, before the provider does anything.
    #[must_use]
    pub fn at(endpoint: Endpoint, trouble: Trouble) -> Self {
        Self { endpoint, trouble, times: None, after_work: false }
    }

    /// Spoils the next `times` requests alone.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Spoils the answer after the provider did what it was asked.
    #[must_use]
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }
}

/// What goes wrong. In JSON the name is in `kind`: `{"kind": "status", "status": 503}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trouble {
    /// A status with an error in Anthropic's shape, and `Retry-After` where wanted.
    Status {
        /// From 200 to 599; another number becomes 500.
        status: u16,
        /// When to come again.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// An error code of RFC 6749 section 5.2, such as `invalid_grant`.
    #[serde(rename = "oauth_error")]
    OAuthError {
        /// 400 and 401 are the RFC's.
        status: u16,
        /// The code.
        error: String,
        /// As the JSON of the RFC, or else as the bare word in plain text.
        json: bool,
    },
    /// A page for people, such as a proxy or a captive portal shows.
    HtmlPage {
        /// A captive portal says 200, a gateway 502.
        status: u16,
    },
    /// A 200 that promises JSON and holds something else.
    Garbage,
    /// The connection closes halfway through the body.
    CutBody,
    /// The whole answer waits. Without `after_work` the request waits before it has any effect.
    SlowHeaders {
        /// Milliseconds.
        ms: u64,
    },
    /// The true answer's headers come at once, and half its body; the rest waits.
    SlowBody {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection closes without an answer.
    NoAnswer,
    /// The connection stays open without an answer.
    Hang,
    /// A 200 whose JSON goes on and on.
    Oversized {
        /// How far at least.
        bytes: u64,
    },
    /// A renewal's answer has no `refresh_token`, and the old one stays valid.
    KeepRefreshToken,
    /// The true answer with a top-level field set to another value, of whatever type.
    With {
        /// The field's name.
        field: String,
        /// Its value.
        value: Value,
    },
    /// The true answer without a top-level field. For a refresh token that stays valid when it is held back take
    /// [`Trouble::KeepRefreshToken`].
    Without {
        /// The field's name.
        field: String,
    },
}

/// RFC 9110 section 10.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// That many seconds, as a number.
    Seconds(u32),
    /// That many seconds from now, as a date by the provider's clock.
    DateIn(u32),
}

impl Trouble {
    /// Any status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None }
    }

    /// Any status, with `Retry-After`.
    #[must_use]
    pub fn retry(status: u16, after: RetryAfter) -> Self {
        Self::Status { status, retry_after: Some(after) }
    }

    /// An error code of RFC 6749 as its JSON, with status 400.
    #[must_use]
    pub fn oauth_error(error: &str) -> Self {
        Self::OAuthError { status: 400, error: error.to_owned(), json: true }
    }

    /// The name, as in the JSON's `kind`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::OAuthError { .. } => "oauth_error",
            Self::HtmlPage { .. } => "html_page",
            Self::Garbage => "garbage",
            Self::CutBody => "cut_body",
            Self::SlowHeaders { .. } => "slow_headers",
            Self::SlowBody { .. } => "slow_body",
            Self::NoAnswer => "no_answer",
            Self::Hang => "hang",
            Self::Oversized { .. } => "oversized",
            Self::KeepRefreshToken => "keep_refresh_token",
            Self::With { .. } => "with",
            Self::Without { .. } => "without",
        }
    }
}

/// The faults that are still to be played, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// The fault for a request to `endpoint`, now one time fewer.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.0.retain(|fault| fault.times != Some(0));
        let fault = self.0.iter_mut().find(|fault| fault.endpoint == endpoint)?;
        fault.times = fault.times.map(|times| times.saturating_sub(1));
        Some(fault.clone())
    }
}

/// Tells the token endpoint that a refresh token is to stay valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepRefreshToken;

/// No answer: the connection is to be closed as it is.
#[derive(Debug, thiserror::Error)]
#[error("practice: no answer, as was asked for")]
pub(crate) struct NoAnswer;

/// Spoils the answer that `work` gives; `work` has its effect when it is awaited, and none when it is not.
pub(crate) async fn play(
    fault: &Fault,
    now: Timestamp,
    work: impl Future<Output = Response>,
) -> Result<Response, NoAnswer> {
    match &fault.trouble {
        Trouble::SlowHeaders { ms } if !fault.after_work => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            return Ok(work.await);
        }
        Trouble::SlowHeaders { ms } => {
            let answer = work.await;
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            return Ok(answer);
        }
        Trouble::SlowBody { ms } => return Ok(slow_body(work.await, Duration::from_millis(*ms)).await),
        Trouble::KeepRefreshToken => return Ok(work.await),
        Trouble::With { field, value } => {
            return Ok(edit(work.await, |body| _ = body.insert(field.clone(), value.clone())).await);
        }
        Trouble::Without { field } => return Ok(edit(work.await, |body| _ = body.shift_remove(field)).await),
        _ => {}
    }
    let truth = if fault.after_work { Some(work.await) } else { None };
    match &fault.trouble {
        Trouble::Status { status, retry_after } => {
            let mut answer = ApiRefusal::trouble(code(*status)).into_response();
            if let Some(value) = retry_after.and_then(|after| after.header(now)) {
                answer.headers_mut().insert(header::RETRY_AFTER, value);
            }
            Ok(answer)
        }
        Trouble::OAuthError { status, error, json: true } => {
            Ok(uncached((code(*status), Json(json!({ "error": error })))))
        }
        Trouble::OAuthError { status, error, json: false } => Ok((code(*status), error.clone()).into_response()),
        Trouble::HtmlPage { status } => Ok((code(*status), Html(pages::gateway())).into_response()),
        Trouble::Garbage => Ok(json_body(Body::from("{\"access_token\": practice, and then nothing that is JSON"))),
        Trouble::CutBody => Ok(cut_body(truth).await),
        Trouble::Oversized { bytes } => Ok(oversized(*bytes)),
        Trouble::Hang => std::future::pending().await,
        _ => Err(NoAnswer),
    }
}

impl RetryAfter {
    fn header(self, now: Timestamp) -> Option<HeaderValue> {
        let text = match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::DateIn(seconds) => http_date(now.checked_add(SignedDuration::from_secs(seconds.into())).ok()?)?,
        };
        HeaderValue::try_from(text).ok()
    }
}

/// RFC 9110 section 5.6.7; None for years that it can't write.
pub(crate) fn http_date(time: Timestamp) -> Option<String> {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

fn code(status: u16) -> StatusCode {
    // Below 200 there would be no answer yet, RFC 9110 section 15.2.
    let code = StatusCode::from_u16(status).ok().filter(|code| !code.is_informational());
    code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json_body(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The body of an answer of ours, which is small and already in memory.
async fn body_of(answer: Response) -> (http::response::Parts, Bytes) {
    let (head, body) = answer.into_parts();
    (head, to_bytes(body, usize::MAX).await.unwrap_or_default())
}

async fn edit(answer: Response, change: impl FnOnce(&mut Map<String, Value>)) -> Response {
    let (mut head, body) = body_of(answer).await;
    let body = match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(mut fields) => {
            change(&mut fields);
            Value::Object(fields).to_string().into()
        }
        Err(_) => body,
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

async fn slow_body(answer: Response, wait: Duration) -> Response {
    let (head, mut body) = body_of(answer).await;
    let first = body.split_to(body.len() / 2);
    let rest = stream::once(async move {
        tokio::time::sleep(wait).await;
        Ok(body)
    });
    let parts = stream::once(async { Ok::<_, io::Error>(first) }).chain(rest);
    Response::from_parts(head, Body::from_stream(parts))
}

async fn cut_body(truth: Option<Response>) -> Response {
    let truth =
        truth.unwrap_or_else(|| json_body(Body::from(r#"{"token_type": "Bearer", "access_token": "cut off"}"#)));
    let (mut head, mut body) = body_of(truth).await;
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let first = body.split_to(body.len() / 2);
    let cut = stream::once(async {
        tokio::time::sleep(CUT_AFTER).await;
        Err(io::Error::other(NoAnswer))
    });
    let parts = stream::once(async { Ok(first) }).chain(cut);
    Response::from_parts(head, Body::from_stream(parts))
}

fn oversized(bytes: u64) -> Response {
    const CHUNK: usize = 64 * 1024;
    let filling = Bytes::from(vec![b'.'; CHUNK]);
    let chunks = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(CHUNK);
    let parts = stream::once(async { Bytes::from_static(br#"{"access_token": ""#) })
        .chain(stream::repeat(filling).take(chunks))
        .chain(stream::once(async { Bytes::from_static(br#""}"#) }));
    json_body(Body::from_stream(parts.map(Ok::<_, io::Error>)))
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, RetryAfter, Trouble};
    use crate::record::Endpoint;

    #[test]
    fn faults_are_taken_in_order_and_run_out() {
        let mut faults = Faults::default();
        faults.push(Fault::at(Endpoint::Refresh, Trouble::Garbage).times(1));
        faults.push(Fault::at(Endpoint::Profile, Trouble::Hang));
        faults.push(Fault::at(Endpoint::Refresh, Trouble::CutBody).times(2));
        let mut played = || faults.take(Endpoint::Refresh).map(|fault| fault.trouble.name());
        assert_eq!(
            [played(), played(), played(), played()],
            [Some("garbage"), Some("cut_body"), Some("cut_body"), None]
        );
        assert_eq!(faults.take(Endpoint::Usage), None);
        assert!(faults.take(Endpoint::Profile).is_some() && faults.take(Endpoint::Profile).is_some());
    }

    #[test]
    fn json_names_each_fault() {
        let read = |json: &str| serde_json::from_str::<Fault>(json);
        let fault = read(
            r#"{"endpoint": "refresh", "times": 3,
                "trouble": {"kind": "status", "status": 503, "retry_after": {"date_in": 4}}}"#,
        );
        let expected = Fault::at(Endpoint::Refresh, Trouble::retry(503, RetryAfter::DateIn(4))).times(3);
        assert_eq!(fault.unwrap(), expected);
        assert!(read(r#"{"endpoint": "refresh", "trouble": {"kind": "hang"}, "after": true}"#).is_err());
        assert!(read(r#"{"endpoint": "refresh", "trouble": {"kind": "hangs"}}"#).is_err());

        let trouble = Trouble::With { field: "expires_in".to_owned(), value: "soon".into() };
        let json = serde_json::to_value(&trouble).unwrap();
        assert_eq!(json["kind"], trouble.name());
        assert_eq!(serde_json::from_value::<Trouble>(json).unwrap(), trouble);
    }
}
