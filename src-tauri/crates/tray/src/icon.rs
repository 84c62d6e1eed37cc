//! Which icon is shown: that of the worst that needs a person. What mends itself is quiet.

use engine::renewal;
use engine::status::{AccountState, AccountStatus, DestinationState, DestinationStatus, Status};
use jiff::{SignedDuration, Timestamp};

/// What fails for less than this may mend itself before anybody has to be asked.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// From so many days before a sign-in's end, the icon asks for a new one.
const SIGN_IN_SOON_DAYS: u16 = 1;

/// What the icon says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Icon {
    /// Nobody is signed in.
    #[default]
    SignedOut,
    /// All is well.
    Fresh,
    /// Something is renewed, delivered or signed in now.
    Working,
    /// A person is asked to do something.
    NeedsYou,
    /// A token has ended, and Claude can't be reached.
    Offline,
}

impl Icon {
    /// Its word, which is the name of its drawing in `icons/tray/`.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Fresh => "fresh",
            Self::Working => "working",
            Self::NeedsYou => "needs-you",
            Self::Offline => "offline",
        }
    }

    /// That of a status; `working` where something goes on that the status doesn't know of, such as a sync that was asked
    /// for.
    pub fn of(status: &Status, working: bool) -> Self {
        let (now, accounts, destinations) = (status.at, &status.accounts, &status.destinations);
        let any = |code: AccountState| accounts.iter().any(|it| it.code == code);
        let working = working
            || any(AccountState::SigningIn)
            || any(AccountState::Renewing)
            || destinations.iter().any(|it| it.code == DestinationState::Delivering);
        if accounts.iter().any(|it| account_needs_you(it, now))
            || destinations.iter().any(|it| destination_needs_you(it, now))
        {
            Self::NeedsYou
        } else if working {
            Self::Working
        } else if any(AccountState::Offline) {
            Self::Offline
        } else if accounts.iter().all(|it| matches!(it.code, AccountState::SignedOut | AccountState::HandingOver)) {
            Self::SignedOut
        } else {
            Self::Fresh
        }
    }
}

/// Whether somebody has to sign in, now or within a day.
pub(crate) fn account_needs_you(account: &AccountStatus, now: Timestamp) -> bool {
    let soon = |ends| renewal::notice(ends, now).is_some_and(|days| days <= SIGN_IN_SOON_DAYS);
    match account.code {
        AccountState::NeedsSignIn => true,
        code => code.is_signed_in() && account.sign_in_ends.is_some_and(soon),
    }
}

/// Whether somebody has to look after it: it has failed for a while, or holds what is not ours.
pub(crate) fn destination_needs_you(destination: &DestinationStatus, now: Timestamp) -> bool {
    let fails = matches!(destination.code, DestinationState::Failing | DestinationState::Foreign);
    fails && lasts(destination, now)
}

/// Whether it has failed for longer than what mends itself.
pub(crate) fn lasts(destination: &DestinationStatus, now: Timestamp) -> bool {
    destination.failing_since.is_none_or(|since| since + PATIENCE <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, ada, destination, ends_in, fails_for, status};

    #[test]
    fn the_worst_that_needs_a_person_is_shown() {
        use {AccountState as A, DestinationState as D};
        let of = |accounts: Vec<_>, destinations: Vec<_>| Icon::of(&status(accounts, destinations), false);
        assert_eq!(of(vec![], vec![]), Icon::SignedOut);
        assert_eq!(of(vec![ada()], vec![]), Icon::Fresh);
        assert_eq!(of(vec![account(A::SignedOut, "")], vec![]), Icon::SignedOut);
        assert_eq!(of(vec![account(A::SigningIn, "")], vec![]), Icon::Working);
        assert_eq!(of(vec![ada(), account(A::Renewing, "")], vec![]), Icon::Working);
        assert_eq!(of(vec![ada(), account(A::Offline, "")], vec![]), Icon::Offline);
        assert_eq!(of(vec![account(A::NeedsSignIn, ""), account(A::Renewing, "")], vec![]), Icon::NeedsYou);
        assert_eq!(of(vec![ends_in(25)], vec![]), Icon::Fresh);
        assert_eq!(of(vec![ends_in(24)], vec![]), Icon::NeedsYou);
        assert_eq!(of(vec![ada()], vec![destination("web", D::Delivering, "")]), Icon::Working);
        assert_eq!(of(vec![ada()], vec![fails_for("web", D::Failing, 5)]), Icon::NeedsYou);
        assert_eq!(of(vec![ada()], vec![fails_for("web", D::Foreign, 60)]), Icon::NeedsYou);
        assert_eq!(Icon::of(&status(vec![ada()], vec![]), true), Icon::Working);
    }

    #[test]
    fn what_mends_itself_is_quiet() {
        use {AccountState as A, DestinationState as D};
        let of = |code, destination| Icon::of(&status(vec![account(code, "")], vec![destination]), false);
        assert_eq!(of(A::Late, destination("web", D::Due, "")), Icon::Fresh);
        assert_eq!(of(A::Fresh, fails_for("web", D::Failing, 4)), Icon::Fresh);
        assert_eq!(of(A::Fresh, fails_for("web", D::Waiting, 600)), Icon::Fresh);
        assert_eq!(of(A::Fresh, destination("web", D::Paused, "")), Icon::Fresh);
    }
}
