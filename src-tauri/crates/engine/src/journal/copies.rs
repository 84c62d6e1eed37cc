//! The inventory of every copy: where it lies or may lie, what was sent, when it was read back.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{Journal, JournalError, Trouble, from_json, from_millis, to_json, to_millis};
use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::settings::Place;

/// A place that holds, or may hold, a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Where.
    pub place: Place,
    /// The destination that it was delivered for, by name; it may be gone by now.
    pub destination: String,
    /// Whose token.
    pub account: AccountName,
    /// What was last sent there.
    pub sent: Option<Fingerprint>,
    /// What was last read back.
    pub confirmed: Option<Fingerprint>,
    /// When a copy was last delivered.
    pub delivered: Option<Timestamp>,
    /// When it was last read back.
    pub read_back: Option<Timestamp>,
    /// Whether the copy shall go.
    pub withdraw: bool,
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the next may be made.
    pub not_before: Option<Timestamp>,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// Why the last attempt failed.
    pub trouble: Option<Trouble>,
}

impl CopyRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let account: String = row.get("account")?;
        let time = |name: &str| row.get::<_, Option<i64>>(name).map(|it| it.map(from_millis));
        let trouble: Option<String> = row.get("trouble")?;
        Ok(Self {
            place: Place { engine: row.get("engine")?, volume: row.get("volume")?, folder: row.get("folder")? },
            destination: row.get("destination")?,
            account: account
                .parse()
                .map_err(|_| rusqlite::Error::InvalidColumnType(0, account, rusqlite::types::Type::Text))?,
            sent: row.get::<_, Option<String>>("sent")?.map(Fingerprint),
            confirmed: row.get::<_, Option<String>>("confirmed")?.map(Fingerprint),
            delivered: time("delivered")?,
            read_back: time("read_back")?,
            withdraw: row.get("withdraw")?,
            failures: row.get("failures")?,
            not_before: time("not_before")?,
            failing_since: time("failing_since")?,
            trouble: trouble.map(|text| from_json(0, &text)).transpose()?,
        })
    }
}

impl Journal {
    /// Every place that holds, or may hold, a copy.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn copies(&self) -> Result<Vec<CopyRow>, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT * FROM copies ORDER BY engine, volume, folder")?
                .query_map([], CopyRow::read)?
                .collect()
        })
    }

    /// The copy at this place.
    pub fn copy(&self, place: &Place) -> Result<Option<CopyRow>, JournalError> {
        self.with(|db| {
            let mut found =
                db.prepare_cached("SELECT * FROM copies WHERE engine = ?1 AND volume = ?2 AND folder = ?3")?;
            found.query_row(params![place.engine, place.volume, place.folder], CopyRow::read).optional()
        })
    }

    /// Notes what is about to be sent, before it is: a crash may not leave a copy that nobody knows of. It is on the disk
    /// when this returns.
    pub fn about_to_send(&self, parcels: &[(Place, String, AccountName, Fingerprint)]) -> Result<(), JournalError> {
        self.durably(|db| {
            let transaction = db.unchecked_transaction()?;
            for (place, destination, account, fingerprint) in parcels {
                transaction
                    .prepare_cached(
                        "INSERT INTO copies (engine, volume, folder, destination, account, sent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                         ON CONFLICT DO UPDATE SET destination = ?4, account = ?5, sent = ?6, withdraw = 0",
                    )?
                    .execute(params![place.engine, place.volume, place.folder, destination, account.as_str(), fingerprint.0])?;
            }
            transaction.commit()
        })
    }

    /// Notes that what was sent has been read back.
    pub fn delivered(&self, place: &Place, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached(
                "UPDATE copies SET confirmed = ?4, delivered = ?5, read_back = ?5, failures = 0, not_before = NULL,
                     failing_since = NULL, trouble = NULL
                 WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
            )?
            .execute(params![place.engine, place.volume, place.folder, fingerprint.0, to_millis(at)])?;
            Ok(())
        })
    }

    /// Notes that a delivery or a withdrawal failed. Where nothing has ever been sent there, `sent` is taken back: then
    /// `certain` says that no copy can lie there.
    pub fn delivery_failed(
        &self,
        place: &Place,
        trouble: &Trouble,
        certain: bool,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached(
                "UPDATE copies SET failures = failures + 1, trouble = ?4, failing_since = coalesce(failing_since, ?5),
                     not_before = ?6, sent = CASE WHEN ?7 THEN confirmed ELSE sent END
                 WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
            )?
            .execute(params![
                place.engine,
                place.volume,
                place.folder,
                to_json(trouble)?,
                to_millis(now),
                to_millis(not_before),
                certain
            ])?;
            Ok(())
        })
    }

    /// From now on these copies shall go: all of an account's, or that at one place. Where nothing was ever sent, nothing
    /// lies, and the place is forgotten.
    pub fn withdraw_account(&self, account: &AccountName) -> Result<(), JournalError> {
        self.with(|db| {
            db.execute(
                "DELETE FROM copies WHERE sent IS NULL AND confirmed IS NULL AND account = ?1",
                [account.as_str()],
            )?;
            db.execute("UPDATE copies SET withdraw = 1, not_before = NULL WHERE account = ?1", [account.as_str()])
                .map(drop)
        })
    }

    /// From now on the copy at this place shall go.
    pub fn withdraw_place(&self, place: &Place) -> Result<(), JournalError> {
        self.with(|db| {
            let at = params![place.engine, place.volume, place.folder];
            db.execute(
                "DELETE FROM copies WHERE sent IS NULL AND confirmed IS NULL
                     AND engine = ?1 AND volume = ?2 AND folder = ?3",
                at,
            )?;
            db.execute(
                "UPDATE copies SET withdraw = 1, not_before = NULL WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
                at,
            )
            .map(drop)
        })
    }

    /// No copy lies there any more.
    pub fn copy_is_gone(&self, place: &Place) -> Result<(), JournalError> {
        self.with(|db| {
            db.execute(
                "DELETE FROM copies WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
                params![place.engine, place.volume, place.folder],
            )
            .map(drop)
        })
    }
}
