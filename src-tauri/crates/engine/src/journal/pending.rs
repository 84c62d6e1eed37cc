//! Which sign-ins wait for their code; the vault has the rest.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Journal, JournalError, from_millis, to_millis};
use crate::account::AccountName;
use crate::sign_in::PendingId;

impl Journal {
    /// Notes a sign-in that waits, before the vault has its verifier: nothing may lie there unknown.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn wait_for(&self, id: &PendingId, account: &AccountName, ends: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            let row = params![id.0, account.as_str(), to_millis(ends)];
            db.execute("INSERT OR REPLACE INTO pending (id, account, ends) VALUES (?1, ?2, ?3)", row).map(drop)
        })
    }

    /// Every sign-in that waits: its name, the account's, and when it is too late.
    pub fn pending(&self) -> Result<Vec<(PendingId, String, Timestamp)>, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT id, account, ends FROM pending ORDER BY ends DESC")?
                .query_map([], |row| Ok((PendingId(row.get(0)?), row.get(1)?, from_millis(row.get(2)?))))?
                .collect()
        })
    }

    /// Whether this one waits.
    pub fn is_pending(&self, id: &PendingId) -> Result<bool, JournalError> {
        self.with(|db| {
            let found = db.query_row("SELECT 1 FROM pending WHERE id = ?1", [&id.0], |_| Ok(()));
            found.optional().map(|it| it.is_some())
        })
    }

    /// It waits no more.
    pub fn no_longer_pending(&self, id: &PendingId) -> Result<(), JournalError> {
        self.with(|db| db.execute("DELETE FROM pending WHERE id = ?1", [&id.0]).map(drop))
    }
}
