//! The inventory of every copy: where it lies or may lie, what was sent, when it was read back.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::{Journal, JournalError, Trouble, from_json, from_millis, to_json, to_millis};
use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::formats::Format;
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
    /// In which format it lies there.
    pub format: Format,
    /// What was last sent there.
    pub sent: Fingerprint,
    /// What was last read back.
    pub confirmed: Option<Fingerprint>,
    /// When a copy was last delivered.
    pub delivered: Option<Timestamp>,
    /// When it was last read back.
    pub read_back: Option<Timestamp>,
    /// Whether something that was sent may have arrived unheard of.
    pub uncertain: bool,
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

/// A copy that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Where to.
    pub place: Place,
    /// For which destination.
    pub destination: String,
    /// Whose token.
    pub account: AccountName,
    /// In which format.
    pub format: Format,
    /// Which token.
    pub fingerprint: Fingerprint,
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
            format: row.get::<_, String>("format")?.parse().unwrap_or_default(),
            sent: Fingerprint(row.get("sent")?),
            confirmed: row.get::<_, Option<String>>("confirmed")?.map(Fingerprint),
            delivered: time("delivered")?,
            read_back: time("read_back")?,
            uncertain: row.get("uncertain")?,
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
    /// when this returns. Says of each whether it may go: a token that was renewed or signed out of meanwhile may not.
    pub fn about_to_send(&self, intents: &[Intent]) -> Result<Vec<bool>, JournalError> {
        self.durably(|db| {
            let transaction = db.unchecked_transaction()?;
            let mut wanted = Vec::new();
            for Intent { place, destination, account, format, fingerprint } in intents {
                let noted = transaction
                    .prepare_cached(
                        "INSERT INTO copies (engine, volume, folder, destination, account, sent, format, under_way)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1
                             WHERE EXISTS (SELECT 1 FROM accounts WHERE name = ?5 AND stage = 'kept' AND fingerprint = ?6)
                         ON CONFLICT DO UPDATE SET destination = ?4, account = ?5, sent = ?6, format = ?7, withdraw = 0,
                             uncertain = max(uncertain, under_way), under_way = 1",
                    )?
                    .execute(params![
                        place.engine,
                        place.volume,
                        place.folder,
                        destination,
                        account.as_str(),
                        fingerprint.0,
                        format.name()
                    ])?;
                wanted.push(noted > 0);
            }
            transaction.commit()?;
            Ok(wanted)
        })
    }

    /// Notes that what was sent has been read back.
    pub fn delivered(&self, place: &Place, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached(
                "UPDATE copies SET confirmed = ?4, delivered = ?5, read_back = ?5, under_way = 0, uncertain = 0,
                     failures = 0, not_before = NULL, failing_since = NULL, trouble = NULL
                 WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
            )?
            .execute(params![place.engine, place.volume, place.folder, fingerprint.0, to_millis(at)])?;
            Ok(())
        })
    }

    /// Notes that this token was read back where it lay already.
    pub fn read_back(&self, place: &Place, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached(
                "UPDATE copies SET confirmed = ?4, delivered = coalesce(delivered, ?5), read_back = ?5, under_way = 0,
                     uncertain = 0, failures = 0, not_before = NULL, failing_since = NULL, trouble = NULL
                 WHERE engine = ?1 AND volume = ?2 AND folder = ?3",
            )?
            .execute(params![place.engine, place.volume, place.folder, fingerprint.0, to_millis(at)])?;
            Ok(())
        })
    }

    /// Notes that a delivery or a withdrawal failed. `certain` says that nothing was written by it.
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
                     not_before = ?6, under_way = 0, uncertain = max(uncertain, NOT ?7)
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

    /// From now on all copies of this account shall go.
    pub fn withdraw_account(&self, account: &AccountName) -> Result<(), JournalError> {
        self.shall_go("account = ?1", params![account.as_str()])
    }

    /// From now on the copy at this place shall go.
    pub fn withdraw_place(&self, place: &Place) -> Result<(), JournalError> {
        let at = params![place.engine, place.volume, place.folder];
        self.shall_go("engine = ?1 AND volume = ?2 AND folder = ?3", at)
    }

    /// Where no copy can lie, the place is forgotten.
    fn shall_go(&self, which: &str, given: &[&dyn ToSql]) -> Result<(), JournalError> {
        self.durably(|db| {
            let transaction = db.unchecked_transaction()?;
            let none = "confirmed IS NULL AND NOT under_way AND NOT uncertain";
            transaction.execute(&format!("DELETE FROM copies WHERE {none} AND {which}"), given)?;
            transaction.execute(&format!("UPDATE copies SET withdraw = 1, not_before = NULL WHERE {which}"), given)?;
            transaction.commit()
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
