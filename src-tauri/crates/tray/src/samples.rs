//! Statuses to try the models on.

use std::path::PathBuf;

use engine::account::Identity;
use engine::credentials::Kind;
use engine::journal::Trouble;
use engine::settings::Place;
use engine::status::{AccountState, AccountStatus, DestinationState, DestinationStatus, Status};
use engine::vault::VaultKind;
use jiff::{SignedDuration, Timestamp};

/// Saturday noon.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) fn status(accounts: Vec<AccountStatus>, destinations: Vec<DestinationStatus>) -> Status {
    Status {
        at: now(),
        provider: None,
        vault: VaultKind::File,
        kept_fresh: true,
        paused: false,
        quiet: false,
        accounts,
        destinations,
        copies_left: Vec::new(),
    }
}

/// Fresh, with a sign-in that ends in 20 days.
pub(crate) fn ada() -> AccountStatus {
    AccountStatus {
        name: "default".to_owned(),
        kind: Kind::SignIn,
        code: AccountState::Fresh,
        state: "Fresh until 18:40".to_owned(),
        identity: Identity { email: Some("ada@practice.example".to_owned()), ..Identity::default() },
        access_token_ends: Some(now() + SignedDuration::from_hours(6)),
        sign_in_ends: Some(now() + SignedDuration::from_hours(20 * 24)),
        sign_in: Some("Signed in until 11 Dec 12:00".to_owned()),
        refresh_count: 3,
        updated: Some(now() - SignedDuration::from_hours(2)),
        trouble: None,
        next_step: String::new(),
    }
}

pub(crate) fn account(code: AccountState, state: &str) -> AccountStatus {
    AccountStatus { code, state: state.to_owned(), ..ada() }
}

pub(crate) fn ends_in(hours: i64) -> AccountStatus {
    AccountStatus {
        sign_in_ends: Some(now() + SignedDuration::from_hours(hours)),
        sign_in: Some("The sign-in ends soon".to_owned()),
        ..ada()
    }
}

pub(crate) fn destination(name: &str, code: DestinationState, state: &str) -> DestinationStatus {
    DestinationStatus {
        name: name.to_owned(),
        code,
        state: state.to_owned(),
        place: Place::Directory { directory: PathBuf::from("/srv").join(name) },
        account: "default".to_owned(),
        format: "claude-code".to_owned(),
        delivered: None,
        read_back: None,
        fingerprint: None,
        failing_since: None,
        trouble: None,
        next_step: String::new(),
    }
}

pub(crate) fn fails_for(name: &str, code: DestinationState, minutes: i64) -> DestinationStatus {
    let trouble = Trouble { code: "x".to_owned(), what: "It is full.".to_owned(), fix: "Make room.".to_owned() };
    DestinationStatus {
        failing_since: Some(now() - SignedDuration::from_mins(minutes)),
        trouble: Some(trouble),
        ..destination(name, code, "Failing")
    }
}
