//! What is due where: a pure function of what is kept, what lies where, and what the user wants.

use jiff::Timestamp;

use crate::account::AccountName;
use crate::journal::{AccountRow, CopyRow, Stage};
use crate::renewal::is_put_off;
use crate::settings::{Destination, Place, Spot};

/// What is to be done now, and when to look again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Destinations that hold something else than their account's newest token.
    pub deliver: Vec<Destination>,
    /// Copies that shall go: the user said so, no destination is there any more, or nobody is signed in.
    pub withdraw: Vec<Spot>,
    /// When the next of those that have to wait may be tried.
    pub next: Option<Timestamp>,
}

impl Plan {
    /// Whether it is time; notes when it will be.
    fn is_time(&mut self, not_before: Option<Timestamp>, now: Timestamp) -> bool {
        match not_before.filter(|next| is_put_off(now, *next)) {
            Some(later) => {
                self.next = Some(self.next.map_or(later, |next| next.min(later)));
                false
            }
            None => true,
        }
    }
}

/// Makes the plan. A token that has ended is delivered to nobody: its successor will be. `address` tells whether two names
/// mean the same engine.
pub fn plan(
    destinations: &[Destination],
    accounts: &[AccountRow],
    copies: &[CopyRow],
    address: impl Fn(&str) -> String,
    now: Timestamp,
) -> Plan {
    let mut plan = Plan::default();
    let same = |a: &Spot, b: &Spot| a.format == b.format && is_same(&a.place, &b.place, &address);
    let kept = |name: &AccountName| accounts.iter().find(|it| it.name == *name && it.stage == Stage::Kept);
    for destination in destinations {
        let Some(account) = kept(&destination.account).filter(|it| it.access_token_ends > now) else { continue };
        let copy = copies.iter().find(|copy| copy.spot == destination.spot());
        let current = |copy: &CopyRow| {
            copy.confirmed.as_ref() == Some(&account.fingerprint) && copy.trouble.is_none() && !copy.withdraw
        };
        // What was put off was another token: this one has not been tried.
        let put_off = copy.filter(|copy| copy.sent == account.fingerprint).and_then(|copy| copy.not_before);
        if !copy.is_some_and(current) && plan.is_time(put_off, now) {
            plan.deliver.push(destination.clone());
        }
    }
    for copy in copies {
        let wanted = destinations.iter().find(|destination| same(&destination.spot(), &copy.spot));
        // Where a delivery is on its way, it replaces what lies there.
        let replaced = wanted.is_some_and(|destination| kept(&destination.account).is_some());
        let known = accounts.iter().any(|account| account.name == copy.account && account.stage != Stage::Leaving);
        let unwanted = copy.withdraw || wanted.is_none() || !known;
        if unwanted && !replaced && plan.is_time(copy.not_before, now) {
            plan.withdraw.push(copy.spot.clone());
        }
    }
    plan
}

/// Whether two places are one, though its engine may be named in two ways.
fn is_same(a: &Place, b: &Place, address: impl Fn(&str) -> String) -> bool {
    match (a, b) {
        (Place::Volume(a), Place::Volume(b)) => {
            a.volume == b.volume
                && a.folder == b.folder
                && (a.engine == b.engine || address(&a.engine) == address(&b.engine))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Fingerprint, samples};
    use crate::journal::{Intent, Journal, Trouble};
    use crate::settings::samples::destination;
    use crate::settings::{VolumePlace, default_engine};

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

        /// `default` and `alias` are one engine.
        fn plan(&self, destinations: &[&Destination]) -> Plan {
            let destinations: Vec<_> = destinations.iter().copied().cloned().collect();
            let address = |engine: &str| if engine == "alias" { default_engine() } else { engine.to_owned() };
            let (accounts, copies) = (self.journal.accounts().unwrap(), self.journal.copies().unwrap());
            plan(&destinations, &accounts, &copies, address, self.now)
        }

        fn send(&self, destination: &Destination) -> (bool, Fingerprint) {
            let fingerprint = samples::credentials().fingerprint();
            let intent = Intent {
                spot: destination.spot(),
                destination: destination.name.to_string(),
                account: destination.account.clone(),
                fingerprint: fingerprint.clone(),
            };
            (self.journal.about_to_send(&[intent]).unwrap()[0], fingerprint)
        }

        fn deliver(&self, destination: &Destination) {
            let (_, fingerprint) = self.send(destination);
            self.journal.delivered(&destination.spot(), &fingerprint, self.now).unwrap();
        }

        fn fail(&self, destination: &Destination, certain: bool, not_before: Timestamp) {
            let trouble = Trouble { code: "x".into(), what: "x".into(), fix: "x".into() };
            self.journal.delivery_failed(&destination.spot(), &trouble, certain, self.now, not_before).unwrap();
        }
    }

    #[test]
    fn what_was_read_back_is_not_due() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        assert_eq!(desk.plan(&[&web]).deliver, std::slice::from_ref(&web));
        let (_, fingerprint) = desk.send(&web);
        assert_eq!(desk.plan(&[&web]).deliver, std::slice::from_ref(&web), "sent is not read back");
        desk.journal.delivered(&web.spot(), &fingerprint, desk.now).unwrap();
        assert_eq!(desk.plan(&[&web]), Plan::default());
        desk.journal.delivered(&web.spot(), &Fingerprint("older".into()), desk.now).unwrap();
        assert_eq!(desk.plan(&[&web]).deliver, [web]);
    }

    #[test]
    fn what_failed_has_to_wait_unless_the_token_is_another() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        desk.send(&web);
        let later = "2026-01-01T00:01:00Z".parse().unwrap();
        desk.fail(&web, true, later);
        assert_eq!(desk.plan(&[&web]), Plan { next: Some(later), ..Plan::default() });
        let desk = Desk { now: later, ..desk };
        assert_eq!(desk.plan(&[&web]).deliver, std::slice::from_ref(&web));
        let desk = Desk { now: samples::credentials().created, ..desk };
        let mut renewed = samples::credentials();
        renewed.access_token = crate::secret::SecretString::new("canary-renewed");
        desk.journal.keep_account(&renewed).unwrap();
        assert_eq!(desk.plan(&[&web]).deliver, [web]);
    }

    #[test]
    fn nobody_gets_what_is_over() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        desk.journal.set_stage(&web.account, Stage::Refused, None).unwrap();
        assert_eq!(desk.plan(&[&web]), Plan::default());
        assert!(!desk.send(&web).0, "a refused token was sent");
        desk.journal.set_stage(&web.account, Stage::Kept, None).unwrap();
        let ended = Desk { now: "2026-01-01T09:00:00Z".parse().unwrap(), ..desk };
        assert_eq!(ended.plan(&[&web]), Plan::default());
    }

    #[test]
    fn what_has_no_destination_or_nobody_signed_in_goes() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        desk.deliver(&web);
        assert_eq!(desk.plan(&[]).withdraw, [web.spot()]);
        let VolumePlace { volume, folder, .. } = web.in_volume().unwrap().clone();
        let place = Place::Volume(VolumePlace { engine: "alias".into(), volume, folder });
        let elsewhere = Destination { place, ..web.clone() };
        assert_eq!(desk.plan(&[&elsewhere]).withdraw, []);
        desk.journal.forget_account(&web.account).unwrap();
        assert_eq!(desk.plan(&[&web]).withdraw, [web.spot()]);
    }

    #[test]
    fn what_shall_go_is_not_taken_from_where_a_delivery_goes() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        desk.deliver(&web);
        desk.journal.withdraw_account(&web.account).unwrap();
        assert_eq!(desk.plan(&[&web]), Plan { deliver: vec![web.clone()], ..Plan::default() });
        desk.deliver(&web);
        assert_eq!(desk.plan(&[&web]), Plan::default());
    }

    #[test]
    fn a_copy_that_may_lie_somewhere_is_never_forgotten() {
        let (desk, web) = (Desk::new(), destination("web", "web"));
        // Killed under way; then failed for certain, which says nothing of the first time.
        desk.send(&web);
        desk.send(&web);
        desk.fail(&web, true, desk.now);
        desk.journal.withdraw_account(&web.account).unwrap();
        assert_eq!(desk.journal.copies().unwrap().len(), 1);
        let other = destination("other", "other");
        desk.send(&other);
        desk.fail(&other, true, desk.now);
        desk.journal.withdraw_account(&web.account).unwrap();
        assert_eq!(desk.journal.copies().unwrap().len(), 1, "nothing can lie in the other");
    }
}
