//! A connection to an engine: what goes in and out of an ssh that runs `docker system dial-stdio` over there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{ChildStdin, ChildStdout};

use super::SshAddress;
use super::fault::SshError;
use super::program::{Ending, Running};

/// A connection. When it is dropped, its ssh is killed.
pub(super) struct SshStream {
    input: Option<ChildStdin>,
    output: ChildStdout,
    state: State,
    at: SshAddress,
}

enum State {
    Open(Ending),
    /// The output has ended; why, the program's own end tells.
    Closing(Pin<Box<dyn Future<Output = Result<(), SshError>> + Send>>),
    Closed,
}

impl SshStream {
    pub(super) fn new(running: Running, at: SshAddress) -> Self {
        let (input, output, ending) = running.into_parts();
        Self { input: Some(input), output, state: State::Open(ending), at }
    }

    /// Waits for the program's end; an end that is none of the engine's is an error.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.state, State::Open(_))
            && let State::Open(ending) = std::mem::replace(&mut self.state, State::Closed)
        {
            // It may wait for its own input's end.
            self.input = None;
            let at = self.at.clone();
            self.state = State::Closing(Box::pin(async move { ending.wait(&at).await }));
        }
        let State::Closing(end) = &mut self.state else { return Poll::Ready(Ok(())) };
        let ended = ready!(end.as_mut().poll(cx));
        self.state = State::Closed;
        Poll::Ready(ended.map_err(io::Error::other))
    }
}

impl AsyncRead for SshStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if matches!(self.state, State::Open(_)) {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.output).poll_read(cx, buffer))?;
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_end(cx)
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else { return Poll::Ready(Ok(bytes.len())) };
        match ready!(Pin::new(input).poll_write(cx, bytes)) {
            Ok(written) => Poll::Ready(Ok(written)),
            // That it has ended says nothing of why; reading does.
            Err(_) => {
                self.input = None;
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_flush(cx).map(|_| Ok(())),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Closes the engine's input; what it still has to say can be read.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(input) = &mut self.input {
            let _ = ready!(Pin::new(input).poll_shutdown(cx));
        }
        self.input = None;
        Poll::Ready(Ok(()))
    }
}

impl Connection for SshStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
