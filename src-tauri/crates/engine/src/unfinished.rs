//! Files that are being written, to be put in place when they are whole; and those that killed processes never put there.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, NamedTempFile};

/// How their names begin.
const PREFIX: &str = ".unfinished-";

/// After this an unfinished file belongs to nobody: its process was killed. Writing takes milliseconds; the rest is for
/// a machine that slept.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A fresh file in the folder, 0600 from the start, removed unless it is put in place.
pub(crate) fn file_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(PREFIX).tempfile_in(folder)
}

/// Removes what killed processes left unfinished in the folder, and says whether it holds anything finished.
pub(crate) fn sweep(folder: &Path) -> io::Result<bool> {
    let mut finished = false;
    for file in fs::read_dir(folder)? {
        let file = file?;
        if !file.file_name().to_string_lossy().starts_with(PREFIX) {
            finished = true;
            continue;
        }
        let age = file.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            // Somebody else may sweep at the same time; what can't be removed does no harm.
            let _ = fs::remove_file(file.path());
        }
    }
    Ok(finished)
}
