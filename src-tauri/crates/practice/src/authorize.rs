//! The authorize endpoint, RFC 6749 section 4.1 with PKCE (RFC 7636): checks what a client asks for, asks the
//! practice person unless told not to, and sends the browser back. And the page that shows `code#state`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Form, Router,
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use url::{Host, Url, form_urlencoded};

use crate::{CLIENT_ID, options::Options, pages, refusal::uncached, shared::Shared, state::Authorization};

/// The provider's own redirect.
const CALLBACK: &str = "/oauth/code/callback";

/// The scopes of Claude's sign-ins.
const SCOPES: [&str; 9] = [
    "org:create_api_key",
    "user:profile",
    "user:inference",
    "user:sessions:claude_code",
    "user:mcp_servers",
    "user:file_upload",
    "user:plugins",
    "user:privacy_consents:write",
    "org:desktop_config",
];

/// The parameters that Claude Code sends.
const PARAMETERS: [&str; 10] = [
    "code",
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "state",
    "login_hint",
    "login_method",
];

/// An S256 challenge: 256 bits in base64url, RFC 7636 section 4.2.
const CHALLENGE_LENGTH: usize = 43;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/oauth/authorize", get(ask).post(decide)).route(CALLBACK, get(callback))
}

/// What the person pressed.
#[derive(Deserialize)]
struct Decision {
    person: String,
    answer: Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Authorize,
    Deny,
}

async fn ask(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let request = match Request::read(query.as_deref().unwrap_or_default(), shared.port) {
        Ok(request) => request,
        Err(refusal) => return refusal.answer(),
    };
    let options = shared.lock().options.clone();
    if options.deny {
        return request.refuse("access_denied", "the provider was told to deny").answer();
    }
    let wanted = request.login_hint.clone().unwrap_or_else(|| options.person.clone());
    if options.automatic {
        return grant(&shared, request, &wanted);
    }
    uncached(pages::authorize(&options.people, &wanted, &request.authorization.scopes))
}

async fn decide(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    Form(decision): Form<Decision>,
) -> Response {
    match Request::read(query.as_deref().unwrap_or_default(), shared.port) {
        Err(refusal) => refusal.answer(),
        Ok(request) => match decision.answer {
            Answer::Authorize => grant(&shared, request, &decision.person),
            Answer::Deny => request.refuse("access_denied", "the person said no").answer(),
        },
    }
}

fn grant(shared: &Shared, request: Request, email: &str) -> Response {
    let mut inner = shared.lock();
    let (options, now): (Options, _) = (inner.options.clone(), inner.now());
    let Some(person) = options.find(email).cloned() else {
        return request.refuse("access_denied", "nobody of that email lives here").answer();
    };
    let (redirect, state) = (request.redirect.clone(), request.authorization.state.clone());
    match inner.state.grant_code(request.authorization, person, &options, now) {
        Ok(code) => see_other(redirect, &[("code", &code), ("state", &state)]),
        Err(error) => uncached((StatusCode::INTERNAL_SERVER_ERROR, pages::refused(&error.to_string()))),
    }
}

async fn callback(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let given: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    match (given.get("code"), given.get("state"), given.get("error")) {
        (Some(code), Some(state), None) => uncached(pages::code(&format!("{code}#{state}"))),
        (_, _, Some(error)) => uncached(pages::refused(error)),
        _ => uncached((StatusCode::BAD_REQUEST, pages::refused("code or state is missing"))),
    }
}

/// A request to authorize that holds all it must.
struct Request {
    authorization: Authorization,
    redirect: Url,
    login_hint: Option<String>,
}

impl Request {
    /// Reads the query strictly: each parameter known, there once, and of the right shape.
    fn read(query: &str, port: u16) -> Result<Self, Refusal> {
        let mut given = BTreeMap::new();
        let mut complaint = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !PARAMETERS.contains(&name.as_ref()) {
                complaint = Some(format!("unknown parameter {name:?}"));
            } else if given.contains_key(name.as_ref()) {
                complaint = Some(format!("{name} is there twice"));
            }
            given.insert(name.into_owned(), value.into_owned());
        }
        let mut take = |name: &str| given.remove(name).filter(|value| !value.is_empty());

        // Until client and redirect are known to be good, nothing is sent anywhere: RFC 6749 section 4.1.2.1.
        let client_id =
            take("client_id").filter(|id| id == CLIENT_ID).ok_or(Refusal::Page("client_id is not known"))?;
        let redirect_uri = take("redirect_uri").ok_or(Refusal::Page("redirect_uri is missing"))?;
        let redirect =
            redirect(&redirect_uri, port).ok_or(Refusal::Page("redirect_uri is not one of this client's"))?;

        let state = take("state").ok_or_else(|| Refusal::invalid_request(&redirect, None, "state is missing"))?;
        let refuse = |error, why: &str| Refusal::redirect(&redirect, Some(&state), error, why);
        let invalid = |why: &str| refuse("invalid_request", why);
        if let Some(complaint) = complaint {
            return Err(invalid(&complaint));
        }
        if take("response_type").as_deref() != Some("code") {
            return Err(refuse("unsupported_response_type", "response_type is not code"));
        }
        if take("code_challenge_method").as_deref() != Some("S256") {
            return Err(invalid("code_challenge_method is not S256"));
        }
        let code_challenge = take("code_challenge").ok_or_else(|| invalid("code_challenge is missing"))?;
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if code_challenge.len() != CHALLENGE_LENGTH || !code_challenge.bytes().all(base64url) {
            return Err(invalid("code_challenge is not 43 characters of base64url"));
        }
        if take("code").is_some_and(|code| code != "true") {
            return Err(invalid("code is not true"));
        }
        let scope = take("scope").ok_or_else(|| refuse("invalid_scope", "scope is missing"))?;
        let scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
        if !scopes.iter().all(|scope| SCOPES.contains(&scope.as_str())) {
            return Err(refuse("invalid_scope", "a scope is not known"));
        }
        let login_hint = take("login_hint");
        let authorization = Authorization { client_id, redirect_uri, code_challenge, state, scopes };
        Ok(Self { authorization, redirect, login_hint })
    }

    fn refuse(&self, error: &'static str, why: &str) -> Refusal {
        Refusal::redirect(&self.redirect, Some(&self.authorization.state), error, why)
    }
}

/// Why there is no code.
enum Refusal {
    /// Told to the person alone, since there is no redirect to trust.
    Page(&'static str),
    /// Told to the client.
    Redirect(Url),
}

impl Refusal {
    fn redirect(to: &Url, state: Option<&str>, error: &str, why: &str) -> Self {
        let mut to = to.clone();
        let mut query = to.query_pairs_mut();
        query.append_pair("error", error).append_pair("error_description", &format!("practice: {why}"));
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        drop(query);
        Self::Redirect(to)
    }

    fn invalid_request(to: &Url, state: Option<&str>, why: &str) -> Self {
        Self::redirect(to, state, "invalid_request", why)
    }

    fn answer(self) -> Response {
        match self {
            Self::Page(why) => uncached((StatusCode::BAD_REQUEST, pages::refused(why))),
            Self::Redirect(to) => see_other(to, &[]),
        }
    }
}

/// The redirect, if it is a loopback listener of the client's or the provider's own page.
fn redirect(uri: &str, port: u16) -> Option<Url> {
    let url = Url::parse(uri).ok()?;
    let loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let plain =
        url.scheme() == "http" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let known = match url.path() {
        "/callback" => url.port().is_some(),
        CALLBACK => url.port() == Some(port),
        _ => false,
    };
    (loopback && plain && known).then_some(url)
}

/// 303, so that a browser that posted the page's form comes with GET.
fn see_other(mut to: Url, parameters: &[(&str, &str)]) -> Response {
    if !parameters.is_empty() {
        to.query_pairs_mut().extend_pairs(parameters);
    }
    uncached(Redirect::to(to.as_str()).into_response())
}

#[cfg(test)]
mod tests {
    use super::redirect;

    #[test]
    fn redirects_are_loopback_or_our_own_page() {
        for good in [
            "http://localhost:54545/callback",
            "http://127.0.0.1:1/callback",
            "http://[::1]:9/callback",
            "http://127.0.0.1:4000/oauth/code/callback",
            "http://localhost:4000/oauth/code/callback",
        ] {
            assert!(redirect(good, 4000).is_some(), "{good}");
        }
        for bad in [
            "https://localhost:54545/callback",
            "http://localhost/callback",
            "http://localhost:54545/",
            "http://localhost:54545/callback?next=1",
            "http://localhost:54545/callback#part",
            "http://me@localhost:54545/callback",
            "http://localhost.example:54545/callback",
            "http://127.0.0.1:4001/oauth/code/callback",
            "https://platform.claude.com/oauth/code/callback",
            "callback",
        ] {
            assert!(redirect(bad, 4000).is_none(), "{bad}");
        }
    }
}
