//! Connections: taken, bounded, held to clocks, and led to the answers. Nobody who holds one open keeps another out.

mod answering;
mod connections;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use self::connections::Open;
pub(crate) use self::connections::{Busy, Connections};
pub(crate) use self::tls::Certificate;
use crate::shared::{Peer, Shared};

/// How long a client may take to send a request's head, and to stay silent between two.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take nothing of its answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// How long greeting by TLS may take.
const GREETED_WITHIN: Duration = Duration::from_secs(5);
/// How long what is being answered may go on when the end has come.
pub(crate) const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// After a failure to accept, such as too many open files: long enough for others to close theirs.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// The largest head of a request.
const LARGEST_HEAD: usize = 16 * 1024;

/// What connections need.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) shared: Arc<Shared>,
    pub(crate) router: Router,
    pub(crate) connections: Arc<Connections>,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Takes connections at an address until the end has come.
pub(crate) async fn at_address(listener: TcpListener, door: Door) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.shared.stop.cancelled() => return,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // Answers are small: Nagle's algorithm would only hold them back.
        let _ = stream.set_nodelay(true);
        let (door, open) = (door.clone(), door.connections.open(&door.shared.meters).await);
        let peer = Peer(Some(peer.ip()));
        tokio::spawn(async move {
            match &door.tls {
                None => serve(stream, peer, &door, &open).await,
                Some(tls) => {
                    let greeted = tokio::select! {
                        greeted = timeout(GREETED_WITHIN, tls.accept(stream)) => greeted,
                        () = open.cut() => return,
                    };
                    if let Ok(Ok(stream)) = greeted {
                        serve(stream, peer, &door, &open).await;
                    }
                }
            }
        });
    }
}

/// Takes connections at a socket until the end has come. Its file goes with it.
#[cfg(unix)]
pub(crate) async fn at_socket(listener: tokio::net::UnixListener, path: PathBuf, door: Door) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.shared.stop.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let (door, open) = (door.clone(), door.connections.open(&door.shared.meters).await);
        tokio::spawn(async move { serve(stream, Peer(None), &door, &open).await });
    }
    let _ = std::fs::remove_file(path);
}

/// Serves one connection to its end, to the end of all, or until its place is needed.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer, door: &Door, open: &Open) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(TAKEN_WITHIN));
    let answer = service_fn(|request| answering::answer(door, open, peer, request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(LARGEST_HEAD);
    let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), answer);
    tokio::pin!(connection);
    tokio::select! {
        // What fails here is a client that went away, or was too slow.
        _ = connection.as_mut() => {}
        () = open.cut() => {
            if door.shared.stop.is_cancelled() {
                connection.as_mut().graceful_shutdown();
                let _ = timeout(ENDS_WITHIN, connection).await;
            }
        }
    }
}
