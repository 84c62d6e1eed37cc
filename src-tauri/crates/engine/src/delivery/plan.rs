//! What is due where: a pure function of what is kept, what lies where, and what the user wants.

use jiff::Timestamp;

use crate::journal::{AccountRow, CopyRow, Stage};
use crate::settings::{Destination, Place};

/// What is to be done now, and when to look again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Destinations that hold something else than their account's newest token.
    pub deliver: Vec<Destination>,
    /// Copies that shall go.
    pub withdraw: Vec<Place>,
    /// When the next of those that have to wait may be tried.
    pub next: Option<Timestamp>,
}

/// Makes the plan. A token that has ended is delivered to nobody: its successor will be.
pub fn plan(destinations: &[Destination], accounts: &[AccountRow], copies: &[CopyRow], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let copy_at = |place: &Place| copies.iter().find(|copy| copy.place == *place);
    let mut due = |not_before: Option<Timestamp>| match not_before {
        Some(later) if later > now => {
            plan.next = Some(plan.next.map_or(later, |next| next.min(later)));
            false
        }
        _ => true,
    };
    for destination in destinations {
        let account = accounts.iter().find(|it| it.name == destination.account && it.stage == Stage::Kept);
        let Some(account) = account.filter(|it| it.access_token_ends > now) else { continue };
        let copy = copy_at(&destination.place());
        let current =
            copy.is_some_and(|copy| copy.confirmed.as_ref() == Some(&account.fingerprint) && copy.trouble.is_none());
        if !current && due(copy.and_then(|copy| copy.not_before)) {
            plan.deliver.push(destination.clone());
        }
    }
    for copy in copies.iter().filter(|copy| copy.withdraw) {
        if due(copy.not_before) {
            plan.withdraw.push(copy.place.clone());
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountName;
    use crate::credentials::{Fingerprint, samples};
    use crate::destinations::OwnerChoice;
    use crate::journal::{Journal, Trouble};
    use crate::settings::{Format, default_engine};

    fn destination(volume: &str) -> Destination {
        Destination {
            name: volume.parse().unwrap(),
            volume: volume.to_owned(),
            folder: None,
            engine: default_engine(),
            account: AccountName::default(),
            format: Format::ClaudeCode,
            owner: OwnerChoice::Auto,
            ready_to_use: false,
        }
    }

    struct Desk {
        _folder: tempfile::TempDir,
        journal: Journal,
        now: Timestamp,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
            let credentials = samples::credentials();
            journal.keep_account(&credentials).unwrap();
            Self { _folder: folder, journal, now: credentials.created }
        }

        fn plan(&self, destinations: &[Destination]) -> Plan {
            plan(destinations, &self.journal.accounts().unwrap(), &self.journal.copies().unwrap(), self.now)
        }

        fn send(&self, destination: &Destination) -> Fingerprint {
            let fingerprint = samples::credentials().fingerprint();
            let row =
                (destination.place(), destination.name.to_string(), destination.account.clone(), fingerprint.clone());
            self.journal.about_to_send(&[row]).unwrap();
            fingerprint
        }
    }

    #[test]
    fn what_was_read_back_is_not_due() {
        let (desk, web) = (Desk::new(), destination("web"));
        assert_eq!(desk.plan(&[web.clone()]).deliver, [web.clone()]);
        let fingerprint = desk.send(&web);
        assert_eq!(desk.plan(&[web.clone()]).deliver, [web.clone()], "sent is not read back");
        desk.journal.delivered(&web.place(), &fingerprint, desk.now).unwrap();
        assert_eq!(desk.plan(&[web.clone()]), Plan::default());
        desk.journal.delivered(&web.place(), &Fingerprint("older".into()), desk.now).unwrap();
        assert_eq!(desk.plan(&[web.clone()]).deliver, [web]);
    }

    #[test]
    fn what_failed_has_to_wait() {
        let (desk, web) = (Desk::new(), destination("web"));
        desk.send(&web);
        let trouble = Trouble { code: "x".into(), what: "x".into(), fix: "x".into() };
        let later = "2026-01-01T00:01:00Z".parse().unwrap();
        desk.journal.delivery_failed(&web.place(), &trouble, true, desk.now, later).unwrap();
        assert_eq!(desk.plan(&[web.clone()]), Plan { next: Some(later), ..Plan::default() });
        assert_eq!(Desk { now: later, ..desk }.plan(&[web.clone()]).deliver, [web]);
    }

    #[test]
    fn nobody_gets_what_is_over() {
        let (desk, web) = (Desk::new(), destination("web"));
        desk.journal.set_stage(&web.account, Stage::Refused, None).unwrap();
        assert_eq!(desk.plan(&[web.clone()]), Plan::default());
        desk.journal.set_stage(&web.account, Stage::Kept, None).unwrap();
        let ended = Desk { now: "2026-01-01T09:00:00Z".parse().unwrap(), ..desk };
        assert_eq!(ended.plan(&[web]), Plan::default());
    }

    #[test]
    fn what_shall_go_goes_and_a_new_delivery_calls_that_off() {
        let (desk, web) = (Desk::new(), destination("web"));
        desk.send(&web);
        desk.journal.withdraw_account(&web.account).unwrap();
        assert_eq!(desk.plan(&[]).withdraw, [web.place()]);
        desk.send(&web);
        assert_eq!(desk.plan(&[]).withdraw, []);
    }
}
