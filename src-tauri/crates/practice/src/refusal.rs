//! How the provider says no: in OAuth's words at the token endpoint, in Anthropic's at the API.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// A refusal of the token endpoint, RFC 6749 section 5.2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OAuthRefusal {
    pub(crate) status: StatusCode,
    /// One of the codes of the RFC.
    pub(crate) error: &'static str,
    /// For people; never holds a value that the client sent.
    pub(crate) description: String,
}

impl OAuthRefusal {
    fn bad_request(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::bad_request("invalid_request", description)
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::bad_request("invalid_grant", description)
    }

    pub(crate) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::bad_request("invalid_scope", description)
    }

    /// RFC 7009 section 2.2.1.
    pub(crate) fn unsupported_token_type() -> Self {
        Self::bad_request("unsupported_token_type", "a token of this type is not ended here")
    }

    pub(crate) fn unsupported_grant_type() -> Self {
        Self::bad_request("unsupported_grant_type", "grant_type is neither authorization_code nor refresh_token")
    }

    pub(crate) fn invalid_client() -> Self {
        let description = "this client_id is not known here".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description }
    }
}

impl From<getrandom::Error> for OAuthRefusal {
    fn from(error: getrandom::Error) -> Self {
        let description = format!("the system gives no random bytes ({error})");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error: "server_error", description }
    }
}

impl IntoResponse for OAuthRefusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": format!("practice: {}", self.description) });
        uncached((self.status, Json(body)))
    }
}

/// A refusal of the API, in the shape of Anthropic's errors.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiRefusal {
    pub(crate) status: StatusCode,
    /// Anthropic's word for it, such as `authentication_error`.
    pub(crate) kind: &'static str,
    /// For people; never holds a value that the client sent.
    pub(crate) message: String,
}

impl ApiRefusal {
    pub(crate) fn authentication(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, kind: "authentication_error", message: message.into() }
    }

    pub(crate) fn permission(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, kind: "permission_error", message: message.into() }
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", message: message.into() }
    }

    pub(crate) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "not_found_error", message: "there is nothing here".to_owned() }
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "this method is not for this address".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, kind: "invalid_request_error", message }
    }

    /// What an overloaded or broken API would answer with `status`.
    pub(crate) fn trouble(status: StatusCode) -> Self {
        let kind = match status.as_u16() {
            400 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        Self { status, kind, message: "trouble that was asked for".to_owned() }
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        let error = json!({ "type": self.kind, "message": format!("practice: {}", self.message) });
        (self.status, Json(json!({ "type": "error", "error": error }))).into_response()
    }
}

/// RFC 6749 section 5.1: what holds or refuses tokens is never kept by a cache.
pub(crate) fn uncached(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
