//! Making connections: the first one signs in, and lets the others through to the same host, as each would otherwise
//! cost a sign-in of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::SshAddress;
use super::fault::SshError;
use super::program::{CONNECT_SECONDS, Running, Sharing, shares_already};
use super::stream::SshStream;

/// Between two looks whether the leading connection is ready: a sign-in takes a tenth of a second at least.
const LOOK: Duration = Duration::from_millis(10);
/// For signing in, beyond reaching the host: a key that sits in a piece of hardware may need to be touched.
const SIGN_IN: Duration = Duration::from_secs(CONNECT_SECONDS + 8);
/// The longest path of a socket is 104 bytes on macOS and 108 on Linux; ssh appends 17 while it makes one.
const LONGEST_PATH: usize = 104 - 1 - 17;

/// Makes connections to one engine.
#[derive(Clone)]
pub(in crate::destinations::docker) struct Connector(Arc<Shared>);

struct Shared {
    at: SshAddress,
    program: PathBuf,
    /// One at a time, so that all others find the leading connection ready.
    way: Mutex<Way>,
}

/// How connections go.
enum Way {
    NotTried,
    /// Each by itself, or as ssh's settings have it.
    Alone,
    /// Through the leading one.
    Together(Box<Lead>),
}

/// The connection that lets others through. It does nothing itself, and ends when this process does, however it does:
/// its input is closed then.
struct Lead {
    /// Private, so that nobody else goes through.
    folder: TempDir,
    running: Option<Running>,
}

impl Lead {
    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }
}

impl Connector {
    pub(in crate::destinations::docker) fn new(at: SshAddress, program: PathBuf) -> Self {
        Self(Arc::new(Shared { at, program, way: Mutex::new(Way::NotTried) }))
    }

    /// Makes a connection. That the host can be signed in to is known then, where connections are shared; otherwise the
    /// first answer tells.
    pub(super) async fn connect(self) -> Result<TokioIo<SshStream>, SshError> {
        let Shared { at, program, .. } = &*self.0;
        let socket = self.lead().await?;
        let sharing = socket.as_deref().map_or(Sharing::AsSet, Sharing::Follow);
        Ok(TokioIo::new(SshStream::new(Running::start(program, at, sharing)?, at.clone())))
    }

    /// The leading connection's socket, once it is ready; none where connections go alone.
    async fn lead(&self) -> Result<Option<PathBuf>, SshError> {
        let Shared { at, program, way } = &*self.0;
        let mut way = way.lock().await;
        if matches!(*way, Way::NotTried) {
            *way = match private_folder() {
                Some(folder) if !shares_already(program, at).await => {
                    Way::Together(Box::new(Lead { folder, running: None }))
                }
                _ => Way::Alone,
            };
        }
        let Way::Together(lead) = &mut *way else { return Ok(None) };
        let socket = lead.socket();
        if lead.running.as_mut().is_none_or(Running::has_ended) {
            // One that was killed has left it.
            let _ = std::fs::remove_file(&socket);
            lead.running = None;
            match started(program, at, &socket).await? {
                Some(running) => lead.running = Some(running),
                None => {
                    *way = Way::Alone;
                    return Ok(None);
                }
            }
        }
        Ok(Some(socket))
    }
}

/// Starts a leading connection and waits until it lets others through. None where the host is signed in to, and runs
/// nothing but docker.
async fn started(program: &Path, at: &SshAddress, socket: &Path) -> Result<Option<Running>, SshError> {
    let mut running = Running::start(program, at, Sharing::Lead(socket))?;
    let begun = Instant::now();
    while !socket.exists() {
        if running.has_ended() {
            return match running.why(at).await {
                why if why.is_of_ssh() => Err(why),
                _ => Ok(None),
            };
        }
        if begun.elapsed() > SIGN_IN {
            return Err(SshError::Unreachable { at: at.clone(), reason: "it does not answer".to_owned() });
        }
        sleep(LOOK).await;
    }
    Ok(Some(running))
}

/// A folder for a socket, which nobody else can enter; none where it would be too long, or the system has no sockets.
fn private_folder() -> Option<TempDir> {
    if cfg!(not(unix)) {
        return None;
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    let make = |within: PathBuf| tempfile::Builder::new().prefix("tokenferry-ssh-").tempdir_in(within).ok();
    // Made with mode 0700.
    let folder = runtime.and_then(|folder| make(folder.into())).or_else(|| make(std::env::temp_dir()))?;
    (folder.path().as_os_str().len() + "/s".len() <= LONGEST_PATH).then_some(folder)
}
