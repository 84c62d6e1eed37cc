//! The light resident of Linux, `tokenferry tray`: started where none runs, and left to itself. On other systems the app is
//! the resident.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Beside the engine's locks; the resident holds it as long as it lives.
const LOCK: &str = "locks/resident.lock";

/// Starts the resident, unless one runs on this state.
pub(crate) fn start(state: &Path) {
    if runs(state) {
        return;
    }
    if let Err(why) = spawn() {
        tracing::warn!("`tokenferry tray` could not be started: {why}");
    }
}

fn runs(state: &Path) -> bool {
    let Ok(file) = File::open(state.join(LOCK)) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// The `tokenferry` that came with this app: beside it, else wherever the PATH has one.
pub(crate) fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join("tokenferry")));
    beside.filter(|it| it.is_file()).unwrap_or_else(|| "tokenferry".into())
}

/// In a session of its own, so that nothing that ends the app ends it as well.
fn spawn() -> io::Result<()> {
    let mut command = Command::new("setsid");
    command.arg("--fork").arg(program()).arg("tray");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut started = command.spawn()?;
    // It is through as soon as the resident is on its own.
    started.wait().map(drop)
}
