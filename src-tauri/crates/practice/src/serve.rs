//! Takes connections, and leads each request past the record and the faults to its handler.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse as _, routing::any};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt as _;

use crate::{
    api, authorize, control,
    faults::{self, KeepRefreshToken, NoAnswer, Trouble},
    messages,
    record::{Asked, Entry},
    refusal::ApiRefusal,
    shared::Shared,
    state::Granted,
    token,
};

/// After a failure to accept, such as too many open files: long enough for others to close theirs.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The largest request that is read; what Claude Code sends to the API stays far below.
const LARGEST_REQUEST: usize = 32 * 1024 * 1024;

/// Serves until it is dropped, which also closes every connection.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, control: bool) {
    let router = router(&shared, control);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Answers are small: Nagle's algorithm would only hold them back.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(TokioIo::new(stream), Arc::clone(&shared), router.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TokioIo<tokio::net::TcpStream>, shared: Arc<Shared>, router: Router) {
    let service = service_fn(|request| answer(Arc::clone(&shared), router.clone(), request));
    // An error here is a client that went away, or a fault that was asked for.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service).await;
}

fn router(shared: &Arc<Shared>, control: bool) -> Router {
    let router = Router::new()
        .route("/", any(async || "This is the practice provider of Tokenferry. It is not Claude.\n"))
        .merge(authorize::router())
        .merge(token::router())
        .merge(api::router())
        .merge(messages::router())
        .fallback(async || ApiRefusal::not_found())
        .method_not_allowed_fallback(async || ApiRefusal::method_not_allowed());
    let router = if control { router.merge(control::router()) } else { router };
    router.with_state(Arc::clone(shared))
}

/// Answers one request. An error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, router: Router, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let (mut head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_REQUEST).await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    if head.uri.path().starts_with(control::PREFIX) {
        let Ok(answer) = router.oneshot(Request::from_parts(head, Body::from(body))).await;
        return Ok(answer);
    }

    let asked = Asked::of(&head, &body);
    let (number, fault, now) = {
        let mut inner = shared.lock();
        let fault = inner.faults.take(asked.endpoint);
        let mut entry = Entry::of(&head, &asked, Timestamp::now());
        entry.fault = fault.as_ref().map(|fault| fault.trouble.name());
        inner.received.extend(asked.secrets);
        (inner.record.arrived(entry), fault, inner.now())
    };
    if fault.as_ref().is_some_and(|fault| fault.trouble == Trouble::KeepRefreshToken) {
        head.extensions.insert(KeepRefreshToken);
    }

    let work = async {
        let Ok(answer) = router.oneshot(Request::from_parts(head, Body::from(body))).await;
        if let Some(entry) = shared.lock().record.entry(number) {
            entry.granted = answer.extensions().get::<Granted>().copied();
        }
        answer
    };
    let mut answer = match fault {
        None => work.await,
        Some(fault) => faults::play(&fault, now, work).await?,
    };

    if let Some(date) = faults::http_date(shared.now()).and_then(|date| HeaderValue::try_from(date).ok()) {
        answer.headers_mut().insert(header::DATE, date);
    }
    if let Some(entry) = shared.lock().record.entry(number) {
        entry.status = Some(answer.status().as_u16());
    }
    Ok(answer)
}
