//! The settings as they were read the last time, for as long as their file is the same. Who opens a file wakes all who watch
//! it, and that is this very process.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Settings, SettingsError};

/// File systems tell times in steps, of 2 s at the coarsest. What is younger may be written to once more without showing it.
const SETTLED: Duration = Duration::from_secs(3);

/// What was read, and of which file.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Option<(Stamp, Settings)>>);

impl Remembered {
    /// As [`Settings::read`].
    ///
    /// # Errors
    /// The same.
    pub(crate) fn read(&self, file: &Path) -> Result<Settings, SettingsError> {
        let stamp = Stamp::of(file);
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, settings)) = remembered.as_ref()
            && stamp.as_ref() == Some(of)
        {
            return Ok(settings.clone());
        }
        *remembered = None;
        let settings = Settings::read(file)?;
        let is_sure = |stamp: &Stamp| stamp.is_settled() && Stamp::of(file).as_ref() == Some(stamp);
        *remembered = stamp.filter(is_sure).map(|stamp| (stamp, settings.clone()));
        Ok(settings)
    }
}

/// What changes with each write to a file.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    changed: SystemTime,
    length: u64,
    /// The file's own number, where files have one.
    node: u64,
}

impl Stamp {
    /// None where there is no file, or it can't be told.
    fn of(file: &Path) -> Option<Self> {
        let told = std::fs::metadata(file).ok()?;
        #[cfg(unix)]
        let (changed, node) = {
            use std::os::unix::fs::MetadataExt;
            // Unlike the time of the last write, nobody can set this one.
            let since = Duration::new(told.ctime().try_into().ok()?, told.ctime_nsec().try_into().ok()?);
            (SystemTime::UNIX_EPOCH.checked_add(since)?, told.ino())
        };
        #[cfg(not(unix))]
        let (changed, node) = (told.modified().ok()?, 0);
        Some(Self { changed, length: told.len(), node })
    }

    fn is_settled(&self) -> bool {
        SystemTime::now().duration_since(self.changed).is_ok_and(|age| age > SETTLED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_stays_is_read_once_and_every_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let remembered = Remembered::default();
        let is_kept = || remembered.0.lock().unwrap().is_some();
        assert!(!remembered.read(&file).unwrap().paused && !is_kept(), "there is none");

        // Of the same length, and perhaps within one step of the clock.
        for (text, paused) in [("paused = true \n", true), ("paused = false\n", false), ("paused = true \n", true)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(remembered.read(&file).unwrap().paused, paused);
        }
        assert!(!is_kept(), "it is too young");
        while !Stamp::of(&file).unwrap().is_settled() {
            std::thread::sleep(Duration::from_millis(50));
        }
        for _ in 0..2 {
            assert!(remembered.read(&file).unwrap().paused && is_kept());
        }

        std::fs::write(&file, "paused = false\n").unwrap();
        assert!(!remembered.read(&file).unwrap().paused, "a write is seen");
        std::fs::write(&file, "paused = no\n").unwrap();
        assert!(remembered.read(&file).is_err(), "so is a mistake");
        std::fs::remove_file(&file).unwrap();
        assert!(!remembered.read(&file).unwrap().paused, "so is its removal");
    }
}
