//! What a person was shown a notice of: each thing once, whichever process shows it, also after a restart.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError, to_millis};

/// An end that is reckoned anew at each renewal is the same within this.
const SAME: Duration = Duration::from_secs(12 * 3600);

impl Journal {
    /// Remembers that `what` was told, of the end or episode at `about`. False where it was told before of the same one.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn first_time(&self, what: &str, about: Timestamp) -> Result<bool, JournalError> {
        let same = i64::try_from(SAME.as_millis()).unwrap_or(i64::MAX);
        self.with(|db| {
            let told = db
                .prepare_cached(
                    "INSERT INTO told (what, about) VALUES (?1, ?2)
                     ON CONFLICT (what) DO UPDATE SET about = excluded.about
                     WHERE abs(told.about - excluded.about) >= ?3",
                )?
                .execute(params![what, to_millis(about), same])?;
            Ok(told > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn each_is_told_once_of_each_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let (journal, again) = (Journal::open(&file).unwrap(), Journal::open(&file).unwrap());
        let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        assert!(journal.first_time("ends 7 ada", end).unwrap());
        assert!(!again.first_time("ends 7 ada", end).unwrap());
        assert!(!again.first_time("ends 7 ada", end + SignedDuration::from_secs(30)).unwrap(), "reckoned anew");
        assert!(again.first_time("ends 3 ada", end).unwrap());
        assert!(again.first_time("ends 7 ada", end + SignedDuration::from_hours(24 * 30)).unwrap(), "another end");
    }
}
