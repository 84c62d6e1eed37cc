//! Which notices are due: never for what mends itself, and in words that say what to do. Pure; that each is shown once is
//! seen to by [`engine::Engine::first_time`].

use engine::renewal;
use engine::status::{AccountState, AccountStatus, DestinationState, DestinationStatus, Status, moment};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::click::{Click, Page};
use crate::icon::lasts;
use crate::menu::SyncResult;
use crate::words::{count, names, who};

/// What a sign-in's end is first told of, in days before it.
const FIRST_DAYS: u16 = 7;

/// Something a person is told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is, to be told once of each `about`.
    pub key: String,
    /// The end, or the beginning of the episode, that it is about.
    pub about: Timestamp,
    /// What happened, in a line.
    pub title: String,
    /// What there is to say of it, and what to do.
    pub body: String,
    /// What can be done at once.
    pub button: Option<Button>,
    /// Whether it stays until it is looked at.
    pub stays: bool,
}

/// A notice's button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it asks for; a click on the notice itself asks for the same.
    pub click: Click,
}

impl Button {
    fn of(label: &str, click: Click) -> Option<Self> {
        Some(Self { label: label.to_owned(), click })
    }

    fn show(page: Page) -> Option<Self> {
        Self::of("Show", Click::Show(page))
    }
}

/// What a person has to be told now, the first time or again; none of it where they want quiet.
pub fn due(status: &Status, zone: &TimeZone) -> Vec<Notice> {
    if status.quiet {
        return Vec::new();
    }
    let now = status.at;
    let accounts = status.accounts.iter().filter_map(|account| of_account(account, now, zone));
    let failing = status.destinations.iter().filter(|it| lasts(it, now)).filter_map(|it| failing(it, now));
    accounts.chain(failing).chain(waiting(status)).collect()
}

fn of_account(account: &AccountStatus, now: Timestamp, zone: &TimeZone) -> Option<Notice> {
    let (who, name) = (who(account), account.name.as_str());
    let days = account.sign_in_ends.and_then(|ends| renewal::notice(ends, now)).filter(|days| *days <= FIRST_DAYS);
    let renewed = account.kind.is_renewed();
    let button = match renewed {
        true => Button::of("Sign in", Click::SignIn(Some(name.to_owned()))),
        false => Button::show(Page::Accounts),
    };
    if !account.code.is_signed_in() {
        return None;
    }
    let ends = account.sign_in_ends.unwrap_or(now);
    let what = if renewed { "sign-in" } else { "token" };
    let (key, about, title, body) = match days {
        Some(0) => (
            format!("ended {name}"),
            ends,
            format!("The {what} of {who} has ended"),
            match renewed {
                true => "Sign in again, and your containers go on.".to_owned(),
                false => "Get another, and your containers go on.".to_owned(),
            },
        ),
        _ if account.code == AccountState::NeedsSignIn => {
            // Each sign-in that is refused is told of, also where the last was refused today.
            let of = account.updated.map_or(0, Timestamp::as_second);
            let why = account.trouble.as_ref().map(|trouble| trouble.what.clone());
            (
                format!("refused {name} {of}"),
                account.updated.unwrap_or(now),
                format!("Claude asks {who} to sign in again"),
                why.unwrap_or_else(|| "Claude no longer takes this sign-in. Sign in again.".to_owned()),
            )
        }
        Some(days) => (
            format!("ends in {days} {name}"),
            ends,
            match days {
                1 => format!("The {what} of {who} ends within a day"),
                days => format!("The {what} of {who} ends within {days} days"),
            },
            match renewed {
                true => format!("It ends {}. Sign in anew before that, and nothing stops.", moment(ends, now, zone)),
                false => format!("It ends {}. Get another before that, and nothing stops.", moment(ends, now, zone)),
            },
        ),
        None => return None,
    };
    Some(Notice { key, about, title, body, button, stays: true })
}

fn failing(destination: &DestinationStatus, now: Timestamp) -> Option<Notice> {
    let name = &destination.name;
    let title = match destination.code {
        DestinationState::Failing => format!("{name} can't be kept fresh"),
        DestinationState::Foreign => format!("{name} holds somebody else's sign-in"),
        _ => return None,
    };
    let trouble = destination.trouble.as_ref();
    let body = trouble.map(|trouble| format!("{} {}", trouble.what, trouble.fix).trim().to_owned());
    Some(Notice {
        key: format!("failing {name}"),
        about: destination.failing_since.unwrap_or(now),
        title,
        body: body.unwrap_or_default(),
        button: Button::show(Page::Destinations),
        stays: false,
    })
}

/// One for all that wait for an engine with something due.
fn waiting(status: &Status) -> Option<Notice> {
    let now = status.at;
    let due = |it: &&DestinationStatus| {
        let account = status.accounts.iter().find(|account| account.name == it.account);
        let newest = account.and_then(|account| account.updated);
        it.delivered.is_none() || it.delivered < newest
    };
    let lasting = |it: &&DestinationStatus| it.code == DestinationState::Waiting && lasts(it, now);
    let waiting: Vec<&DestinationStatus> = status.destinations.iter().filter(lasting).filter(due).collect();
    let first = waiting.first()?;
    let fix = first.trouble.as_ref().map(|trouble| trouble.fix.clone()).unwrap_or_default();
    let wait = if waiting.len() == 1 { "waits" } else { "wait" };
    let named: Vec<&str> = waiting.iter().map(|it| it.name.as_str()).collect();
    Some(Notice {
        key: "waiting for docker".to_owned(),
        about: waiting.iter().filter_map(|it| it.failing_since).min().unwrap_or(now),
        title: "Docker can't be reached".to_owned(),
        body: format!("{} {wait} for a fresh sign-in. {fix}", names(&named)).trim().to_owned(),
        button: Button::show(Page::Destinations),
        stays: false,
    })
}

/// What came of a sync that a person asked for.
pub fn synced(result: &SyncResult) -> Notice {
    let (title, button) = match (result.done, result.failed.as_slice()) {
        (done, []) if result.why.is_none() => (format!("{} up to date", count(done, "destination")), None),
        (_, []) => ("Nothing could be delivered".to_owned(), Button::show(Page::Problems)),
        (0, failed) => {
            let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
            (format!("Nothing could be delivered to {}", names(&failed)), Button::show(Page::Destinations))
        }
        (done, failed) => {
            let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
            (
                format!("{} up to date, but not {}", count(done, "destination"), names(&failed)),
                Button::show(Page::Destinations),
            )
        }
    };
    let fine = "Delivered, and read back.".to_owned();
    let body = result.why.clone().unwrap_or(fine);
    Notice { key: String::new(), about: result.at, title, body, button, stays: false }
}

/// What went wrong with something that a person asked for.
pub fn failed(title: &str, body: String, now: Timestamp) -> Notice {
    Notice {
        key: String::new(),
        about: now,
        title: title.to_owned(),
        body,
        button: Button::show(Page::Problems),
        stays: false,
    }
}

/// That there is no place for the icon. Told once for all.
pub fn no_panel() -> Notice {
    Notice {
        key: "no panel".to_owned(),
        about: Timestamp::UNIX_EPOCH,
        title: "Tokenferry works without an icon here".to_owned(),
        body:
            "This desktop has no place for it (GNOME has one with the AppIndicator extension). Start Tokenferry again \
               to open its window."
                .to_owned(),
        button: Button::of("Open", Click::Open),
        stays: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, ada, destination, ends_in, fails_for, status};

    fn told(status: &Status) -> Vec<(String, String)> {
        due(status, &TimeZone::UTC).into_iter().map(|it| (it.key, it.title)).collect()
    }

    fn one(status: &Status) -> (String, String) {
        let told = told(status);
        assert_eq!(told.len(), 1, "{told:?}");
        told.into_iter().next().unwrap()
    }

    #[test]
    fn a_sign_in_s_end_is_told_at_7_3_and_1_days_and_when_it_came() {
        assert_eq!(told(&status(vec![ada(), ends_in(7 * 24 + 1)], vec![])), []);
        for (hours, key, title) in [
            (7 * 24, "ends in 7 default", "ends within 7 days"),
            (3 * 24 + 1, "ends in 7 default", "ends within 7 days"),
            (3 * 24, "ends in 3 default", "ends within 3 days"),
            (24, "ends in 1 default", "ends within a day"),
            (0, "ended default", "has ended"),
        ] {
            let (told, said) = one(&status(vec![ends_in(hours)], vec![]));
            assert_eq!((told.as_str(), said), (key, format!("The sign-in of ada@practice.example {title}")));
        }
        let button = due(&status(vec![ends_in(1)], vec![]), &TimeZone::UTC).remove(0).button.unwrap();
        assert_eq!((button.label.as_str(), button.click), ("Sign in", Click::SignIn(Some("default".to_owned()))));
    }

    #[test]
    fn a_refusal_is_told_but_not_beside_an_end() {
        let refused = account(AccountState::NeedsSignIn, "Sign in again");
        assert!(one(&status(vec![refused.clone()], vec![])).0.starts_with("refused default "));
        let ended = AccountStatus { sign_in_ends: ends_in(-1).sign_in_ends, ..refused };
        assert_eq!(one(&status(vec![ended], vec![])).0, "ended default");
    }

    #[test]
    fn what_mends_itself_is_not_told() {
        use {AccountState as A, DestinationState as D};
        let states = [A::SignedOut, A::SigningIn, A::Fresh, A::Renewing, A::Late, A::Offline];
        assert_eq!(told(&status(states.map(|code| account(code, "")).into(), vec![])), []);
        let delivered =
            DestinationStatus { delivered: Some(ada().updated.unwrap()), ..fails_for("old", D::Waiting, 9) };
        let quiet = vec![
            fails_for("a", D::Failing, 4),
            fails_for("b", D::Waiting, 4),
            delivered,
            destination("c", D::Due, "Due"),
            destination("d", D::Paused, "Paused"),
        ];
        assert_eq!(told(&status(vec![ada()], quiet)), []);
    }

    #[test]
    fn what_lasts_is_told_and_all_that_wait_in_one() {
        use DestinationState as D;
        let lasting = vec![
            fails_for("a", D::Failing, 5),
            fails_for("b", D::Foreign, 60),
            fails_for("c", D::Waiting, 5),
            fails_for("d", D::Waiting, 7),
        ];
        let mut status = status(vec![ada()], lasting);
        let notices = due(&status, &TimeZone::UTC);
        let titles: Vec<_> = notices.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["a can't be kept fresh", "b holds somebody else's sign-in", "Docker can't be reached"]);
        assert_eq!(notices[0].body, "It is full. Make room.");
        assert_eq!(notices[2].body, "c and d wait for a fresh sign-in. Make room.");
        assert_eq!(notices[2].about, status.destinations[3].failing_since.unwrap());
        status.quiet = true;
        assert_eq!(told(&status), []);
    }

    #[test]
    fn a_sync_s_result_says_what_it_came_to() {
        let titled = |done, failed: &[&str], why: Option<&str>| {
            let failed = failed.iter().map(|it| (*it).to_owned()).collect();
            let notice = synced(&SyncResult { at: crate::samples::now(), done, failed, why: why.map(str::to_owned) });
            (notice.title, notice.button.is_some())
        };
        assert_eq!(titled(1, &[], None), ("1 destination up to date".to_owned(), false));
        assert_eq!(titled(2, &["web"], Some("x")), ("2 destinations up to date, but not web".to_owned(), true));
        assert_eq!(titled(0, &["a", "b"], Some("x")), ("Nothing could be delivered to a and b".to_owned(), true));
        assert_eq!(titled(0, &[], Some("x")), ("Nothing could be delivered".to_owned(), true));
    }
}
