//! Connections to an engine that are open already, for requests that must not be a millisecond late: to an engine under
//! load it makes the difference whether it has to accept a connection first.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use http::header::HOST;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio_util::task::AbortOnDropHandle;

/// As many as one container takes: two uploads, and a look between them.
const ENOUGH: usize = 3;
/// As many are kept open at least: for two containers at once.
const READY: usize = 6;
/// What an engine tells of a container is some KB.
const LONGEST_ANSWER: usize = 4 << 20;

type Body = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>>;

/// Why there is no answer.
pub(super) type LineError = Box<dyn std::error::Error + Send + Sync>;

/// What the engine will say: its status and its words.
pub(super) type Answer = BoxFuture<'static, Result<(StatusCode, Bytes), LineError>>;

/// The open connections that nobody is using.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Lines(Arc<Mutex<Vec<Line>>>);

/// A connection that waits for its next request.
#[derive(Debug)]
struct Line {
    requests: SendRequest<Body>,
    _connection: AbortOnDropHandle<()>,
}

impl Lines {
    /// Whether there are enough for a container.
    pub(super) fn are_ready(&self) -> bool {
        self.open().len() >= ENOUGH
    }

    /// Sees to it that there are some to spare, each of which has been answered once: an engine hangs up on one that never asked.
    pub(super) async fn get_ready(&self, socket: &Path) -> Result<(), LineError> {
        let missing = READY.saturating_sub(self.open().len());
        for _ in 0..missing {
            let line = Line::connect(socket).await?;
            self.send(line, Method::HEAD, "/_ping", stream::empty()).await?;
        }
        Ok(())
    }

    /// Sends a request at once, and answers with what the engine says to it. None where no connection is open.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Option<Answer> {
        let line = self.open().pop()?;
        Some(self.send(line, method, path, body))
    }

    fn send(
        &self,
        mut line: Line,
        method: Method,
        path: &str,
        body: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Answer {
        let body: Body = StreamBody::new(Box::pin(body.map(|bytes| Ok(Frame::data(bytes)))));
        let request = Request::builder().method(method).uri(path).header(HOST, "docker").body(body);
        // On its way from here, not only when it is waited for.
        let sent = request.map(|request| line.requests.send_request(request));
        let lines = self.clone();
        Box::pin(async move {
            let (head, body) = sent?.await?.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
            lines.open().push(line);
            Ok((head.status, body))
        })
    }

    fn open(&self) -> MutexGuard<'_, Vec<Line>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| !line.requests.is_closed());
        lines
    }
}

impl Line {
    #[cfg(unix)]
    async fn connect(socket: &Path) -> io::Result<Self> {
        let stream = TokioIo::new(tokio::net::UnixStream::connect(socket).await?);
        let (requests, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
        let connection = tokio::spawn(async move {
            // What breaks it, whoever waits for an answer is told.
            let _ = connection.await;
        });
        Ok(Self { requests, _connection: AbortOnDropHandle::new(connection) })
    }

    #[cfg(not(unix))]
    async fn connect(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
