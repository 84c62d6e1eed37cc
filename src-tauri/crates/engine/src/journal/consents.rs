//! For which accounts a person has agreed that others than Anthropic's own programs get the token.

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError, to_millis};
use crate::account::AccountName;

impl Journal {
    /// Whether a person has agreed to it for this account.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn is_consented(&self, account: &AccountName) -> Result<bool, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT 1 FROM consents WHERE account = ?1")?.exists(params![account.as_str()])
        })
    }

    /// Remembers that a person agreed. It holds until the account is signed out of.
    pub fn consent(&self, account: &AccountName, at: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            db.execute("INSERT OR REPLACE INTO consents VALUES (?1, ?2)", params![account.as_str(), to_millis(at)])
                .map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_of_one_account_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let (ada, default) = ("ada".parse().unwrap(), AccountName::default());
        journal.consent(&ada, Timestamp::UNIX_EPOCH).unwrap();
        journal.consent(&ada, Timestamp::UNIX_EPOCH).unwrap();
        assert!(journal.is_consented(&ada).unwrap());
        assert!(!journal.is_consented(&default).unwrap());
        journal.forget_account(&ada).unwrap();
        assert!(!journal.is_consented(&ada).unwrap());
    }
}
