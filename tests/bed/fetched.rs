//! What tests fetch from registries: once for all of them, and kept. Where something can't be had, that is said to
//! everybody's face, and nothing fails for that alone.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use tokio::task::spawn_blocking;

/// Within one run of the tests, one failed attempt is enough for all.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Gives what `had` gives; none, said loudly, where it says why not. `what` is not tested without it: `THE REAL CLAUDE
/// CODE CLI`. The folder is Cargo's own for what tests leave.
///
/// # Panics
/// Where that folder can't be used.
pub async fn once<T>(
    what: &str,
    version: &str,
    kept: &Path,
    had: impl Future<Output = Result<T, String>>,
) -> Option<T> {
    let word = what.to_lowercase().replace(' ', "-");
    // Test processes run side by side, and one fetches for all.
    let turn = File::create(kept.join(format!("{word}.lock"))).expect("a lock file");
    let turn = spawn_blocking(move || turn.lock().map(|()| turn)).await.expect("no panic");
    let _turn = turn.expect("the lock should be had");
    // For `make test`, which shows it at its very end.
    let note = kept.join(format!("{word}.missing"));
    let why = match noted(&note) {
        Some(why) => why,
        None => match had.await {
            Ok(had) => {
                let _ = fs::remove_file(note);
                return Some(had);
            }
            Err(why) => {
                let why = format!("!!! NOT TESTED WITH {what} {version}: {why}\n");
                fs::write(note, &why).expect("the folder should take a note");
                why
            }
        },
    };
    // `eprintln!` would be caught by the test harness.
    let _ = io::stderr().write_all(format!("\n{why}\n").as_bytes());
    None
}

/// Why another test of this run could not have it.
fn noted(note: &Path) -> Option<String> {
    let age = fs::metadata(note).ok()?.modified().ok()?.elapsed().ok()?;
    if age < ASK_AGAIN { fs::read_to_string(note).ok() } else { None }
}
