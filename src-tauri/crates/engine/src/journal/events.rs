//! What happened, a line each, for people to read.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Journal, JournalError, from_millis, to_millis};
use crate::account::AccountName;

/// Older events are dropped beyond this many.
const KEPT: i64 = 10_000;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "HappenedKind"))]
pub enum Kind {
    /// A program began to keep everything fresh.
    Started,
    /// It ended.
    Stopped,
    /// Signed in, or taken over.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Renewed.
    Renewed,
    /// A renewal failed.
    RenewalFailed,
    /// The provider refused.
    Refused,
    /// What is never renewed ends in some days.
    EndsSoon,
    /// It has ended.
    Ended,
    /// A sign-in was handed over to another owner.
    HandedOver,
    /// Delivered and read back.
    Delivered,
    /// A copy that somebody had harmed was put right.
    Healed,
    /// A delivery failed.
    DeliveryFailed,
    /// A copy was taken away.
    Withdrawn,
    /// The provider took the token that lay at a destination, or a real request there was answered.
    Proved,
    /// The provider did not take it as the account's, or a real request was not answered.
    Disproved,
    /// A destination was added or removed.
    DestinationChanged,
    /// An engine can't be reached any more.
    EngineLost,
    /// It can again.
    EngineFound,
    /// A grant was made or revoked.
    GrantChanged,
    /// A token was given to whoever has a grant.
    TokenGiven,
    /// Keys were shown that open nothing.
    KeyRefused,
    /// A person was let in by a link.
    LetIn,
    /// Something stands in the way of everything.
    Trouble,
}

impl Kind {
    const ALL: [Self; 24] = [
        Self::Started,
        Self::Stopped,
        Self::SignedIn,
        Self::SignedOut,
        Self::Renewed,
        Self::RenewalFailed,
        Self::Refused,
        Self::EndsSoon,
        Self::Ended,
        Self::HandedOver,
        Self::Delivered,
        Self::Healed,
        Self::DeliveryFailed,
        Self::Withdrawn,
        Self::Proved,
        Self::Disproved,
        Self::DestinationChanged,
        Self::EngineLost,
        Self::EngineFound,
        Self::GrantChanged,
        Self::TokenGiven,
        Self::KeyRefused,
        Self::LetIn,
        Self::Trouble,
    ];

    /// The stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Renewed => "renewed",
            Self::RenewalFailed => "renewal_failed",
            Self::Refused => "refused",
            Self::EndsSoon => "ends_soon",
            Self::Ended => "ended",
            Self::HandedOver => "handed_over",
            Self::Delivered => "delivered",
            Self::Healed => "healed",
            Self::DeliveryFailed => "delivery_failed",
            Self::Withdrawn => "withdrawn",
            Self::Proved => "proved",
            Self::Disproved => "disproved",
            Self::DestinationChanged => "destination_changed",
            Self::EngineLost => "engine_lost",
            Self::EngineFound => "engine_found",
            Self::GrantChanged => "grant_changed",
            Self::TokenGiven => "token_given",
            Self::KeyRefused => "key_refused",
            Self::LetIn => "let_in",
            Self::Trouble => "trouble",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "Happened"))]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: Kind,
    /// To which account.
    pub account: Option<String>,
    /// At which destination.
    pub destination: Option<String>,
    /// In a sentence.
    pub text: String,
    /// How long it took, in milliseconds: a renewal from the question to what is stored of its answer, a delivery from the
    /// wish to what was read back.
    pub took_ms: Option<u64>,
}

impl Event {
    /// Something that happened to nobody in particular.
    pub fn new(at: Timestamp, kind: Kind, text: impl Into<String>) -> Self {
        Self { at, kind, account: None, destination: None, text: text.into(), took_ms: None }
    }

    /// It happened to this account.
    #[must_use]
    pub fn to(mut self, account: &AccountName) -> Self {
        self.account = Some(account.to_string());
        self
    }

    /// It happened at this destination.
    #[must_use]
    pub fn at_destination(mut self, destination: impl ToString) -> Self {
        self.destination = Some(destination.to_string());
        self
    }

    /// It took this long.
    #[must_use]
    pub fn took(mut self, duration: Duration) -> Self {
        self.took_ms = u64::try_from(duration.as_millis()).ok();
        self
    }
}

impl Journal {
    /// Notes an event, and tells it to whoever reads the log.
    ///
    /// # Errors
    /// [`JournalError`], here and below.
    pub fn note(&self, event: Event) -> Result<(), JournalError> {
        tracing::info!(kind = event.kind.word(), "{}", event.text);
        self.with(|db| insert(db, &event))
    }

    /// The newest events, oldest of them first.
    pub fn events(&self, most: u32) -> Result<Vec<Event>, JournalError> {
        self.events_since(0, most).map(|events| events.into_iter().map(|(_, event)| event).collect())
    }

    /// The number of the newest event; 0 where there is none.
    pub fn newest_event(&self) -> Result<i64, JournalError> {
        self.with(|db| db.query_row("SELECT coalesce(max(id), 0) FROM events", [], |row| row.get(0)))
    }

    /// The newest events after the one with this number, oldest of them first, each with its own number.
    pub fn events_since(&self, number: i64, most: u32) -> Result<Vec<(i64, Event)>, JournalError> {
        self.with(|db| {
            let mut rows = db.prepare_cached(
                "SELECT * FROM (SELECT * FROM events WHERE id > ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
            )?;
            let read = rows.query_map(params![number, most], |row| {
                let kind: String = row.get("kind")?;
                let known = Kind::ALL.into_iter().find(|it| it.word() == kind);
                let event = Event {
                    at: from_millis(row.get("at")?),
                    kind: known.ok_or(rusqlite::Error::InvalidColumnType(0, kind, rusqlite::types::Type::Text))?,
                    account: row.get("account")?,
                    destination: row.get("destination")?,
                    text: row.get("text")?,
                    took_ms: row.get::<_, Option<i64>>("took")?.and_then(|took| u64::try_from(took).ok()),
                };
                Ok((row.get("id")?, event))
            })?;
            read.collect()
        })
    }
}

/// Adds an event, and drops what is too old.
pub(super) fn insert(db: &Connection, event: &Event) -> rusqlite::Result<()> {
    let took = event.took_ms.and_then(|took| i64::try_from(took).ok());
    let row = params![to_millis(event.at), event.kind.word(), event.account, event.destination, event.text, took];
    db.prepare_cached(
        "INSERT INTO events (at, kind, account, destination, text, took) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(row)?;
    db.prepare_cached("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?1")?.execute([KEPT]).map(drop)
}
