//! Notices within a second what another process changed: the journal, the settings and docker's contexts are watched in the
//! file system.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::home::Home;

/// Where docker writes which context is in use, and where each leads.
const DOCKER_S_FILES: [&str; 3] = ["config.json", "contexts", "meta.json"];
/// Where the system can't watch, everything counts as changed this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The system tells of a commit's last byte, and SQLite's readers see the commit a little later: whoever looks at once may be
/// too early. So for them, what has changed counts as changed once more after this, which a busy machine doesn't need for that
/// little.
const ECHO: Duration = Duration::from_millis(250);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Changes {
    happened: Arc<Notify>,
    /// When the last change is told once more, for those who look at once.
    echo: Option<Mutex<Option<Instant>>>,
    watcher: Option<notify::RecommendedWatcher>,
}

impl Changes {
    /// Begins to watch; `docker` is the folder of docker's own settings. Where the system can't, a change is said to have come
    /// every second.
    pub(crate) fn of(home: &Home, docker: Option<&Path>) -> Self {
        let happened = Arc::new(Notify::new());
        let settings = home.settings().file_name().map(OsStr::to_owned);
        let ours = move |path: &Path| {
            let name = path.file_name();
            name == settings.as_deref()
                || name.is_some_and(|it| it.to_string_lossy().starts_with("journal.db"))
                || name.is_some_and(|it| DOCKER_S_FILES.iter().any(|file| it == *file))
        };
        let tell = happened.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // What can't be told, or was too much to be told, may have been anything.
            if event.map_or(true, |event| {
                event.need_rescan() || (!event.kind.is_access() && event.paths.iter().any(|path| ours(path)))
            }) {
                tell.notify_one();
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(home.state(), RecursiveMode::NonRecursive)?;
            if let Some(folder) = home.settings().parent().filter(|folder| *folder != home.state()) {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
            }
            if let Some(folder) = docker.filter(|folder| folder.is_dir()) {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
                let contexts = folder.join("contexts/meta");
                if contexts.is_dir() {
                    watcher.watch(&contexts, RecursiveMode::Recursive)?;
                }
            }
            Ok(watcher)
        });
        let watcher = watching.inspect_err(|why| tracing::warn!("changes can't be watched: {why}")).ok();
        Self { happened, echo: None, watcher }
    }

    /// Tells each last change twice.
    pub(crate) fn twice(self) -> Self {
        Self { echo: Some(Mutex::default()), ..self }
    }

    /// Waits for the next change; one that came since the last call counts.
    pub async fn next(&self) {
        if self.watcher.is_none() {
            return tokio::time::sleep(LOOK_AGAIN).await;
        }
        let Some(echo) = &self.echo else { return self.happened.notified().await };
        let echo = || echo.lock().unwrap_or_else(PoisonError::into_inner);
        let due = *echo();
        let again = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let has_changed = tokio::select! {
            () = self.happened.notified() => true,
            () = again => false,
        };
        *echo() = has_changed.then(|| Instant::now() + ECHO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test]
    async fn what_has_changed_is_told_at_once_and_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let changes = Changes::of(&home, None).twice();
        std::fs::write(home.state().join("something-else"), "x").unwrap();
        assert!(timeout(2 * ECHO, changes.next()).await.is_err(), "that is none of ours");
        std::fs::write(home.journal(), "x").unwrap();
        let written = Instant::now();
        timeout(20 * ECHO, changes.next()).await.expect("the change is told");
        // A write is more than one event to the system.
        while timeout(ECHO / 2, changes.next()).await.is_ok() {}
        timeout(20 * ECHO, changes.next()).await.expect("it is told once more");
        assert!(written.elapsed() >= ECHO, "for those who looked too early");
        assert!(timeout(4 * ECHO, changes.next()).await.is_err(), "and no more than that");
    }
}
