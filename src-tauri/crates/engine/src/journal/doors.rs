//! Links that let a person in once, the sessions of those who are in, and where the page is served.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Journal, JournalError, from_millis, to_millis};
use crate::grants::{Key, KeyHash};

/// What kind of door a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Lets in once.
    Link,
    /// Lets whoever is in go on.
    Session,
}

impl Door {
    fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Session => "session",
        }
    }
}

impl Journal {
    /// From now until `ends`, this key opens the door. What is over at `now` is forgotten.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn open_door(&self, door: Door, key: &Key, ends: Timestamp, now: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached("DELETE FROM doors WHERE ends <= ?1")?.execute([to_millis(now)])?;
            db.prepare_cached("INSERT INTO doors (selector, kind, hash, ends) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key.selector().as_str(), door.word(), key.hash().0, to_millis(ends)])
                .map(drop)
        })
    }

    /// Whether this key opens the door at `now`.
    pub fn opens(&self, door: Door, key: &Key, now: Timestamp) -> Result<bool, JournalError> {
        self.with(|db| opens(db, door, key, now))
    }

    /// As [`Self::opens`], and never again: of several that show it at once, one comes in.
    pub fn opens_once(&self, door: Door, key: &Key, now: Timestamp) -> Result<bool, JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            // The write comes first, so that it is this transaction's turn when it looks.
            transaction.prepare_cached("DELETE FROM doors WHERE ends <= ?1")?.execute([to_millis(now)])?;
            let does = opens(&transaction, door, key, now)?;
            if does {
                shut(&transaction, key)?;
            }
            transaction.commit()?;
            Ok(does)
        })
    }

    /// This key opens nothing any more.
    pub fn shut(&self, key: &Key) -> Result<(), JournalError> {
        self.with(|db| shut(db, key))
    }

    /// Remembers where the page is served.
    pub fn served_at(&self, address: &str) -> Result<(), JournalError> {
        self.with(|db| db.execute("INSERT OR REPLACE INTO served VALUES (1, ?1)", [address]).map(drop))
    }

    /// Where the page was last served.
    pub fn where_served(&self) -> Result<Option<String>, JournalError> {
        self.with(|db| db.query_row("SELECT address FROM served", [], |row| row.get(0)).optional())
    }
}

fn opens(db: &Connection, door: Door, key: &Key, now: Timestamp) -> rusqlite::Result<bool> {
    let found = db
        .prepare_cached("SELECT hash, ends FROM doors WHERE selector = ?1 AND kind = ?2")?
        .query_row([key.selector().as_str(), door.word()], |row| Ok((KeyHash(row.get(0)?), from_millis(row.get(1)?))))
        .optional()?;
    Ok(found.is_some_and(|(hash, ends)| ends > now && hash.is_of(key)))
}

fn shut(db: &Connection, key: &Key) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM doors WHERE selector = ?1")?.execute([key.selector().as_str()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::KeyKind;

    #[test]
    fn a_link_opens_once_and_a_session_until_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let (journal, another) = (Journal::open(&file).unwrap(), Journal::open(&file).unwrap());
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let (link, session) = (Key::new(KeyKind::Link).unwrap(), Key::new(KeyKind::Session).unwrap());
        journal.open_door(Door::Link, &link, at(600), at(0)).unwrap();
        journal.open_door(Door::Session, &session, at(600), at(0)).unwrap();
        assert!(!journal.opens(Door::Session, &link, at(1)).unwrap(), "a link is no session");
        assert!(another.opens_once(Door::Link, &link, at(1)).unwrap());
        assert!(!journal.opens_once(Door::Link, &link, at(1)).unwrap());
        assert!(another.opens(Door::Session, &session, at(599)).unwrap());
        assert!(!another.opens(Door::Session, &session, at(600)).unwrap());
        journal.shut(&session).unwrap();
        assert!(!another.opens(Door::Session, &session, at(1)).unwrap());
    }

    #[test]
    fn a_late_link_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let link = Key::new(KeyKind::Link).unwrap();
        journal.open_door(Door::Link, &link, at(600), at(0)).unwrap();
        assert!(!journal.opens_once(Door::Link, &link, at(600)).unwrap());
    }

    #[test]
    fn the_last_place_counts() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        assert_eq!(journal.where_served().unwrap(), None);
        for address in ["http://127.0.0.1:4001", "https://llm.example/auth"] {
            journal.served_at(address).unwrap();
            assert_eq!(journal.where_served().unwrap().as_deref(), Some(address));
        }
    }
}
