//! One request: held against the gate, its body taken within bounds, answered, dressed and measured.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;
use tower::ServiceExt;

use super::Door;
use super::connections::{Busy, Open};
use crate::api::Problem;
use crate::gate::{Kind, dress};
use crate::meters::TOKEN;
use crate::shared::Peer;

/// The largest body: a code with its state, many times over.
const LARGEST_BODY: usize = 16 * 1024;
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn answer(
    door: &Door,
    open: &Open,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let (busy, begun) = (Arc::new(open.busy()), Instant::now());
    let endpoint = endpoint(request.uri());
    let mut response = match admitted(door, peer, &busy, request).await {
        Ok(request) => match door.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        },
        Err(problem) => problem.into_response(),
    };
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    dress(response.headers_mut(), if is_page { Kind::Page } else { Kind::Data }, door.shared.is_tls());
    door.shared.meters.answered(endpoint, response.status().as_u16(), begun.elapsed());
    Ok(response)
}

/// The request as it is answered.
async fn admitted(
    door: &Door,
    peer: Peer,
    busy: &Arc<Busy>,
    request: Request<Incoming>,
) -> Result<Request<Body>, Problem> {
    let (mut head, body) = request.into_parts();
    door.shared.names.check(&head)?;
    let body = match head.method {
        Method::GET | Method::HEAD => Body::empty(),
        _ => taken(body).await?,
    };
    head.extensions.insert(peer);
    // For answers that go on after this.
    head.extensions.insert(busy.clone());
    Ok(Request::from_parts(head, body))
}

/// The whole body. None of ours is long, so none is waited for at length.
async fn taken(body: Incoming) -> Result<Body, Problem> {
    if body.size_hint().lower() > u64::try_from(LARGEST_BODY).unwrap_or(u64::MAX) {
        return Err(Problem::too_large(LARGEST_BODY));
    }
    let whole = timeout(BODY_WITHIN, Limited::new(body, LARGEST_BODY).collect()).await;
    match whole.map_err(|_| Problem::too_slow())? {
        Ok(whole) => Ok(Body::new(Full::new(whole.to_bytes()))),
        Err(why) if why.is::<http_body_util::LengthLimitError>() => Err(Problem::too_large(LARGEST_BODY)),
        Err(_) => Err(Problem::bad_request("The body ended before its end.")),
    }
}

/// The endpoint's name for the metrics: few, whatever is asked for.
fn endpoint(uri: &Uri) -> &'static str {
    let path = uri.path();
    let of = |part: &str| path.contains(part);
    match () {
        () if path.ends_with("/v1/token") => TOKEN,
        () if of("/auth/claude/oauth") => "oauth",
        () if of("/health") => "health",
        () if path.ends_with("/status") => "status",
        () if path.ends_with("/metrics") => "metrics",
        () => "other",
    }
}
