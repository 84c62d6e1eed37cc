//! Which notices before an end were given: each once, whichever process gives it.

use rusqlite::params;

use super::{Event, Journal, JournalError};
use crate::account::AccountName;
use crate::credentials::Fingerprint;

impl Journal {
    /// Notes an event that tells of the end of this token in so many days, unless that was told before, or a later notice
    /// was. Says whether it was noted. A token that came in another's place is told of anew.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn notice(
        &self,
        account: &AccountName,
        token: &Fingerprint,
        days: u16,
        event: &Event,
    ) -> Result<bool, JournalError> {
        let is_new = self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            let told = transaction
                .prepare_cached(
                    "INSERT INTO notices (account, fingerprint, days) VALUES (?1, ?2, ?3)
                     ON CONFLICT (account) DO UPDATE SET fingerprint = excluded.fingerprint, days = excluded.days
                     WHERE notices.fingerprint <> excluded.fingerprint OR notices.days > excluded.days",
                )?
                .execute(params![account.as_str(), token.0, days])?;
            if told > 0 {
                super::events::insert(&transaction, event)?;
            }
            transaction.commit()?;
            Ok(told > 0)
        })?;
        if is_new {
            tracing::info!(kind = event.kind.word(), "{}", event.text);
        }
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::journal::Kind;

    #[test]
    fn each_notice_is_given_once_for_each_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let (journal, again) = (Journal::open(&file).unwrap(), Journal::open(&file).unwrap());
        let (ci, token) = ("ci".parse().unwrap(), Fingerprint("1".into()));
        let event = |days: u16| Event::new(Timestamp::UNIX_EPOCH, Kind::EndsSoon, days.to_string()).to(&ci);
        let told = |journal: &Journal, token, days| journal.notice(&ci, token, days, &event(days)).unwrap();
        assert!(told(&journal, &token, 30));
        assert!(!told(&journal, &token, 30) && !told(&again, &token, 30));
        assert!(told(&again, &token, 7));
        assert!(!told(&journal, &token, 30), "a clock that was set back tells nothing twice");
        let next = Fingerprint("2".into());
        assert!(told(&journal, &next, 30));
        journal.forget_account(&ci).unwrap();
        assert!(told(&journal, &next, 30), "who is forgotten is forgotten");
        let texts: Vec<_> = journal.events(10).unwrap().into_iter().map(|event| event.text).collect();
        assert_eq!(texts, ["30", "7", "30", "30"]);
    }
}
