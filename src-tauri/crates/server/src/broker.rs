//! Tokens for programs that ask: from memory while they are good for a while, and otherwise from the keeper, once for all
//! who wait. Nobody is given a token that is due to be renewed while a renewal can be waited for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use engine::account::AccountName;
use engine::credentials::{Credentials, Fingerprint, Kind};
use engine::journal::AccountRow;
use engine::secret::SecretString;
use engine::{Engine, Error};
use jiff::{SignedDuration, Timestamp};

/// How long a token is given on that could not be renewed for the moment.
const MAKESHIFT: Duration = Duration::from_secs(1);

/// A token in memory. It is wiped when nobody has it any more.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) account: AccountName,
    pub(crate) kind: Kind,
    pub(crate) token: SecretString,
    /// When it ends, if it does.
    pub(crate) ends: Option<Timestamp>,
    fingerprint: Fingerprint,
    /// Until when it is given without asking.
    until: Timestamp,
}

impl Held {
    /// Whole seconds that are left at `now`; none where it has no end.
    pub(crate) fn left(&self, now: Timestamp) -> Option<i64> {
        self.ends.map(|ends| ends.duration_since(now).as_secs().max(0))
    }
}

/// The tokens in memory.
#[derive(Debug, Default)]
pub(crate) struct Broker {
    held: RwLock<HashMap<AccountName, Arc<Held>>>,
    gates: Mutex<HashMap<AccountName, Arc<tokio::sync::Mutex<()>>>>,
    /// Grows whenever something may be good no more: what was fetched before that is not kept.
    era: AtomicU64,
}

impl Broker {
    /// A token of the account that is good for a while.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) async fn token(&self, engine: &Engine, account: &AccountName) -> Result<Arc<Held>, Error> {
        if let Some(held) = self.good(account, engine.now()) {
            return Ok(held);
        }
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.entry(account.clone()).or_default().clone()
        };
        let _turn = gate.lock().await;
        if let Some(held) = self.good(account, engine.now()) {
            return Ok(held);
        }
        let era = self.era.load(Ordering::Acquire);
        let credentials = engine.token_for_a_while(account).await?;
        let (due, now) = (engine.due(&credentials), engine.now());
        let held = Arc::new(of(&credentials, due, now));
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if self.era.load(Ordering::Acquire) == era {
            all.insert(account.clone(), held.clone());
        }
        Ok(held)
    }

    fn good(&self, account: &AccountName, now: Timestamp) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(account).filter(|held| held.until > now).cloned()
    }

    /// Forgets what an account has in memory: it is being renewed, or signed out.
    pub(crate) fn forget(&self, account: &AccountName) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        self.era.fetch_add(1, Ordering::AcqRel);
        held.remove(account);
    }

    /// Forgets what is not the newest of a living account any more, as the journal has them.
    pub(crate) fn keep_newest(&self, accounts: &[AccountRow]) {
        let is_newest = |held: &Held| {
            accounts
                .iter()
                .any(|row| row.name == held.account && !row.stage.is_over() && row.fingerprint == held.fingerprint)
        };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // Raised in any case: what is being fetched now may be older than the change.
        self.era.fetch_add(1, Ordering::AcqRel);
        held.retain(|_, held| is_newest(held));
    }
}

fn of(credentials: &Credentials, due: Option<Timestamp>, now: Timestamp) -> Held {
    let ends = credentials.ends();
    let until = match due {
        Some(due) if due > now => due,
        Some(_) => now.saturating_add(SignedDuration::try_from(MAKESHIFT).unwrap_or_default()).unwrap_or(now),
        None => Timestamp::MAX,
    };
    Held {
        account: credentials.account.clone(),
        kind: credentials.kind,
        token: credentials.access_token.clone(),
        ends,
        fingerprint: credentials.fingerprint(),
        until: ends.map_or(until, |ends| until.min(ends)),
    }
}
