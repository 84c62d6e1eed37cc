//! The system's `ssh`, how it is started, and what it says.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::SshAddress;
use super::fault::SshError;

/// How long ssh may take to reach the host and agree on keys with it, in seconds. A network across the world takes one.
pub(super) const CONNECT_SECONDS: u64 = 10;
/// A laptop that slept, or a network that is gone, is noticed after this many seconds times three.
const ALIVE_SECONDS: u64 = 15;
/// ssh has said what it had to say long before; a program that inherited its standard error may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Far more than ssh and docker say of an error.
const MOST_WORDS: usize = 16 << 10;

/// How a connection is shared with others to the same host.
#[derive(Clone, Copy)]
pub(super) enum Sharing<'a> {
    /// As ssh's settings have it, but ours is never the one that others go through: it ends when we don't need it.
    AsSet,
    /// This one lets others through, at this socket.
    Lead(&'a Path),
    /// This one goes through the leading one.
    Follow(&'a Path),
}

/// An ssh that runs. Killed when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    said: Arc<Mutex<Vec<u8>>>,
    reading: tokio::task::JoinHandle<()>,
}

/// What is left of it without its input and output.
pub(super) struct Ending {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    reading: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(super) fn start(program: &Path, at: &SshAddress, sharing: Sharing<'_>) -> Result<Self, SshError> {
        let mut command = command(program);
        for option in ["BatchMode=yes", "ClearAllForwardings=yes"] {
            command.args(["-o", option]);
        }
        command.args(["-o", &format!("ConnectTimeout={CONNECT_SECONDS}")]);
        command.args(["-o", &format!("ServerAliveInterval={ALIVE_SECONDS}"), "-o", "ServerAliveCountMax=3", "-T"]);
        let path = match sharing {
            Sharing::AsSet => {
                command.args(["-o", "ControlMaster=no"]);
                None
            }
            Sharing::Lead(path) => {
                command.args(["-o", "ControlMaster=yes", "-o", "ControlPersist=no"]);
                Some(path)
            }
            Sharing::Follow(path) => {
                command.args(["-o", "ControlMaster=no"]);
                Some(path)
            }
        };
        if let Some(path) = path {
            command.arg("-S").arg(path);
        }
        command.args(at.arguments());
        // The leading one waits for its input's end, and does no more.
        command.arg(if matches!(sharing, Sharing::Lead(_)) { "cat".to_owned() } else { at.command() });
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| SshError::no_program(program, &error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(SshError::Lost { at: at.clone(), reason: "its pipes are missing".to_owned() });
        };
        let said = Arc::default();
        let reading = tokio::spawn(listen(stderr, Arc::clone(&said)));
        Ok(Self { child, stdin, stdout, said, reading })
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Why it ended.
    pub(super) async fn why(self, at: &SshAddress) -> SshError {
        let ended = Ending { child: self.child, said: self.said, reading: self.reading }.wait(at).await;
        ended.err().unwrap_or_else(|| SshError::Lost { at: at.clone(), reason: "it ended at once".to_owned() })
    }

    pub(super) fn into_parts(self) -> (ChildStdin, ChildStdout, Ending) {
        let Self { child, stdin, stdout, said, reading } = self;
        (stdin, stdout, Ending { child, said, reading })
    }
}

impl Ending {
    /// Waits for its end, which is at hand.
    ///
    /// # Errors
    /// What it said, if it did not end well.
    pub(super) async fn wait(mut self, at: &SshAddress) -> Result<(), SshError> {
        let status = self.child.wait().await;
        let _ = timeout(LAST_WORDS, &mut self.reading).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(SshError::told(at, status.code(), &said)),
            Err(error) => Err(SshError::Lost { at: at.clone(), reason: error.to_string() }),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Whether ssh's settings share connections to this host already. A person who signs in to it with more than a key, once
/// a day, has set that, and needs it to be used.
pub(super) async fn shares_already(program: &Path, at: &SshAddress) -> bool {
    let asked = command(program).arg("-G").args(at.arguments()).stderr(Stdio::null()).kill_on_drop(true).output();
    let Ok(Ok(answer)) = timeout(Duration::from_secs(CONNECT_SECONDS), asked).await else { return false };
    let settings = String::from_utf8_lossy(&answer.stdout);
    settings.lines().any(|line| line.strip_prefix("controlpath ").is_some_and(|path| path != "none"))
}

fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // What the system says of errors comes in the language of the locale; ssh itself speaks English.
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

/// Reads on to the end, so that it is never held up, and keeps the beginning.
async fn listen(mut from: impl AsyncRead + Unpin, said: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_WORDS.saturating_sub(said.len()).min(count);
        said.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
}
