//! That there is one resident: the operating system's lock on a file beside the engine's own, which ends with the process.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Held until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released at once when this is dropped"]
pub struct Lock(#[expect(dead_code, reason = "held, not read: closing the file releases the lock")] File);

/// The lock; none where another resident has it.
///
/// # Errors
/// The folder of the state can't be used.
pub fn resident(state: &Path) -> io::Result<Option<Lock>> {
    let folder = state.join("locks");
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(&folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("resident.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(why)) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one() {
        let home = tempfile::tempdir().unwrap();
        let first = resident(home.path()).unwrap();
        assert!(first.is_some() && resident(home.path()).unwrap().is_none());
        drop(first);
        assert!(resident(home.path()).unwrap().is_some());
    }
}
