//! What happened and what lies where: an SQLite file that every process of an installation shares. It holds no secret.
//!
//! The vault is the truth on tokens; what stands here of an account lets `status` answer without opening a keychain.
//! Calls are short and block; each is one transaction.

mod accounts;
mod consents;
mod copies;
mod doors;
mod events;
mod grants;
mod notices;
mod pending;
mod spots;
mod told;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

pub use accounts::{AccountRow, Stage};
pub use copies::{CopyRow, Intent};
pub use doors::Door;
pub use events::{Event, Kind};

use crate::destinations::DeliveryError;

/// How long to wait for another process's transaction, which takes milliseconds.
const BUSY_WITHIN: Duration = Duration::from_secs(10);
/// Counts the shapes that the file has had.
const SHAPE: u32 = 7;
/// From nothing to the present shape, a step for each. One that was released stays as it is.
const STEPS: [&str; SHAPE as usize] = [
    include_str!("shapes/1.sql"),
    include_str!("shapes/2.sql"),
    include_str!("shapes/3.sql"),
    include_str!("shapes/4.sql"),
    include_str!("shapes/5.sql"),
    include_str!("shapes/6.sql"),
    include_str!("shapes/7.sql"),
];

/// The journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A newer Tokenferry has written it.
    #[error("The journal {0} is of a newer Tokenferry. Use that one, or set TOKENFERRY_HOME to another folder.")]
    Newer(PathBuf),
    /// It can't be read or written.
    #[error("The journal {0} can't be used: {1}. Check that the disk is not full and that the file is yours.")]
    Unusable(PathBuf, String),
}

/// A trouble that is remembered: a stable code, what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Trouble {
    /// The stable word for it.
    pub code: String,
    /// What happened.
    pub what: String,
    /// What to do; empty where it mends itself.
    pub fix: String,
}

impl From<&DeliveryError> for Trouble {
    fn from(error: &DeliveryError) -> Self {
        Self { code: error.code().to_owned(), what: error.to_string(), fix: error.fix() }
    }
}

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    file: PathBuf,
    connection: Mutex<Connection>,
}

impl Journal {
    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        let unusable = |why: rusqlite::Error| JournalError::Unusable(file.to_owned(), why.to_string());
        make_private(file).map_err(|why| JournalError::Unusable(file.to_owned(), why.to_string()))?;
        let mut connection = Connection::open(file).map_err(unusable)?;
        connection.busy_timeout(BUSY_WITHIN).map_err(unusable)?;
        connection.execute_batch(LIGHT).map_err(unusable)?;
        if shape_of(&connection).map_err(unusable)? < SHAPE {
            shape(&mut connection).map_err(unusable)?;
        }
        if shape_of(&connection).map_err(unusable)? > SHAPE {
            return Err(JournalError::Newer(file.to_owned()));
        }
        Ok(Self { file: file.to_owned(), connection: Mutex::new(connection) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.file
    }

    fn with<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        act(&connection).map_err(|why| JournalError::Unusable(self.file.clone(), why.to_string()))
    }

    /// As [`Self::with`], and on the disk when it returns.
    fn durably<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.with(|db| {
            db.execute_batch(DURABLE)?;
            let done = act(db);
            db.execute_batch(LIGHT)?;
            done
        })
    }
}

/// A commit survives the end of the process; the end of the power may take the last ones.
const LIGHT: &str = "PRAGMA synchronous = NORMAL";
/// A commit survives the end of the power.
const DURABLE: &str = "PRAGMA synchronous = FULL";

fn shape_of(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the file into the present shape. Of several processes that begin at once, one does it.
fn shape(connection: &mut Connection) -> rusqlite::Result<()> {
    // WAL lets readers go on while one writes, and makes a commit one append.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (step, shape) in STEPS.iter().zip(1..) {
        if shape_of(&transaction)? < shape {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", shape)?;
        }
    }
    transaction.commit()
}

/// Names of accounts and volumes are nobody else's business.
fn make_private(file: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// Times are kept in milliseconds since 1970.
fn to_millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A column of JSON that this program wrote.
fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    let bad = |why| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(why));
    serde_json::from_str(text).map_err(bad)
}

fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|why| rusqlite::Error::ToSqlConversionFailure(Box::new(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_may_open_it_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    Journal::open(&file).unwrap().note(Event::new(Timestamp::now(), Kind::Started, "x")).unwrap()
                });
            }
        });
        assert_eq!(Journal::open(&file).unwrap().events(100).unwrap().len(), 20);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        journal.note(Event::new(Timestamp::now(), Kind::Started, "x")).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn an_older_one_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let old = Connection::open(&file).unwrap();
        old.execute_batch(STEPS[0]).unwrap();
        old.execute_batch("INSERT INTO tokens VALUES ('0123', 1)").unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        let journal = Journal::open(&file).unwrap();
        let token = crate::credentials::Fingerprint("0123".to_owned());
        assert!(journal.fingerprints().unwrap().contains(&token));
        assert_eq!(journal.owner_of(&token).unwrap(), None, "nobody knows whose it was");
        let credentials = crate::credentials::samples::credentials();
        journal.keep_account(&credentials).unwrap();
        assert_eq!(journal.owner_of(&credentials.fingerprint()).unwrap(), Some(credentials.account));
    }

    #[test]
    fn a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        Journal::open(&file).unwrap().with(|it| it.pragma_update(None, "user_version", SHAPE + 1)).unwrap();
        assert!(matches!(Journal::open(&file), Err(JournalError::Newer(_))));
    }
}
