//! The loopback listener: takes the browser's redirect on a random port of 127.0.0.1. RFC 8252 section 7.3.
//!
//! Only an answer with the right state ends the wait. The code leaves the browser's address bar at once.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use oauth2::RedirectUrl;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::{Callback, CallbackError, Landing};
use crate::secret::SecretString;

/// How long the browser waits for the outcome: a person may have to be asked whether somebody else is to be replaced.
const OUTCOME_WITHIN: Duration = Duration::from_secs(10 * 60);
/// How long the browser may take to fetch the last page.
const LAST_PAGE_WITHIN: Duration = Duration::from_secs(3);

/// A listener that is bound, and waits for nobody yet.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect: RedirectUrl,
}

/// The browser's answer. Whoever takes it says how it ended, and the browser shows that.
#[derive(Debug)]
pub struct Arrival {
    /// The code, or the provider's no.
    pub code: Result<SecretString, CallbackError>,
    outcome: oneshot::Sender<Landing>,
    shown: Arc<Notify>,
}

impl Arrival {
    /// Shows the outcome in the browser and returns when it has been fetched, or has not within three seconds.
    pub async fn show(self, landing: Landing) {
        if self.outcome.send(landing).is_ok() {
            // Nobody is there to see it when this runs out.
            let _ = timeout(LAST_PAGE_WITHIN, self.shown.notified()).await;
        }
    }
}

struct Desk {
    state: SecretString,
    taken: AtomicBool,
    arrivals: mpsc::Sender<Arrival>,
    landing: Mutex<Landing>,
    shown: Arc<Notify>,
}

impl Loopback {
    /// Binds a free port.
    ///
    /// # Errors
    /// The system's own where it gives no port.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let redirect = RedirectUrl::new(format!("http://localhost:{port}/callback")).map_err(io::Error::other)?;
        Ok(Self { listener, redirect })
    }

    /// Where the provider shall send the browser.
    pub fn redirect(&self) -> &RedirectUrl {
        &self.redirect
    }

    /// Begins to wait for the answer to the sign-in with this state. To be called inside of a Tokio runtime.
    pub fn wait(self, state: SecretString) -> Waiting {
        let (arrivals, arrived) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            state,
            taken: AtomicBool::new(false),
            arrivals,
            landing: Mutex::new(Landing::stray()),
            shown: Arc::new(Notify::new()),
        });
        let pages = Router::new()
            .route("/callback", routing::get(callback))
            .route("/done", routing::get(done))
            .fallback(async || page(StatusCode::NOT_FOUND, &Landing::stray()))
            .with_state(desk);
        let serving = tokio::spawn(axum::serve(self.listener, pages).into_future());
        Waiting { arrived, serving }
    }
}

/// A listener at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    arrived: mpsc::Receiver<Arrival>,
    serving: tokio::task::JoinHandle<io::Result<()>>,
}

impl Waiting {
    /// The browser's answer, once. `None` where the listener broke.
    pub async fn arrival(&mut self) -> Option<Arrival> {
        self.arrived.recv().await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn callback(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Response {
    let answer = Callback::from_query(query.as_deref().unwrap_or_default());
    let code = match answer {
        Ok(answer) if answer.state == desk.state => Ok(answer.code),
        Err(CallbackError::Denied { reason, state: Some(state) }) if state == desk.state => {
            Err(CallbackError::Denied { reason, state: None })
        }
        _ => return page(StatusCode::BAD_REQUEST, &Landing::of_another()),
    };
    if desk.taken.swap(true, Ordering::SeqCst) {
        return page(StatusCode::OK, &Landing::again());
    }
    let (outcome, landing) = oneshot::channel();
    if desk.arrivals.send(Arrival { code, outcome, shown: desk.shown.clone() }).await.is_err() {
        return page(StatusCode::GONE, &Landing::failed("The sign-in was given up."));
    }
    let landing = match timeout(OUTCOME_WITHIN, landing).await {
        Ok(Ok(landing)) => landing,
        _ => Landing::failed("Tokenferry was stopped, or Claude took too long to answer."),
    };
    *desk.landing.lock().unwrap_or_else(PoisonError::into_inner) = landing;
    Redirect::to("/done").into_response()
}

async fn done(State(desk): State<Arc<Desk>>) -> Response {
    let landing = desk.landing.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // The page has left by the time that the notice is taken: the connection is written before it is closed.
    let shown = desk.shown.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        shown.notify_one();
    });
    page(StatusCode::OK, &landing)
}

fn page(status: StatusCode, landing: &Landing) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ];
    (status, headers, landing.html()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Page {
        base: String,
        client: reqwest::Client,
    }

    impl Page {
        async fn get(&self, path: &str) -> (u16, String, String) {
            let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
            let (status, url) = (answer.status().as_u16(), answer.url().to_string());
            (status, url, answer.text().await.unwrap())
        }
    }

    async fn waiting() -> (Waiting, Page) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = Loopback::bind().await.unwrap();
        let base = loopback.redirect().as_str().trim_end_matches("/callback").replace("localhost", "127.0.0.1");
        let waiting = loopback.wait(SecretString::new("right"));
        (waiting, Page { base, client: reqwest::Client::new() })
    }

    #[tokio::test]
    async fn the_code_arrives_and_leaves_the_address_bar() {
        let (mut waiting, browser) = waiting().await;
        let seen = tokio::spawn(async move { (browser.get("/callback?code=c0de&state=right").await, browser) });
        let arrival = waiting.arrival().await.unwrap();
        assert_eq!(arrival.code, Ok(SecretString::new("c0de")));
        arrival.show(Landing::signed_in("Ada")).await;
        let ((status, url, text), _) = seen.await.unwrap();
        assert_eq!(status, 200);
        assert!(url.ends_with("/done") && text.contains("You are signed in") && text.contains("Ada"));
    }

    #[tokio::test]
    async fn strays_and_wrong_states_do_not_end_the_wait() {
        let (mut waiting, browser) = waiting().await;
        assert_eq!(browser.get("/favicon.ico").await.0, 404);
        assert_eq!(browser.get("/callback").await.0, 400);
        assert_eq!(browser.get("/callback?code=c&state=wrong").await.0, 400);
        assert_eq!(browser.get("/callback?error=access_denied&state=wrong").await.0, 400);
        let seen = tokio::spawn(async move { browser.get("/callback?code=c&state=right").await });
        let arrival = waiting.arrival().await.unwrap();
        assert!(arrival.code.is_ok());
        arrival.show(Landing::signed_in("Ada")).await;
        seen.await.unwrap();
    }

    #[tokio::test]
    async fn a_second_hit_is_told_so_and_changes_nothing() {
        let (mut waiting, browser) = waiting().await;
        let browser = Arc::new(browser);
        let first = tokio::spawn({
            let browser = browser.clone();
            async move { browser.get("/callback?code=one&state=right").await }
        });
        let arrival = waiting.arrival().await.unwrap();
        assert!(browser.get("/callback?code=two&state=right").await.2.contains("already arrived"));
        assert_eq!(arrival.code, Ok(SecretString::new("one")));
        arrival.show(Landing::signed_in("Ada")).await;
        first.await.unwrap();
    }

    #[tokio::test]
    async fn a_no_ends_the_wait() {
        let (mut waiting, browser) = waiting().await;
        let seen = tokio::spawn(async move { browser.get("/callback?error=access_denied&state=right").await });
        let arrival = waiting.arrival().await.unwrap();
        assert!(matches!(&arrival.code, Err(CallbackError::Denied { reason, .. }) if reason == "access_denied"));
        arrival.show(Landing::failed("It was not granted.")).await;
        assert!(seen.await.unwrap().2.contains("did not work"));
    }
}
