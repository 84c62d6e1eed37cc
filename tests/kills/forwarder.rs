//! A way to an engine that stays when the engine goes, as Docker Desktop's and a socket that systemd holds do: a connection
//! is taken at once, and cut where nobody is behind. It counts them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bed::TestEngine;
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// Forwards until it is dropped.
#[derive(Debug)]
pub(crate) struct Forwarder {
    host: String,
    taken: Arc<AtomicUsize>,
    taking: JoinHandle<()>,
}

impl Forwarder {
    /// Listens in this folder, for that engine.
    pub(crate) fn in_front_of(engine: &TestEngine, folder: &Path) -> Self {
        let behind = PathBuf::from(engine.host().trim_start_matches("unix://"));
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).expect("a socket should be made");
        let taken = Arc::new(AtomicUsize::new(0));
        let taking = tokio::spawn({
            let taken = Arc::clone(&taken);
            async move {
                while let Ok((connection, _)) = listener.accept().await {
                    taken.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(forward(connection, behind.clone()));
                }
            }
        });
        Self { host: format!("unix://{}", socket.display()), taken, taking }
    }

    /// The engine, by this way.
    pub(crate) fn engine(&self) -> TestEngine {
        TestEngine::at(&self.host)
    }

    /// How many connections there were so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

async fn forward(mut connection: UnixStream, behind: PathBuf) {
    if let Ok(mut behind) = UnixStream::connect(behind).await {
        // Either end may be gone in the middle: that is what this is for.
        let _ = copy_bidirectional(&mut connection, &mut behind).await;
    }
}
