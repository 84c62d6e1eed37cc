//! Accounts, as far as they can be told without a secret.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::{Journal, JournalError, Trouble, from_json, from_millis, to_json, to_millis};
use crate::account::{AccountName, Identity};
use crate::credentials::{self, Credentials, Fingerprint, Kind};

/// How long after its end a token is remembered: longer than a copy of it is left anywhere.
const TOKENS_REMEMBERED_MILLIS: i64 = 90 * 24 * 3600 * 1000;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The vault has its sign-in.
    Kept,
    /// The provider refused it; only signing in again helps.
    Refused,
    /// Signed out here; the provider still has to be told, and the vault keeps the sign-in for that alone.
    Leaving,
    /// Given out to another owner, and used for nothing here from then on. The vault keeps it until that owner has it.
    HandingOver,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Kept, Self::Refused, Self::Leaving, Self::HandingOver];

    /// Whether it is used for nothing here any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Leaving | Self::HandingOver)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Refused => "refused",
            Self::Leaving => "leaving",
            Self::HandingOver => "handing_over",
        }
    }
}

/// An account as the vault last had it, without its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name.
    pub name: AccountName,
    /// What is kept for it.
    pub kind: Kind,
    /// Where it stands.
    pub stage: Stage,
    /// The provider's name.
    pub provider: String,
    /// Who it is.
    pub identity: Identity,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// The access token's fingerprint.
    pub fingerprint: Fingerprint,
    /// When the access token ends; see [`Self::ends`].
    pub access_token_ends: Timestamp,
    /// When the sign-in ends.
    pub sign_in_ends: Timestamp,
    /// The record's version.
    pub version: u64,
    /// Renewals since the sign-in.
    pub refresh_count: u64,
    /// When the sign-in was made.
    pub created: Timestamp,
    /// When the record was last committed.
    pub updated: Timestamp,
    /// Renewals that failed since the last that did not.
    pub failures: u32,
    /// When the next renewal may be tried.
    pub not_before: Option<Timestamp>,
    /// Why the last renewal failed.
    pub trouble: Option<Trouble>,
}

impl AccountRow {
    /// When what takers are given ends; none for an API key.
    pub fn ends(&self) -> Option<Timestamp> {
        credentials::end(self.access_token_ends)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let name: String = row.get("name")?;
        let (kind, stage): (String, String) = (row.get("kind")?, row.get("stage")?);
        let bad = |what: String| rusqlite::Error::InvalidColumnType(0, what, rusqlite::types::Type::Text);
        let trouble: Option<String> = row.get("trouble")?;
        Ok(Self {
            name: name.parse().map_err(|_| bad(name))?,
            kind: Kind::ALL.into_iter().find(|it| it.word() == kind).ok_or_else(|| bad(kind))?,
            stage: Stage::ALL.into_iter().find(|it| it.word() == stage).ok_or_else(|| bad(stage))?,
            provider: row.get("provider")?,
            identity: from_json(0, &row.get::<_, String>("identity")?)?,
            scopes: from_json(0, &row.get::<_, String>("scopes")?)?,
            fingerprint: Fingerprint(row.get("fingerprint")?),
            access_token_ends: from_millis(row.get("access_token_ends")?),
            sign_in_ends: from_millis(row.get("sign_in_ends")?),
            version: row.get::<_, i64>("version")?.unsigned_abs(),
            refresh_count: row.get::<_, i64>("refresh_count")?.unsigned_abs(),
            created: from_millis(row.get("created")?),
            updated: from_millis(row.get("updated")?),
            failures: row.get("failures")?,
            not_before: row.get::<_, Option<i64>>("not_before")?.map(from_millis),
            trouble: trouble.map(|text| from_json(0, &text)).transpose()?,
        })
    }
}

impl Journal {
    /// All accounts, by name.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT * FROM accounts ORDER BY name")?.query_map([], AccountRow::read)?.collect()
        })
    }

    /// One account.
    pub fn account(&self, name: &AccountName) -> Result<Option<AccountRow>, JournalError> {
        self.with(|db| {
            let mut found = db.prepare_cached("SELECT * FROM accounts WHERE name = ?1")?;
            found.query_row([name.as_str()], AccountRow::read).optional()
        })
    }

    /// Notes what the vault now has. Past failures are forgotten.
    pub fn keep_account(&self, credentials: &Credentials) -> Result<(), JournalError> {
        self.with(|db| keep(db, credentials))
    }

    /// As [`Self::keep_account`], where the journal knows the account and has nothing newer: for whoever read the vault
    /// without a turn, and may be late.
    pub fn catch_up(&self, credentials: &Credentials) -> Result<(), JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            let known = transaction
                .prepare_cached("SELECT version FROM accounts WHERE name = ?1")?
                .query_row([credentials.account.as_str()], |row| row.get::<_, i64>(0))
                .optional()?;
            if known.is_some_and(|version| version <= credentials.version.cast_signed()) {
                keep(&transaction, credentials)?;
            }
            transaction.commit()
        })
    }

    /// The tokens that were ever kept here, but for those that ended long ago.
    pub fn fingerprints(&self) -> Result<HashSet<Fingerprint>, JournalError> {
        self.with(|db| {
            db.prepare_cached("SELECT fingerprint FROM tokens")?
                .query_map([], |row| row.get(0).map(Fingerprint))?
                .collect()
        })
    }

    /// The account whose token this is or was, if it was ever kept here.
    pub fn owner_of(&self, token: &Fingerprint) -> Result<Option<AccountName>, JournalError> {
        self.with(|db| {
            let mut owner = db.prepare_cached("SELECT account FROM tokens WHERE fingerprint = ?1")?;
            let found: Option<String> = owner.query_row([&token.0], |row| row.get(0)).optional()?;
            Ok(found.and_then(|name| name.parse().ok()))
        })
    }

    /// Notes a renewal that failed, and when the next may be tried.
    pub fn renewal_failed(
        &self,
        name: &AccountName,
        trouble: &Trouble,
        not_before: Timestamp,
    ) -> Result<(), JournalError> {
        self.with(|db| {
            db.prepare_cached(
                "UPDATE accounts SET failures = failures + 1, trouble = ?2, not_before = ?3 WHERE name = ?1",
            )?
            .execute(params![name.as_str(), to_json(trouble)?, to_millis(not_before)])?;
            Ok(())
        })
    }

    /// Notes where an account stands, and why.
    pub fn set_stage(&self, name: &AccountName, stage: Stage, trouble: Option<&Trouble>) -> Result<(), JournalError> {
        self.with(|db| {
            let trouble = trouble.map(to_json).transpose()?;
            db.prepare_cached("UPDATE accounts SET stage = ?2, trouble = ?3, not_before = NULL WHERE name = ?1")?
                .execute(params![name.as_str(), stage.word(), trouble])?;
            Ok(())
        })
    }

    /// Notes that an account is being handed over, or no more. It is on the disk when this returns: whoever has the sign-in
    /// then must not meet another who uses it, not even after the power failed.
    pub fn set_handing_over(&self, name: &AccountName, begun: bool) -> Result<(), JournalError> {
        let stage = if begun { Stage::HandingOver } else { Stage::Kept };
        self.durably(|db| {
            db.execute("UPDATE accounts SET stage = ?2 WHERE name = ?1", [name.as_str(), stage.word()]).map(drop)
        })
    }

    /// Forgets an account.
    pub fn forget_account(&self, name: &AccountName) -> Result<(), JournalError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            transaction.execute("DELETE FROM accounts WHERE name = ?1", [name.as_str()])?;
            transaction.execute("DELETE FROM notices WHERE account = ?1", [name.as_str()])?;
            transaction.execute("DELETE FROM consents WHERE account = ?1", [name.as_str()])?;
            transaction.commit()
        })
    }
}

fn keep(db: &Connection, credentials: &Credentials) -> rusqlite::Result<()> {
    let ends = to_millis(credentials.access_token_ends);
    db.prepare_cached("INSERT OR REPLACE INTO tokens (fingerprint, ends, account) VALUES (?1, ?2, ?3)")?
        .execute(params![credentials.fingerprint().0, ends, credentials.account.as_str()])?;
    db.prepare_cached("DELETE FROM tokens WHERE ends < ?1")?
        .execute([to_millis(credentials.updated) - TOKENS_REMEMBERED_MILLIS])?;
    let mut keep = db.prepare_cached(
        "INSERT OR REPLACE INTO accounts (name, kind, stage, provider, identity, scopes, fingerprint, access_token_ends,
             sign_in_ends, version, refresh_count, created, updated)
         VALUES (:name, :kind, :stage, :provider, :identity, :scopes, :fingerprint, :access_token_ends,
             :sign_in_ends, :version, :refresh_count, :created, :updated)",
    )?;
    keep.execute(named_params! {
        ":name": credentials.account.as_str(),
        ":kind": credentials.kind.word(),
        ":stage": Stage::Kept.word(),
        ":provider": credentials.provider,
        ":identity": to_json(&credentials.identity)?,
        ":scopes": to_json(&credentials.scopes)?,
        ":fingerprint": credentials.fingerprint().0,
        ":access_token_ends": to_millis(credentials.access_token_ends),
        ":sign_in_ends": to_millis(credentials.sign_in_ends),
        ":version": credentials.version.cast_signed(),
        ":refresh_count": credentials.refresh_count.cast_signed(),
        ":created": to_millis(credentials.created),
        ":updated": to_millis(credentials.updated),
    })?;
    Ok(())
}
