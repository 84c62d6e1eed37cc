//! What a program is told of an error: RFC 9457, with the codes and the fixes of the command line.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use engine::Error;
use engine::grants::Scope;
use engine::keeper::KeepError;
use engine::provider::ProviderError;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not done: what happened, and what to do. RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A name of the code: `urn:tokenferry:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:tokenferry:needs_sign_in")]
    pub(crate) kind: String,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub(crate) title: &'static str,
    /// The answer's status.
    #[schema(example = 409)]
    pub(crate) status: u16,
    /// What happened, in a sentence.
    pub(crate) detail: String,
    /// The stable word for it, as the command line has it with `--json`.
    #[schema(example = "needs_sign_in")]
    pub(crate) code: Cow<'static, str>,
    /// What to do, in a sentence; empty where nothing needs doing.
    pub(crate) fix: String,
    #[serde(skip)]
    retry_after: Option<u16>,
}

impl Problem {
    /// A problem with no more to it than this.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let code = code.into();
        Self {
            kind: format!("urn:tokenferry:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            fix: fix.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_host() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            "The request names a host that is not this server.",
            "Call it by its address, or name it with --host or --url when `tokenferry serve` is started.",
        )
    }

    pub(crate) fn bad_origin() -> Self {
        let detail = "The request was made by another site's page.";
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", detail, "Use the page of this server.")
    }

    pub(crate) fn not_let_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not_let_in",
            "The request shows neither a grant nor a session.",
            "Show a grant's key as a bearer (`tokenferry grant add`), or come in by a link (`tokenferry serve --link`).",
        )
    }

    pub(crate) fn no_grant() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "no_grant",
            "There is no such grant: it was revoked, or never made.",
            "Make one with `tokenferry grant add`.",
        )
    }

    pub(crate) fn grant_over() -> Self {
        let detail = "The grant's time is over.";
        Self::new(StatusCode::UNAUTHORIZED, "grant_over", detail, "Make another with `tokenferry grant add`.")
    }

    pub(crate) fn link_over() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "link_over",
            "The link was used, or is older than ten minutes.",
            "Make another with `tokenferry serve --link`.",
        )
    }

    pub(crate) fn out_of_scope(scope: Scope) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "out_of_scope",
            format!("That needs a grant that allows `{}`.", scope.word()),
            format!("Make one with `tokenferry grant add NAME --allow {}`.", scope.word()),
        )
    }

    pub(crate) fn another_account() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "another_account",
            "The grant is for another account.",
            "Leave `account` out, or make a grant for that account.",
        )
    }

    pub(crate) fn no_csrf_token() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "no_csrf_token",
            "The change does not show that it comes from this server's page.",
            "Send what `GET /session` tells as the header X-CSRF-Token.",
        )
    }

    pub(crate) fn too_often() -> Self {
        let detail = "That was asked too often.";
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", detail, "Wait a second.") }
    }

    pub(crate) fn too_many_waiting() -> Self {
        Self {
            retry_after: Some(600),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_waiting",
                "Too many sign-ins wait for their code already.",
                "Finish one, or wait ten minutes.",
            )
        }
    }

    pub(crate) fn too_large(most: usize) -> Self {
        let detail = format!("The body is larger than {most} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail, "")
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "The body did not come in time.", "")
    }

    pub(crate) fn not_json() -> Self {
        let detail = "The body is not said to be JSON.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail, "Send Content-Type: application/json.")
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail, "/openapi.json tells what can be asked, and how.")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.", "/openapi.json tells what there is.")
    }

    pub(crate) fn bad_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "bad_method",
            "That can't be done here.",
            "The header Allow tells what can.",
        )
    }

    pub(crate) fn somebody_else() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "somebody_else",
            "Something else, or somebody else's sign-in, is kept under this name. It stays; the new sign-in was ended.",
            "Start again and send `\"replace\": true` to replace it, or name another `account`.",
        )
    }

    pub(crate) fn not_ready(detail: &str) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail, "Wait a moment.");
        Self { retry_after: Some(1), ..problem }
    }
}

impl From<Error> for Problem {
    fn from(why: Error) -> Self {
        let status = match &why {
            Error::Callback(_) | Error::Pending(_) | Error::NotPending | Error::WhichAccount(_) => {
                StatusCode::BAD_REQUEST
            }
            Error::Provider(ProviderError::Refused { .. } | ProviderError::NotAllowed) => StatusCode::BAD_REQUEST,
            Error::Keep(KeepError::Later { .. } | KeepError::Stopped)
            | Error::Vault(_)
            | Error::Lock(_)
            | Error::Provider(_)
            | Error::Journal(_)
            | Error::Settings(_)
            | Error::Home(_)
            | Error::NoChance
            | Error::NoRefreshToken => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5);
        Self { retry_after, ..Self::new(status, why.code(), why.to_string(), why.fix()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tokenferry\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
