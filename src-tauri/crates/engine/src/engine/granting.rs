//! The journeys of grants, links and sessions: made, shown, used, ended.

use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use crate::account::AccountName;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::grants::{Grant, GrantName, Key, KeyKind, NewGrant};
use crate::journal::{AccountRow, Door, Event, Kind};
use crate::keeper::{KeepError, Need};
use crate::renewal::{Jitter, later};
use crate::secret::SecretString;
use crate::sign_in::{Callback, PendingId};

/// How long a link lets somebody in: as long as it takes from a terminal to a browser.
const LINK_LIVES: Duration = Duration::from_secs(10 * 60);
/// How long a person stays in.
const SESSION_LIVES: Duration = Duration::from_secs(7 * 24 * 3600);

impl Engine {
    /// Makes a grant. What is given here is its key, which is kept nowhere.
    ///
    /// # Errors
    /// [`Error::GrantTaken`]; [`Error::Journal`]; [`Error::NoChance`].
    pub fn add_grant(&self, grant: &NewGrant) -> Result<SecretString, Error> {
        let key = Key::new(KeyKind::Grant).map_err(|_| Error::NoChance)?;
        let text = format!("{} may ask for {}: {}.", grant.name, grant.account, words(grant));
        let event = Event::new(self.clock.now(), Kind::GrantChanged, text).to(&grant.account);
        if self.journal.add_grant(grant, &key, &event)? {
            Ok(key.show())
        } else {
            Err(Error::GrantTaken(grant.name.clone()))
        }
    }

    /// Every grant, by name.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn grants(&self) -> Result<Vec<Grant>, Error> {
        Ok(self.journal.grants()?)
    }

    /// Ends a grant: within a second it is good for nothing.
    ///
    /// # Errors
    /// [`Error::NoGrant`]; [`Error::Journal`].
    pub fn revoke_grant(&self, name: &GrantName) -> Result<(), Error> {
        let grant = self.journal.grant(name)?.ok_or_else(|| Error::NoGrant(name.clone()))?;
        let text = format!("{name} may ask for {} no more.", grant.account);
        let event = Event::new(self.clock.now(), Kind::GrantChanged, text).to(&grant.account);
        if self.journal.revoke_grant(name, &event)? { Ok(()) } else { Err(Error::NoGrant(name.clone())) }
    }

    /// Counts uses of a grant, the last of them now; where `told` says how many, the activity tells of those.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn grant_used(&self, grant: &Grant, uses: u64, told: Option<u64>) -> Result<(), Error> {
        let now = self.clock.now();
        let event = told.map(|told| {
            let times = if told == 1 { String::new() } else { format!(", {told} times") };
            let text = format!("Gave the token of {} to {}{times}.", grant.account, grant.name);
            Event::new(now, Kind::TokenGiven, text).to(&grant.account)
        });
        Ok(self.journal.grant_used(&grant.name, uses, now, event.as_ref())?)
    }

    /// Notes something of a face's own doing.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn note(&self, kind: Kind, text: &str) -> Result<(), Error> {
        Ok(self.journal.note(Event::new(self.clock.now(), kind, text))?)
    }

    /// A key that lets a person in once, within ten minutes.
    ///
    /// # Errors
    /// [`Error::Journal`]; [`Error::NoChance`].
    pub fn new_link(&self) -> Result<SecretString, Error> {
        let (key, now) = (Key::new(KeyKind::Link).map_err(|_| Error::NoChance)?, self.clock.now());
        self.journal.open_door(Door::Link, &key, later(now, LINK_LIVES), now)?;
        Ok(key.show())
    }

    /// Lets somebody in who shows a link's key: gives a session's key, good for seven days. `None` where the key is used,
    /// late, or none.
    ///
    /// # Errors
    /// [`Error::Journal`]; [`Error::NoChance`].
    pub fn let_in(&self, shown: &str) -> Result<Option<Key>, Error> {
        let now = self.clock.now();
        let Some(link) = Key::parse(KeyKind::Link, shown) else { return Ok(None) };
        if !self.journal.opens_once(Door::Link, &link, now)? {
            return Ok(None);
        }
        let session = Key::new(KeyKind::Session).map_err(|_| Error::NoChance)?;
        self.journal.open_door(Door::Session, &session, later(now, SESSION_LIVES), now)?;
        self.journal.note(Event::new(now, Kind::LetIn, "A browser was let in by a link."))?;
        Ok(Some(session))
    }

    /// The session that this key is of, while it lasts.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn session(&self, shown: &str) -> Result<Option<Key>, Error> {
        let Some(key) = Key::parse(KeyKind::Session, shown) else { return Ok(None) };
        Ok(self.journal.opens(Door::Session, &key, self.clock.now())?.then_some(key))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn end_session(&self, session: &Key) -> Result<(), Error> {
        Ok(self.journal.shut(session)?)
    }

    /// Remembers where the page is served, for whoever makes another link.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn served_at(&self, address: &str) -> Result<(), Error> {
        Ok(self.journal.served_at(address)?)
    }

    /// Where the page was last served.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn where_served(&self) -> Result<Option<String>, Error> {
        Ok(self.journal.where_served()?)
    }

    /// Every account, as the journal has it.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn accounts(&self) -> Result<Vec<AccountRow>, Error> {
        Ok(self.journal.accounts()?)
    }

    /// The newest events after the one with this number, at most so many, oldest of them first, each with its own number.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn events_since(&self, number: i64, most: u32) -> Result<Vec<(i64, Event)>, Error> {
        Ok(self.journal.events_since(number, most)?)
    }

    /// The number of the newest event; 0 where there is none.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn newest_event(&self) -> Result<i64, Error> {
        Ok(self.journal.newest_event()?)
    }

    /// When these are due to be renewed; `None` for what is never renewed.
    pub fn due(&self, credentials: &Credentials) -> Option<Timestamp> {
        let Credentials { account, kind, version, updated, access_token_ends, .. } = credentials;
        let jitter = Jitter::of(account, *version);
        kind.is_renewed().then(|| self.policy.due(self.clock.now(), *updated, *access_token_ends, jitter))
    }

    /// Whether the account's token is due to be renewed.
    pub fn is_due(&self, row: &AccountRow) -> bool {
        let (now, jitter) = (self.clock.now(), Jitter::of(&row.name, row.version));
        row.kind.is_renewed() && self.policy.due(now, row.updated, row.access_token_ends, jitter) <= now
    }

    /// For which account a sign-in waits for this code, if one does. It waits on.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn waits_for(&self, callback: &Callback) -> Result<Option<AccountName>, Error> {
        let id = PendingId::of(&callback.state);
        let pending = self.journal.pending()?.into_iter().find(|(waiting, ..)| *waiting == id);
        Ok(pending.and_then(|(_, account, _)| account.parse().ok()))
    }

    /// How many sign-ins wait for their code.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn waiting_sign_ins(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        Ok(self.journal.pending()?.into_iter().filter(|(.., ends)| *ends > now).count())
    }

    /// A token for somebody who uses it for a while: renewed first where that is due, and otherwise as [`Self::token`].
    ///
    /// # Errors
    /// [`Error::Keep`]
    pub async fn token_for_a_while(&self, account: &AccountName) -> Result<Credentials, Error> {
        match self.keeper().await?.fresh(account, Need::NotDue).await {
            // What still lives is better than nothing.
            Err(KeepError::Later { .. }) => self.token(account).await,
            done => Ok(done?),
        }
    }

    /// The present time, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn words(grant: &NewGrant) -> String {
    let words: Vec<_> = grant.scopes.iter().map(|scope| scope.word()).collect();
    words.join(", ")
}
