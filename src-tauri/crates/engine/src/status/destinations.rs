//! A destination's state in words.

use jiff::Timestamp;
use serde::Serialize;

use super::{Facts, moment};
use crate::journal::{AccountRow, CopyRow, Stage, Trouble};
use crate::settings::{Destination, Place};

/// Where a destination stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "DestinationCode"))]
pub enum DestinationState {
    /// It has the newest token, read back.
    UpToDate,
    /// It has an older one, or none.
    Due,
    /// Something is being delivered to its engine now.
    Delivering,
    /// The engine is away.
    Waiting,
    /// Something stands in the way.
    Failing,
    /// Somebody signed in there by themselves.
    Foreign,
    /// Nothing is delivered by itself for now.
    Paused,
}

/// A destination, told to a person.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "Destination"))]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub code: DestinationState,
    /// Its state in words.
    pub state: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Whose token it gets.
    pub account: String,
    /// In which format.
    pub format: String,
    /// When a token was last delivered.
    pub delivered: Option<Timestamp>,
    /// When it was last read back.
    pub read_back: Option<Timestamp>,
    /// The fingerprint of what was last read back.
    pub fingerprint: Option<String>,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// What is wrong, if anything.
    pub trouble: Option<Trouble>,
    /// What to do next; empty where there is nothing to do.
    pub next_step: String,
}

/// A copy that shall go and could not be reached yet.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CopyLeft {
    /// Where it lies.
    #[serde(flatten)]
    pub place: Place,
    /// Whose it is.
    pub account: String,
    /// What stood in the way.
    pub trouble: Option<Trouble>,
}

pub(super) fn one(destination: &Destination, facts: &Facts<'_>) -> DestinationStatus {
    let spot = destination.spot();
    let copy = facts.copies.iter().find(|copy| copy.spot == spot);
    let account = facts.accounts.iter().find(|row| row.name == destination.account);
    let (code, state, next_step) = judge(destination, account, copy, facts);
    DestinationStatus {
        name: destination.name.to_string(),
        code,
        state,
        place: spot.place,
        account: destination.account.to_string(),
        format: destination.format.to_string(),
        delivered: copy.and_then(|it| it.delivered),
        read_back: copy.and_then(|it| it.read_back),
        fingerprint: copy.and_then(|it| it.confirmed.as_ref().map(ToString::to_string)),
        failing_since: copy.and_then(|it| it.failing_since),
        trouble: copy.and_then(|it| it.trouble.clone()),
        next_step,
    }
}

fn judge(
    destination: &Destination,
    account: Option<&AccountRow>,
    copy: Option<&CopyRow>,
    facts: &Facts<'_>,
) -> (DestinationState, String, String) {
    if let Some(trouble) = copy.and_then(|copy| copy.trouble.as_ref()) {
        return match trouble.code.as_str() {
            "foreign" => (DestinationState::Foreign, "Holds somebody else's sign-in".to_owned(), trouble.fix.clone()),
            "engine_not_running" | "engine_socket_missing" | "engine_hangs" | "engine_broken" | "ssh_unreachable" => {
                (DestinationState::Waiting, "Waiting for Docker".to_owned(), trouble.fix.clone())
            }
            _ => (DestinationState::Failing, "Failing".to_owned(), trouble.fix.clone()),
        };
    }
    let Some(account) = account.filter(|account| account.stage == Stage::Kept) else {
        let login = format!("Sign in with `tokenferry login --account {}`.", destination.account);
        return (DestinationState::Due, format!("Due, when {} is signed in", destination.account), login);
    };
    let read_back =
        copy.filter(|copy| copy.confirmed.as_ref() == Some(&account.fingerprint)).and_then(|it| it.read_back);
    match read_back {
        Some(at) => {
            let when = moment(at, facts.now, facts.zone);
            (DestinationState::UpToDate, format!("Up to date, read back {when}"), String::new())
        }
        None if facts.delivering.contains(&destination.place.host()) => {
            (DestinationState::Delivering, "Delivering".to_owned(), String::new())
        }
        None if facts.paused => {
            let sync = "Go on by itself again, or deliver once with `tokenferry sync`.".to_owned();
            (DestinationState::Paused, "Paused".to_owned(), sync)
        }
        None if facts.kept_fresh => (DestinationState::Due, "Due".to_owned(), String::new()),
        None => {
            let sync = "Deliver with `tokenferry sync`, or let `tokenferry run` do it.".to_owned();
            (DestinationState::Due, "Due".to_owned(), sync)
        }
    }
}

pub(super) fn left(facts: &Facts<'_>) -> Vec<CopyLeft> {
    let shall_go = facts.copies.iter().filter(|copy| copy.withdraw);
    shall_go
        .map(|copy| CopyLeft {
            place: copy.spot.place.clone(),
            account: copy.account.to_string(),
            trouble: copy.trouble.clone(),
        })
        .collect()
}
