//! An account's state in words.

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::{Facts, moment};
use crate::account::Identity;
use crate::journal::{AccountRow, Stage, Trouble};

/// From this many days before it, the sign-in's end is said plainly.
const ENDS_SOON_DAYS: i64 = 7;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Nobody is signed in, or signing out is not through.
    SignedOut,
    /// A sign-in waits for its code.
    SigningIn,
    /// The token is good.
    Fresh,
    /// It is being renewed now.
    Renewing,
    /// The token is good, and renewing it fails for now.
    Late,
    /// The token has ended, and renewing it is tried again.
    Offline,
    /// The provider refused.
    NeedsSignIn,
}

/// An account, told to a person.
#[derive(Clone, Debug, Serialize)]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub code: AccountState,
    /// Its state in words.
    pub state: String,
    /// Who it is.
    pub identity: Identity,
    /// When the access token ends.
    pub access_token_ends: Option<Timestamp>,
    /// When the sign-in ends.
    pub sign_in_ends: Option<Timestamp>,
    /// The sign-in's end in words.
    pub sign_in: Option<String>,
    /// Renewals since the sign-in.
    pub refresh_count: u64,
    /// When the record was last changed.
    pub updated: Option<Timestamp>,
    /// What is wrong, if anything.
    pub trouble: Option<Trouble>,
    /// What to do next; empty where there is nothing to do.
    pub next_step: String,
}

pub(super) fn all(facts: &Facts<'_>) -> Vec<AccountStatus> {
    let waiting = facts.signing_in.iter().filter(|name| facts.accounts.iter().all(|row| row.name.as_str() != **name));
    facts.accounts.iter().map(|row| kept(row, facts)).chain(waiting.map(|name| signing_in(name))).collect()
}

fn signing_in(name: &str) -> AccountStatus {
    AccountStatus {
        name: name.to_owned(),
        code: AccountState::SigningIn,
        state: "Signing in".to_owned(),
        identity: Identity::default(),
        access_token_ends: None,
        sign_in_ends: None,
        sign_in: None,
        refresh_count: 0,
        updated: None,
        trouble: None,
        next_step: "Finish it with `tokenferry callback CODE#STATE`.".to_owned(),
    }
}

fn kept(row: &AccountRow, facts: &Facts<'_>) -> AccountStatus {
    let Facts { now, zone, .. } = *facts;
    let ends = moment(row.access_token_ends, now, zone);
    let living = row.access_token_ends > now;
    let renewing = facts.renewing.contains(&row.name) && (row.failures > 0 || !living);
    let (code, state) = match row.stage {
        Stage::Leaving => (AccountState::SignedOut, "Signed out here, and Claude could not be told yet".to_owned()),
        Stage::Refused => (AccountState::NeedsSignIn, "Sign in again".to_owned()),
        Stage::Kept if renewing => (AccountState::Renewing, "Renewing".to_owned()),
        Stage::Kept if living && row.failures == 0 => (AccountState::Fresh, format!("Fresh until {ends}")),
        Stage::Kept if living => (AccountState::Late, format!("Good until {ends}, Claude can't be reached")),
        Stage::Kept if facts.kept_fresh => (AccountState::Offline, format!("Ended at {ends}, trying again")),
        Stage::Kept => (AccountState::Offline, format!("Ended at {ends}")),
    };
    let login = || format!("`tokenferry login --account {}`", row.name);
    let next_step = match code {
        AccountState::NeedsSignIn => format!("Sign in again: {}.", login()),
        AccountState::SignedOut => format!("Try again: `tokenferry logout --account {}`.", row.name),
        AccountState::Offline if !facts.kept_fresh => {
            "It is renewed when it is next asked for, or at once with `tokenferry refresh`.".to_owned()
        }
        _ if row.sign_in_ends <= now => format!("The sign-in's time is over: {}.", login()),
        _ if ends_soon(row.sign_in_ends, now) => format!("Sign in anew before it ends: {}.", login()),
        _ => String::new(),
    };
    AccountStatus {
        name: row.name.to_string(),
        code,
        state,
        identity: row.identity.clone(),
        access_token_ends: Some(row.access_token_ends),
        sign_in_ends: Some(row.sign_in_ends),
        sign_in: Some(sign_in_words(row.sign_in_ends, facts)),
        refresh_count: row.refresh_count,
        updated: Some(row.updated),
        trouble: row.trouble.clone(),
        next_step,
    }
}

fn sign_in_words(ends: Timestamp, facts: &Facts<'_>) -> String {
    let when = moment(ends, facts.now, facts.zone);
    if ends <= facts.now {
        return format!("The sign-in ended {when}");
    }
    match days_between(facts.now, ends) {
        0 => format!("The sign-in ends within a day ({when})"),
        1 => format!("The sign-in ends in 1 day ({when})"),
        days if days <= ENDS_SOON_DAYS => format!("The sign-in ends in {days} days ({when})"),
        _ => format!("Signed in until {when}"),
    }
}

/// Whether it is time to say so.
pub(crate) fn ends_soon(ends: Timestamp, now: Timestamp) -> bool {
    days_between(now, ends) <= ENDS_SOON_DAYS
}

fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    let hours = from.until((Unit::Hour, to)).map_or(i64::MAX, |span| span.get_hours().into());
    hours.div_euclid(24)
}
