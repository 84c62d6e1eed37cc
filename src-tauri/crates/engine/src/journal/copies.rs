//! The inventory of every copy: where it lies or may lie, what was sent, when it was read back.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::spots::{self, IS_IT, words};
use super::{Journal, JournalError, Trouble, from_json, from_millis, to_json, to_millis};
use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::settings::Spot;

/// A place that holds, or may hold, a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Where, and in which format.
    pub spot: Spot,
    /// The destination that it was delivered for, by name; it may be gone by now.
    pub destination: String,
    /// Whose token.
    pub account: AccountName,
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
    /// Where to, and in which format.
    pub spot: Spot,
    /// For which destination.
    pub destination: String,
    /// Whose token.
    pub account: AccountName,
    /// Which token.
    pub fingerprint: Fingerprint,
}

impl CopyRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let account: String = row.get("account")?;
        let time = |name: &str| row.get::<_, Option<i64>>(name).map(|it| it.map(from_millis));
        let trouble: Option<String> = row.get("trouble")?;
        Ok(Self {
            spot: spots::read(row)?,
            destination: row.get("destination")?,
            account: account
                .parse()
                .map_err(|_| rusqlite::Error::InvalidColumnType(0, account, rusqlite::types::Type::Text))?,
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
            db.prepare_cached("SELECT * FROM copies ORDER BY kind, host, root, folder, format")?
                .query_map([], CopyRow::read)?
                .collect()
        })
    }

    /// The copy at this spot.
    pub fn copy(&self, spot: &Spot) -> Result<Option<CopyRow>, JournalError> {
        self.with(|db| {
            let mut found = db.prepare_cached(&format!("SELECT * FROM copies WHERE {IS_IT}"))?;
            found.query_row(words(spot), CopyRow::read).optional()
        })
    }

    /// Notes what is about to be sent, before it is: a crash may not leave a copy that nobody knows of. It is on the disk
    /// when this returns. Says of each whether it may go: a token that was renewed or signed out of meanwhile may not.
    pub fn about_to_send(&self, intents: &[Intent]) -> Result<Vec<bool>, JournalError> {
        self.durably(|db| {
            let transaction = db.unchecked_transaction()?;
            let mut wanted = Vec::new();
            for Intent { spot, destination, account, fingerprint } in intents {
                let [kind, host, root, folder, format] = words(spot);
                let given = params![kind, host, root, folder, format, destination, account.as_str(), fingerprint.0];
                let noted = transaction
                    .prepare_cached(
                        "INSERT INTO copies (kind, host, root, folder, format, destination, account, sent, under_way)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1
                             WHERE EXISTS (SELECT 1 FROM accounts WHERE name = ?7 AND stage = 'kept' AND fingerprint = ?8)
                         ON CONFLICT DO UPDATE SET destination = ?6, account = ?7, sent = ?8, withdraw = 0,
                             uncertain = max(uncertain, under_way), under_way = 1",
                    )?
                    .execute(given)?;
                wanted.push(noted > 0);
            }
            transaction.commit()?;
            Ok(wanted)
        })
    }

    /// Notes that what was sent has been read back.
    pub fn delivered(&self, spot: &Spot, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.arrived(spot, "delivered = ?7", fingerprint, at)
    }

    /// Notes that this token was read back where it lay already.
    pub fn read_back(&self, spot: &Spot, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.arrived(spot, "delivered = coalesce(delivered, ?7)", fingerprint, at)
    }

    fn arrived(&self, spot: &Spot, set: &str, token: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.with(|db| {
            let [kind, host, root, folder, format] = words(spot);
            db.prepare_cached(&format!(
                "UPDATE copies SET confirmed = ?6, {set}, read_back = ?7, under_way = 0, uncertain = 0, failures = 0,
                     not_before = NULL, failing_since = NULL, trouble = NULL
                 WHERE {IS_IT}"
            ))?
            .execute(params![kind, host, root, folder, format, token.0, to_millis(at)])?;
            Ok(())
        })
    }

    /// Notes that a delivery or a withdrawal failed. `certain` says that nothing was written by it.
    pub fn delivery_failed(
        &self,
        spot: &Spot,
        trouble: &Trouble,
        certain: bool,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<(), JournalError> {
        self.with(|db| {
            let [kind, host, root, folder, format] = words(spot);
            let (trouble, now, not_before) = (to_json(trouble)?, to_millis(now), to_millis(not_before));
            db.prepare_cached(&format!(
                "UPDATE copies SET failures = failures + 1, trouble = ?6, failing_since = coalesce(failing_since, ?7),
                     not_before = ?8, under_way = 0, uncertain = max(uncertain, NOT ?9)
                 WHERE {IS_IT}"
            ))?
            .execute(params![kind, host, root, folder, format, trouble, now, not_before, certain])?;
            Ok(())
        })
    }

    /// From now on all copies of this account shall go.
    pub fn withdraw_account(&self, account: &AccountName) -> Result<(), JournalError> {
        self.shall_go("account = ?1", params![account.as_str()])
    }

    /// From now on the copy at this spot shall go.
    pub fn withdraw_spot(&self, spot: &Spot) -> Result<(), JournalError> {
        let [kind, host, root, folder, format] = words(spot);
        self.shall_go(IS_IT, params![kind, host, root, folder, format])
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
    pub fn copy_is_gone(&self, spot: &Spot) -> Result<(), JournalError> {
        self.with(|db| db.execute(&format!("DELETE FROM copies WHERE {IS_IT}"), words(spot)).map(drop))
    }
}
