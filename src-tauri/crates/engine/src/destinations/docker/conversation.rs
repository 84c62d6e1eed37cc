//! Speaking with a courier over its standard input and output.

use std::pin::Pin;
use std::time::Duration;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error as CallError;
use courier::protocol::{Answer, FAREWELL, LENGTH, MAX_FRAME, Request};
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use zeroize::{Zeroize, Zeroizing};

use super::EngineError;
use super::reach::Reach;

/// A courier that says nothing for so long is stuck, most likely in a file system that is: the slowest thing it does before
/// it answers is getting a batch of writes, a few KB each, onto the disk.
const SILENCE: Duration = Duration::from_secs(20);
/// A courier ends as soon as it is told; its stream closes with it.
const ENDING: Duration = Duration::from_secs(5);
/// How many bytes of small requests go out at once: as much as a pipe holds on Linux. Each time, the engine, its shim and
/// the courier are woken one after the other.
const AT_ONCE: usize = 64 << 10;

/// A running courier.
pub(super) struct Courier {
    id: String,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, CallError>> + Send>>,
    /// What came and was not a whole frame yet.
    received: Zeroizing<Vec<u8>>,
    reach: Reach,
}

impl Courier {
    pub(super) fn new(id: String, attached: AttachContainerResults, reach: &Reach) -> Self {
        Self {
            id,
            input: attached.input,
            output: attached.output,
            received: Zeroizing::default(),
            reach: reach.clone(),
        }
    }

    /// Asks everything at once and gathers the answers, in order. Where the courier falls silent, there are fewer
    /// answers than requests, and the reason.
    pub(super) async fn ask(&mut self, requests: &[Request]) -> (Vec<Answer>, Result<(), EngineError>) {
        let mut answers = Vec::with_capacity(requests.len());
        let result = self.converse(requests, &mut answers).await;
        (answers, result)
    }

    async fn converse(&mut self, requests: &[Request], answers: &mut Vec<Answer>) -> Result<(), EngineError> {
        let Self { input, output, received, reach, .. } = self;
        let batches: Vec<_> = together(requests.iter().map_while(encode)).collect();
        let write = async {
            for frames in &batches {
                if input.write_all(frames).await.is_err() {
                    break;
                }
            }
            let _ = input.flush().await;
            // Should writing have failed, reading says why: the stream has ended.
            std::future::pending::<()>().await;
        };
        let read = async {
            while answers.len() < requests.len() {
                let frame = timeout(SILENCE, next_frame(output, received, reach))
                    .await
                    .map_err(|_| EngineError::Hangs { shown: reach.shown.clone() })??;
                answers.push(Answer::decode(&frame).map_err(|error| broken(reach, &error.to_string()))?);
            }
            Ok(())
        };
        match select(std::pin::pin!(read), std::pin::pin!(write)).await {
            Either::Left((read, _)) => read,
            Either::Right(_) => Ok(()),
        }
    }

    /// Lets it end, and answers its container's id.
    pub(super) async fn farewell(mut self) -> String {
        let ending = async {
            let _ = self.input.write_all(&FAREWELL).await;
            let _ = self.input.flush().await;
            while let Some(Ok(_)) = self.output.next().await {}
        };
        let _ = timeout(ENDING, ending).await;
        self.id
    }
}

fn broken(reach: &Reach, reason: &str) -> EngineError {
    EngineError::Broken { shown: reach.shown.clone(), reason: reason.to_owned() }
}

async fn next_frame(
    output: &mut Pin<Box<dyn Stream<Item = Result<LogOutput, CallError>> + Send>>,
    received: &mut Zeroizing<Vec<u8>>,
    reach: &Reach,
) -> Result<Zeroizing<Vec<u8>>, EngineError> {
    loop {
        if let Some(frame) = take_frame(received).map_err(|()| broken(reach, "the courier's answer makes no sense"))? {
            return Ok(frame);
        }
        match output.next().await {
            Some(Ok(LogOutput::StdOut { message })) => received.extend_from_slice(&message),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(EngineError::from_call(&error, reach)),
            None => return Err(broken(reach, "the courier ended before it had answered")),
        }
    }
}

fn encode(request: &Request) -> Option<Zeroizing<Vec<u8>>> {
    request.encode().ok()
}

/// Puts frames together while they fit into [`AT_ONCE`]; a larger one goes by itself.
fn together(frames: impl Iterator<Item = Zeroizing<Vec<u8>>>) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let mut frames = frames.peekable();
    std::iter::from_fn(move || {
        let first = frames.next()?;
        if first.len() >= AT_ONCE {
            return Some(first);
        }
        // Room for all of it, as a buffer that grows leaves copies behind.
        let mut batch = Zeroizing::new(Vec::with_capacity(AT_ONCE));
        batch.extend_from_slice(&first);
        while let Some(next) = frames.next_if(|next| batch.len() + next.len() <= AT_ONCE) {
            batch.extend_from_slice(&next);
        }
        Some(batch)
    })
}

/// Takes the first whole frame's body from what was received.
fn take_frame(received: &mut Zeroizing<Vec<u8>>) -> Result<Option<Zeroizing<Vec<u8>>>, ()> {
    let Some((length, rest)) = received.split_first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_FRAME {
        return Err(());
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let body = Zeroizing::new(body.to_vec());
    let rest = rest.get(length..).unwrap_or_default().to_vec();
    received.zeroize();
    **received = rest;
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut bytes: Zeroizing<Vec<u8>>) -> (Vec<Vec<u8>>, usize) {
        let mut frames = Vec::new();
        while let Some(frame) = take_frame(&mut bytes).unwrap() {
            frames.push(frame.to_vec());
        }
        (frames, bytes.len())
    }

    #[test]
    fn frames_are_taken_wherever_the_stream_was_cut() {
        let whole = [&[2, 0, 0, 0, 7, 8][..], &[0, 0, 0, 0], &[1, 0, 0, 0, 9]].concat();
        let expected = vec![vec![7, 8], vec![], vec![9]];
        assert_eq!(frames(Zeroizing::new(whole.clone())), (expected.clone(), 0));
        for cut in 0..whole.len() {
            let (mut first, second) = (Zeroizing::new(whole[..cut].to_vec()), &whole[cut..]);
            let mut found = Vec::new();
            while let Some(frame) = take_frame(&mut first).unwrap() {
                found.push(frame.to_vec());
            }
            first.extend_from_slice(second);
            found.extend(frames(first).0);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn frames_go_together_while_they_fit() {
        let sizes = [10, AT_ONCE - 10, 1, AT_ONCE, AT_ONCE + 1, 2, 3];
        let frames = sizes.map(|size| Zeroizing::new(vec![0_u8; size]));
        let sent: Vec<_> = together(frames.into_iter()).map(|frames| frames.len()).collect();
        assert_eq!(sent, [AT_ONCE, 1, AT_ONCE, AT_ONCE + 1, 5]);
    }

    #[test]
    fn a_frame_larger_than_any_is_refused_at_once() {
        assert!(take_frame(&mut Zeroizing::new(u32::MAX.to_le_bytes().to_vec())).is_err());
    }
}
