//! Programs with a grant: known by its key, held to its account, its scopes and its rate, and counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use engine::account::AccountName;
use engine::grants::{Grant, Key, KeyKind, Scope};
use engine::journal::Kind;
use engine::{Engine, Error};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::api::Problem;

/// How many keys that open nothing one address may show in a second before it is told to wait.
const WRONG_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// From this many addresses on, those that showed nothing for a while are forgotten.
const MANY_ADDRESSES: usize = 1024;
/// Uses of a grant are counted in the journal this often.
pub(crate) const COUNTED_EVERY: Duration = Duration::from_secs(60);
/// The activity tells of a grant that is in use this often: the journal is for reading.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// A grant at work.
#[derive(Debug)]
pub(crate) struct Machine {
    grant: Grant,
    rate: DefaultDirectRateLimiter,
    /// Uses that the journal has not counted yet.
    uses: AtomicU64,
    telling: Mutex<Telling>,
    /// The first use after a while is counted at once.
    is_in_use: AtomicBool,
}

/// What the activity was told.
#[derive(Debug, Default)]
struct Telling {
    at: Option<Instant>,
    untold: u64,
}

impl Machine {
    fn new(grant: Grant) -> Self {
        let per_second = NonZeroU32::new(grant.per_second).unwrap_or(NonZeroU32::MIN);
        Self {
            rate: RateLimiter::direct(Quota::per_second(per_second)),
            grant,
            uses: AtomicU64::new(0),
            telling: Mutex::default(),
            is_in_use: AtomicBool::new(false),
        }
    }

    /// What it was granted.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Refuses what its scopes don't have.
    pub(crate) fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.grant.allows(scope) { Ok(()) } else { Err(Problem::out_of_scope(scope)) }
    }

    /// Its own account; another is refused.
    pub(crate) fn account(&self, named: Option<&AccountName>) -> Result<&AccountName, Problem> {
        match named {
            Some(other) if *other != self.grant.account => Err(Problem::another_account()),
            _ => Ok(&self.grant.account),
        }
    }

    /// Whether it may come now.
    fn in_rate(&self) -> Result<(), Problem> {
        self.rate.check().map_err(|_| Problem::too_often())
    }
}

/// All that are there.
#[derive(Debug)]
pub(crate) struct Machines {
    /// By the selectors of their keys.
    all: RwLock<HashMap<String, Arc<Machine>>>,
    wrong: DefaultKeyedRateLimiter<Option<IpAddr>>,
    /// Keys that opened nothing, not noted yet.
    strangers: AtomicU64,
    strangers_told: Mutex<Option<Instant>>,
    first_use: Notify,
}

impl Default for Machines {
    fn default() -> Self {
        Self {
            all: RwLock::default(),
            wrong: RateLimiter::keyed(Quota::per_second(WRONG_PER_SECOND)),
            strangers: AtomicU64::new(0),
            strangers_told: Mutex::default(),
            first_use: Notify::new(),
        }
    }
}

impl Machines {
    /// Takes over what the journal has now. Counts and rates of those that stay go on.
    pub(crate) fn load(&self, engine: &Engine) -> Result<(), Error> {
        let grants = engine.grants()?;
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *all);
        *all = grants
            .into_iter()
            .map(|grant| {
                let selector = grant.selector.as_str().to_owned();
                let kept = before.remove(&selector).filter(|it| it.grant.hash == grant.hash);
                (selector, kept.unwrap_or_else(|| Arc::new(Machine::new(grant))))
            })
            .collect();
        Ok(())
    }

    /// Whose grant the request shows.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Machine>, Problem> {
        let machine = bearer(headers).and_then(|shown| self.find(shown));
        let Some(machine) = machine else {
            self.strangers.fetch_add(1, Ordering::Relaxed);
            if self.wrong.len() > MANY_ADDRESSES {
                self.wrong.retain_recent();
            }
            return Err(self.wrong.check_key(&peer).map_or_else(|_| Problem::too_often(), |()| Problem::no_grant()));
        };
        if machine.grant.is_over(now) {
            return Err(Problem::grant_over());
        }
        machine.in_rate()?;
        Ok(machine)
    }

    fn find(&self, shown: &str) -> Option<Arc<Machine>> {
        let key = Key::parse(KeyKind::Grant, shown)?;
        let machine = {
            let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
            all.get(key.selector().as_str()).cloned()
        };
        machine.filter(|machine| machine.grant.hash.is_of(&key))
    }

    /// It was given a token.
    pub(crate) fn used(&self, machine: &Machine) {
        machine.uses.fetch_add(1, Ordering::Relaxed);
        if !machine.is_in_use.load(Ordering::Relaxed) && !machine.is_in_use.swap(true, Ordering::Relaxed) {
            self.first_use.notify_one();
        }
    }

    /// Waits until one is used that was not for a while.
    pub(crate) async fn first_use(&self) {
        self.first_use.notified().await;
    }

    /// Has the journal count what was used. With `is_last` the activity is told of all.
    pub(crate) fn count(&self, engine: &Engine, is_last: bool) -> Result<(), Error> {
        let all: Vec<_> = self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let now = Instant::now();
        let is_time = |told: Option<Instant>| told.is_none_or(|at| now.duration_since(at) >= TOLD_EVERY);
        for machine in all {
            let uses = machine.uses.swap(0, Ordering::Relaxed);
            let mut telling = machine.telling.lock().unwrap_or_else(PoisonError::into_inner);
            if uses > 0 {
                telling.untold += uses;
                let tell = is_last || is_time(telling.at);
                let counted = engine.grant_used(&machine.grant, uses, tell.then_some(telling.untold));
                if let Err(why) = counted {
                    // The next time, then.
                    machine.uses.fetch_add(uses, Ordering::Relaxed);
                    telling.untold -= uses;
                    return Err(why);
                }
                if tell {
                    *telling = Telling { at: Some(now), untold: 0 };
                }
            } else if is_time(telling.at) {
                machine.is_in_use.store(false, Ordering::Relaxed);
            }
        }
        let mut told = self.strangers_told.lock().unwrap_or_else(PoisonError::into_inner);
        if is_last || is_time(*told) {
            let strangers = self.strangers.swap(0, Ordering::Relaxed);
            if strangers > 0 {
                *told = Some(now);
                let times = if strangers == 1 { "once".to_owned() } else { format!("{strangers} times") };
                engine.note(Kind::KeyRefused, &format!("A grant was shown {times} that there is not."))?;
            }
        }
        Ok(())
    }
}

/// The request's only bearer. RFC 6750 section 2.1.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = shown.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && shown.next().is_none()).then(|| token.trim())
}
