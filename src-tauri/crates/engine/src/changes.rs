//! Notices within a second what another process changed: the journal and the settings are watched in the file system.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::home::Home;

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Changes {
    happened: Arc<Notify>,
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Changes {
    /// Begins to watch. Where the system can't, nothing is noticed, and the capped waits of the loop have to do.
    pub(crate) fn of(home: &Home) -> Self {
        let happened = Arc::new(Notify::new());
        let settings = home.settings().file_name().map(OsStr::to_owned);
        let ours = move |path: &Path| {
            let name = path.file_name();
            name == settings.as_deref() || name.is_some_and(|it| it.to_string_lossy().starts_with("journal.db"))
        };
        let tell = happened.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| ours(path))) {
                tell.notify_one();
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(home.state(), RecursiveMode::NonRecursive)?;
            if let Some(folder) = home.settings().parent().filter(|folder| *folder != home.state()) {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        let watcher = watching.inspect_err(|why| tracing::warn!("changes can't be watched: {why}")).ok();
        Self { happened, _watcher: watcher }
    }

    /// Waits for the next change; one that came since the last call counts.
    pub(crate) async fn next(&self) {
        self.happened.notified().await;
    }
}
