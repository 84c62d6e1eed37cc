//! A provider whose page lets people in by Google alone: for the app's own window. A browser, which Google lets in, is let
//! through to the practice provider behind it at once, as is everything else.

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Sign in</title>
    <p><a href='https://accounts.google.com/o/oauth2/v2/auth?client_id=practice'>Continue with Google</a></p>";

/// Bodies here are a few hundred bytes.
const LARGEST: usize = 1 << 20;

#[derive(Clone)]
struct Behind {
    url: String,
    client: reqwest::Client,
}

/// Its address. It ends with the runtime of the test.
pub(crate) async fn front(behind: &str) -> String {
    let client = client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Behind { url: behind.to_owned(), client });
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

/// A client that goes the straight way, on the house's own TLS.
pub(crate) fn client() -> reqwest::ClientBuilder {
    // Of two tests in one process the second finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

async fn answer(State(behind): State<Behind>, request: Request) -> Response {
    let agent = request.headers().get(header::USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if request.uri().path() == "/oauth/authorize" && agent.contains("AppleWebKit") {
        return Html(PAGE).into_response();
    }
    behind.ask(request).await.unwrap_or_else(|why| (StatusCode::BAD_GATEWAY, why.to_string()).into_response())
}

impl Behind {
    async fn ask(&self, request: Request) -> Result<Response, Box<dyn std::error::Error>> {
        let (parts, body) = request.into_parts();
        let to = format!("{}{}", self.url, parts.uri.path_and_query().map_or("/", |it| it.as_str()));
        let body: Bytes = to_bytes(body, LARGEST).await?;
        let mut headers = parts.headers;
        headers.remove(header::HOST);
        let answered = self.client.request(parts.method, to).headers(headers).body(body).send().await?;
        let (status, mut headers) = (answered.status(), answered.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        Ok((status, headers, answered.bytes().await?).into_response())
    }
}
