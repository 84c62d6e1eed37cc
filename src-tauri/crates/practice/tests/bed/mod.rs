//! A client for the tests: does each step right, and lets a test do one of them wrong.

#![allow(clippy::unwrap_used, reason = "this is test code")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use practice::{CLIENT_ID, OAUTH_BETA, Options, Practice};
use reqwest::{RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of [`VERIFIER`].
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const STATE: &str = "a-state-of-the-client";
pub(crate) const REDIRECT: &str = "http://localhost:54545/callback";
pub(crate) const SCOPES: &str = "user:profile user:inference";

/// A client of one provider.
pub(crate) struct Client {
    pub(crate) practice: Practice,
    pub(crate) http: reqwest::Client,
}

/// What a token answer holds.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

pub(crate) fn automatic() -> Options {
    Options { automatic: true, ..Options::default() }
}

impl Client {
    pub(crate) async fn start(options: Options) -> Self {
        // The client wants a provider of cryptography, though only http is spoken; whoever comes first installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // An answer that never comes fails a test instead of holding it up.
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(Duration::from_secs(5));
        Self { practice: Practice::start(options).await.unwrap(), http: http.build().unwrap() }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.practice.url() + path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.practice.url() + path)
    }

    /// The parameters of a good request to authorize.
    pub(crate) fn parameters() -> Vec<(&'static str, String)> {
        [
            ("code", "true"),
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPES),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", STATE),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }

    pub(crate) async fn authorize(&self, parameters: &[(&str, String)]) -> Response {
        let url = Url::parse_with_params(&(self.practice.url() + "/oauth/authorize"), parameters).unwrap();
        self.http.get(url).send().await.unwrap()
    }

    /// A code, by the automatic page.
    pub(crate) async fn code(&self) -> String {
        let answer = self.authorize(&Self::parameters()).await;
        parameter(&answer, "code").unwrap()
    }

    /// The body of a good exchange.
    pub(crate) fn exchange_body(code: &str) -> Value {
        json!({
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": CLIENT_ID,
            "code_verifier": VERIFIER,
            "state": STATE,
        })
    }

    pub(crate) fn refresh_body(refresh_token: &str) -> Value {
        json!({ "grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": CLIENT_ID, "scope": SCOPES })
    }

    pub(crate) async fn token(&self, body: &Value) -> (StatusCode, Value) {
        read(self.post("/v1/oauth/token").json(body).send().await.unwrap()).await
    }

    pub(crate) async fn sign_in(&self) -> Tokens {
        let (status, answer) = self.token(&Self::exchange_body(&self.code().await)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        Tokens::of(&answer)
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> (StatusCode, Value) {
        self.token(&Self::refresh_body(refresh_token)).await
    }

    pub(crate) fn refreshing(&self, refresh_token: &str) -> RequestBuilder {
        self.post("/v1/oauth/token").json(&Self::refresh_body(refresh_token))
    }

    pub(crate) async fn profile(&self, access_token: &str) -> (StatusCode, Value) {
        let request = self.get("/api/oauth/profile").bearer_auth(access_token).header("anthropic-beta", OAUTH_BETA);
        read(request.send().await.unwrap()).await
    }
}

impl Tokens {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// A parameter of the address that an answer redirects to.
pub(crate) fn parameter(answer: &Response, name: &str) -> Option<String> {
    let location = Url::parse(answer.headers().get("location")?.to_str().unwrap()).unwrap();
    location.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

pub(crate) async fn read(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap())
}
