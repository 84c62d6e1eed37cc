//! Making connections: the first one signs in, and lets the others through to the same host, as each would otherwise
//! cost a sign-in of its own.

use std::fs;
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

/// What the folders of sockets are called.
const PREFIX: &str = "tokenferry-ssh-";
/// An empty folder of this age waits for no sign-in: a process was killed, or its connection is gone.
const OLD: Duration = Duration::from_secs(300);

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
        let leads_no_more = match lead.running.take_if(Running::has_ended) {
            Some(ended) => !ended.why(at).await.is_of_ssh(),
            None => false,
        };
        if !leads_no_more && (lead.running.is_some() || lead.start(program, at).await?) {
            return Ok(Some(lead.socket()));
        }
        *way = Way::Alone;
        Ok(None)
    }
}

impl Lead {
    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Starts it and waits until it lets others through. False where the host can be signed in to, and runs nothing but
    /// docker.
    async fn start(&mut self, program: &Path, at: &SshAddress) -> Result<bool, SshError> {
        // One that was killed has left its socket; and an empty folder may have been swept away meanwhile.
        let _ = fs::remove_file(self.socket());
        if !self.folder.path().exists() {
            match private_folder() {
                Some(folder) => self.folder = folder,
                None => return Ok(false),
            }
        }
        let socket = self.socket();
        let mut running = Running::start(program, at, Sharing::Lead(&socket))?;
        let begun = Instant::now();
        while !socket.exists() {
            if running.has_ended() {
                let why = running.why(at).await;
                return if why.is_of_ssh() { Err(why) } else { Ok(false) };
            }
            if begun.elapsed() > SIGN_IN {
                return Err(SshError::Unreachable { at: at.clone(), reason: "it does not answer".to_owned() });
            }
            sleep(LOOK).await;
        }
        self.running = Some(running);
        Ok(true)
    }
}

/// A folder for a socket, which nobody else can enter; none where its path would be too long, or the system can't share
/// connections.
fn private_folder() -> Option<TempDir> {
    if cfg!(not(unix)) {
        return None;
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let places = runtime.into_iter().chain([std::env::temp_dir()]);
    // Made with mode 0700.
    let mut made = places.filter_map(|place| {
        sweep(&place);
        tempfile::Builder::new().prefix(PREFIX).tempdir_in(place).ok()
    });
    made.find(|folder| folder.path().as_os_str().len() + "/s".len() <= LONGEST_PATH)
}

/// Removes what killed processes have left: their folders, which are empty, as their ssh took its socket away.
fn sweep(place: &Path) {
    let found = fs::read_dir(place).into_iter().flatten().flatten();
    for folder in found.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let changed = folder.metadata().and_then(|metadata| metadata.modified());
        if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > OLD)) {
            // Fails where it is not empty, or not ours.
            let _ = fs::remove_dir(folder.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_empty_folders_of_old_are_swept_away() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (left, used, fresh, other) = (
            folder("tokenferry-ssh-left"),
            folder("tokenferry-ssh-used"),
            folder("tokenferry-ssh-fresh"),
            folder("other"),
        );
        fs::write(used.join("s"), "").unwrap();
        let old = std::time::SystemTime::now() - OLD - Duration::from_secs(60);
        for path in [&left, &used, &other] {
            fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
        sweep(place.path());
        assert!(!left.exists() && used.exists() && fresh.exists() && other.exists());
    }
}
