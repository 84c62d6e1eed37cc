//! An account's state in words.

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::{Facts, moment};
use crate::account::Identity;
use crate::credentials::Kind;
use crate::journal::{AccountRow, Stage, Trouble};
use crate::renewal::SOON_DAYS;

/// From this many days before it, the sign-in's end is said plainly.
const ENDS_SOON_DAYS: i64 = 7;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "AccountCode"))]
pub enum AccountState {
    /// Nobody is signed in, or signing out is not through.
    SignedOut,
    /// The sign-in goes to another owner, and is not used here any more.
    HandingOver,
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
    /// The provider refused, or what is never renewed has ended.
    NeedsSignIn,
}

impl AccountState {
    /// Whether a sign-in is used here, be it a good one or not.
    pub fn is_signed_in(self) -> bool {
        !matches!(self, Self::SignedOut | Self::HandingOver | Self::SigningIn)
    }
}

/// An account, told to a person.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "Account"))]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// What is kept for it.
    pub kind: Kind,
    /// Its state.
    pub code: AccountState,
    /// Its state in words.
    pub state: String,
    /// Who it is.
    pub identity: Identity,
    /// When the access token ends; none for an API key, which has no end.
    pub access_token_ends: Option<Timestamp>,
    /// When the sign-in ends; the token's own end where it is a one-year token.
    pub sign_in_ends: Option<Timestamp>,
    /// The sign-in's end in words; what it is, where it is none.
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
        kind: Kind::SignIn,
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
    if !row.kind.is_renewed() && row.stage == Stage::Kept {
        return lasting(row, facts);
    }
    let ends = moment(row.access_token_ends, now, zone);
    let living = row.access_token_ends > now;
    let renewing = facts.renewing.contains(&row.name) && (row.failures > 0 || !living);
    let (code, state) = match row.stage {
        Stage::Leaving => (AccountState::SignedOut, "Signed out here, and Claude could not be told yet".to_owned()),
        Stage::HandingOver => (AccountState::HandingOver, "Being handed over to another owner".to_owned()),
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
        AccountState::HandingOver => {
            format!("Hand it over again, or sign in anew: {}.", login())
        }
        AccountState::SignedOut => format!("Try again: `tokenferry logout --account {}`.", row.name),
        AccountState::Offline if !facts.kept_fresh => {
            "It is renewed when it is next asked for, or at once with `tokenferry refresh`.".to_owned()
        }
        _ if row.sign_in_ends <= now => format!("The sign-in's time is over: {}.", login()),
        _ if ends_soon(row.sign_in_ends, now) => format!("Sign in anew before it ends: {}.", login()),
        _ => String::new(),
    };
    told(row, (code, state), sign_in_words(row.sign_in_ends, facts), next_step)
}

/// What is never renewed: good until its end, where it has one.
fn lasting(row: &AccountRow, facts: &Facts<'_>) -> AccountStatus {
    let Facts { now, zone, .. } = *facts;
    let command = format!("`{} --account {}`", row.kind.command(), row.name);
    let what = match row.kind {
        Kind::ApiKey => "An API key: it has no end, and is never renewed".to_owned(),
        _ => "A one-year token, for inference only: it is never renewed".to_owned(),
    };
    let Some(ends) = row.ends() else {
        return told(row, (AccountState::Fresh, "Good".to_owned()), what, String::new());
    };
    let when = moment(ends, now, zone);
    if ends <= now {
        let state = (AccountState::NeedsSignIn, format!("Ended at {when}"));
        return told(row, state, what, format!("Get another: {command}."));
    }
    let left = days_between(now, ends);
    let (until, next_step) = if left >= i64::from(SOON_DAYS) {
        (format!("Good until {when}"), String::new())
    } else {
        let days = match left {
            0 => "within a day".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        (format!("Good until {when}, and ends {days}"), format!("Get another before it ends: {command}."))
    };
    told(row, (AccountState::Fresh, until), what, next_step)
}

fn told(row: &AccountRow, (code, state): (AccountState, String), sign_in: String, next_step: String) -> AccountStatus {
    AccountStatus {
        name: row.name.to_string(),
        kind: row.kind,
        code,
        state,
        identity: row.identity.clone(),
        access_token_ends: row.ends(),
        sign_in_ends: row.ends().map(|_| row.sign_in_ends),
        sign_in: Some(sign_in),
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::credentials::{Credentials, samples};
    use crate::journal::Journal;
    use crate::status::Status;
    use crate::vault::VaultKind;

    fn told_at(now: Timestamp, credentials: &Credentials, stage: Stage) -> AccountStatus {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        journal.keep_account(credentials).unwrap();
        journal.set_stage(&credentials.account, stage, None).unwrap();
        let facts = Facts {
            now,
            zone: &TimeZone::UTC,
            provider: None,
            vault: VaultKind::File,
            kept_fresh: true,
            paused: false,
            quiet: false,
            accounts: &journal.accounts().unwrap(),
            signing_in: &[],
            renewing: &[],
            delivering: &[],
            copies: &[],
            destinations: &[],
        };
        Status::of(&facts).accounts.remove(0)
    }

    #[test]
    fn a_year_is_good_until_its_end_and_says_so_in_time() {
        let year = samples::one_year();
        let told = |hours: i64| told_at(year.sign_in_ends - SignedDuration::from_hours(hours), &year, Stage::Kept);
        let early = told(31 * 24);
        assert_eq!((early.kind, early.code, early.next_step.as_str()), (Kind::OneYear, AccountState::Fresh, ""));
        assert_eq!(early.state, "Good until 1 Jan 2027 00:00");
        assert_eq!(early.sign_in.as_deref(), Some("A one-year token, for inference only: it is never renewed"));
        for (hours, ends) in [(30 * 24 - 1, "in 29 days"), (25, "in 1 day"), (23, "within a day")] {
            let soon = told(hours);
            assert!(soon.state.ends_with(&format!(", and ends {ends}")), "{}", soon.state);
            assert_eq!(soon.next_step, "Get another before it ends: `tokenferry login --one-year --account default`.");
        }
        let over = told(0);
        assert_eq!((over.code, over.state.as_str()), (AccountState::NeedsSignIn, "Ended at 00:00"));
        assert_eq!(over.next_step, "Get another: `tokenferry login --one-year --account default`.");
    }

    #[test]
    fn a_key_has_no_clock() {
        let key = samples::api_key();
        let told = told_at("2126-01-01T00:00:00Z".parse().unwrap(), &key, Stage::Kept);
        assert_eq!((told.kind, told.code, told.state.as_str()), (Kind::ApiKey, AccountState::Fresh, "Good"));
        assert_eq!((told.access_token_ends, told.sign_in_ends, told.next_step.as_str()), (None, None, ""));
    }

    #[test]
    fn what_is_being_handed_over_is_not_signed_in_here() {
        let sign_in = samples::credentials();
        let told = told_at(sign_in.created, &sign_in, Stage::HandingOver);
        assert_eq!((told.code, told.state.as_str()), (AccountState::HandingOver, "Being handed over to another owner"));
        assert_eq!(told.next_step, "Hand it over again, or sign in anew: `tokenferry login --account default`.");
    }
}
