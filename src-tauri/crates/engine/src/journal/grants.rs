//! What programs may ask for over HTTP, and how often they did.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Event, Journal, JournalError, from_json, from_millis, to_json, to_millis};
use crate::grants::{Grant, GrantName, Key, KeyHash, NewGrant, Selector};

impl Journal {
    /// Keeps a new grant, and notes that. False, and nothing kept, where there is one of that name.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn add_grant(&self, grant: &NewGrant, key: &Key, event: &Event) -> Result<bool, JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            let row = params![
                grant.name.as_str(),
                key.selector().as_str(),
                key.hash().0,
                grant.account.as_str(),
                to_json(&grant.scopes)?,
                grant.per_second,
                to_millis(event.at),
                grant.ends.map(to_millis),
            ];
            let added = transaction.execute(
                "INSERT OR IGNORE INTO grants (name, selector, hash, account, scopes, per_second, made, ends)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                row,
            )?;
            noted_if(added > 0, transaction, event)
        })
    }

    /// Every grant, by name.
    pub fn grants(&self) -> Result<Vec<Grant>, JournalError> {
        self.with(|db| db.prepare_cached("SELECT * FROM grants ORDER BY name")?.query_map([], read)?.collect())
    }

    /// One grant.
    pub fn grant(&self, name: &GrantName) -> Result<Option<Grant>, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT * FROM grants WHERE name = ?1")?.query_row([name.as_str()], read).optional()
        })
    }

    /// Forgets a grant, and notes that. False where there is none.
    pub fn revoke_grant(&self, name: &GrantName, event: &Event) -> Result<bool, JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            let gone = transaction.execute("DELETE FROM grants WHERE name = ?1", [name.as_str()])?;
            noted_if(gone > 0, transaction, event)
        })
    }

    /// Counts so many uses more, the last of them at `at`; with an event where one is given.
    pub fn grant_used(
        &self,
        name: &GrantName,
        uses: u64,
        at: Timestamp,
        event: Option<&Event>,
    ) -> Result<(), JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            transaction
                .prepare_cached("UPDATE grants SET uses = uses + ?2, used = ?3 WHERE name = ?1")?
                .execute(params![name.as_str(), uses.cast_signed(), to_millis(at)])?;
            if let Some(event) = event {
                super::events::insert(&transaction, event)?;
            }
            transaction.commit()
        })
    }
}

/// Commits, with the event where something was done.
fn noted_if(done: bool, transaction: rusqlite::Transaction<'_>, event: &Event) -> rusqlite::Result<bool> {
    if done {
        super::events::insert(&transaction as &Connection, event)?;
        tracing::info!(kind = event.kind.word(), "{}", event.text);
    }
    transaction.commit()?;
    Ok(done)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let bad = |what: String| rusqlite::Error::InvalidColumnType(0, what, rusqlite::types::Type::Text);
    let (name, account): (String, String) = (row.get("name")?, row.get("account")?);
    Ok(Grant {
        name: name.parse().map_err(|_| bad(name))?,
        account: account.parse().map_err(|_| bad(account))?,
        scopes: from_json(0, &row.get::<_, String>("scopes")?)?,
        per_second: row.get("per_second")?,
        made: from_millis(row.get("made")?),
        ends: row.get::<_, Option<i64>>("ends")?.map(from_millis),
        uses: row.get::<_, i64>("uses")?.unsigned_abs(),
        used: row.get::<_, Option<i64>>("used")?.map(from_millis),
        selector: Selector(row.get("selector")?),
        hash: KeyHash(row.get("hash")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountName;
    use crate::grants::{KeyKind, Scope};
    use crate::journal::Kind;

    #[test]
    fn a_grant_is_kept_counted_and_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let (journal, another) = (Journal::open(&file).unwrap(), Journal::open(&file).unwrap());
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let event = Event::new(at, Kind::GrantChanged, "Granted.");
        let new = NewGrant {
            name: "ci".parse().unwrap(),
            account: AccountName::default(),
            scopes: vec![Scope::Token, Scope::SignIn],
            per_second: 10,
            ends: Some(at),
        };
        let key = Key::new(KeyKind::Grant).unwrap();
        assert!(journal.add_grant(&new, &key, &event).unwrap());
        let again = Key::new(KeyKind::Grant).unwrap();
        assert!(!another.add_grant(&new, &again, &event).unwrap(), "a name is one grant's");
        journal.grant_used(&new.name, 3, at, None).unwrap();
        another.grant_used(&new.name, 4, at, Some(&event)).unwrap();

        let kept = journal.grant(&new.name).unwrap().unwrap();
        assert_eq!((kept.uses, kept.used, &kept.scopes), (7, Some(at), &new.scopes));
        assert!(kept.hash.is_of(&key) && !kept.hash.is_of(&again) && kept.selector == *key.selector());
        assert!(kept.is_over(at) && kept.allows(Scope::Token) && !kept.allows(Scope::Status));

        assert!(journal.revoke_grant(&new.name, &event).unwrap());
        assert!(!another.revoke_grant(&new.name, &event).unwrap());
        assert_eq!(journal.grants().unwrap(), []);
        assert_eq!(journal.events(10).unwrap().len(), 3, "each change and the told use, and nothing else");
        let written = std::fs::read(&file).unwrap();
        let shown = key.show();
        assert!(!written.windows(43).any(|window| shown.expose().as_bytes().ends_with(window)), "the key is not kept");
    }
}
