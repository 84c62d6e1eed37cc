//! A way to an engine that stays when the engine goes, as Docker Desktop's and a socket that systemd holds do: a connection
//! is taken at once, and cut where nobody is behind. Those it counts.

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
    cut: Arc<AtomicUsize>,
    taking: JoinHandle<()>,
}

impl Forwarder {
    /// Listens in this folder, for that engine.
    pub(crate) fn in_front_of(engine: &TestEngine, folder: &Path) -> Self {
        let behind = PathBuf::from(engine.host().trim_start_matches("unix://"));
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).expect("a socket should be made");
        let cut = Arc::new(AtomicUsize::new(0));
        let taking = tokio::spawn({
            let cut = Arc::clone(&cut);
            async move {
                while let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(forward(connection, behind.clone(), Arc::clone(&cut)));
                }
            }
        });
        Self { host: format!("unix://{}", socket.display()), cut, taking }
    }

    /// The engine, by this way.
    pub(crate) fn engine(&self) -> TestEngine {
        TestEngine::at(&self.host)
    }

    /// How many connections there were to nobody so far.
    pub(crate) fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

async fn forward(mut connection: UnixStream, behind: PathBuf, cut: Arc<AtomicUsize>) {
    match UnixStream::connect(behind).await {
        // Either end may be gone in the middle: that is what this is for.
        Ok(mut behind) => drop(copy_bidirectional(&mut connection, &mut behind).await),
        Err(_) => drop(cut.fetch_add(1, Ordering::Relaxed)),
    }
}
