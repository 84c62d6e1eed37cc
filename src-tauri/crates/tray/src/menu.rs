//! The menu as a pure model: what each line says, and what a click on it asks for. Every system draws it in its own way.

use std::collections::BTreeSet;

use engine::credentials::Kind;
use engine::status::{AccountState, AccountStatus, DestinationState, DestinationStatus, Status};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::click::{Click, Page};
use crate::icon::{self, Icon};
use crate::words::{count, short, who};

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A line that may be clicked.
    Line {
        /// What it says.
        label: String,
        /// What a click asks for; none where there is nothing to click.
        click: Option<Click>,
    },
    /// A line with a tick.
    Check {
        /// What it says.
        label: String,
        /// Whether it is ticked.
        checked: bool,
        /// What a click asks for; none where it can't be changed.
        click: Option<Click>,
    },
    /// A menu of its own.
    Menu {
        /// What it says.
        label: String,
        /// What is in it.
        items: Vec<Item>,
    },
    /// A line between groups.
    Separator,
}

/// What the resident knows beside the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Whether a sync that was asked for is under way.
    pub syncing: bool,
    /// What came of the last sync that was asked for.
    pub synced: Option<SyncResult>,
    /// Accounts that are being renewed since it was asked for.
    pub renewing: BTreeSet<String>,
    /// What keeps everything from being kept fresh, such as a locked keychain.
    pub trouble: Option<String>,
    /// Whether it starts at login; none where that can't be set here.
    pub start_at_login: Option<bool>,
    /// Whether it was asked to end.
    pub ending: bool,
}

/// What came of a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncResult {
    /// When.
    pub at: Timestamp,
    /// Destinations that have it, and copies that were to go and are gone.
    pub done: usize,
    /// Destinations that it failed at, by name.
    pub failed: Vec<String>,
    /// What went wrong, where it did: one sentence, or two.
    pub why: Option<String>,
}

/// All that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Menu {
    /// Which icon.
    pub icon: Icon,
    /// What is said where the pointer rests on the icon, a line each.
    pub tooltip: String,
    /// The lines.
    pub items: Vec<Item>,
}

impl Menu {
    /// The menu of a status, as seen in a time zone.
    pub fn of(status: &Status, now: &Now, zone: &TimeZone) -> Self {
        let icon = match Icon::of(status, now.syncing || !now.renewing.is_empty()) {
            _ if now.trouble.is_some() => Icon::NeedsYou,
            icon => icon,
        };
        Self { icon, tooltip: tooltip(status, now), items: items(status, now, zone) }
    }

    /// The menu where the status can't be told: what is wrong, and what is possible all the same.
    pub fn blind(now: &Now) -> Self {
        let trouble = now.trouble.clone().unwrap_or_default();
        let items = vec![
            line(short(&trouble), Click::Show(Page::Problems)),
            Item::Separator,
            line("Open Tokenferry", Click::Open),
            line("Quit", Click::Quit),
        ];
        Self { icon: Icon::NeedsYou, tooltip: trouble, items }
    }

    /// When there may be something else to show though nothing happened: at ends, at midnight, after the patience with
    /// what fails. Only times that a person can tell apart count.
    pub fn changes(status: &Status, zone: &TimeZone) -> Timestamp {
        let at = status.at;
        let midnight = at.to_zoned(zone.clone()).tomorrow().and_then(|day| day.start_of_day());
        let mut times = vec![midnight.map_or(at + 12.hours(), |day| day.timestamp())];
        for account in &status.accounts {
            times.extend(account.access_token_ends);
            if let Some(ends) = account.sign_in_ends {
                times.extend((0..=8).filter_map(|days| ends.checked_sub((24 * days).hours()).ok()));
            }
        }
        times.extend(status.destinations.iter().filter_map(|it| it.failing_since).map(|since| since + icon::PATIENCE));
        // What stands at the time itself is reckoned with from then on.
        times.into_iter().filter(|time| *time > at).min().unwrap_or(at + 12.hours())
    }
}

fn line(label: impl Into<String>, click: Click) -> Item {
    Item::Line { label: label.into(), click: Some(click) }
}

fn still(label: impl Into<String>) -> Item {
    Item::Line { label: label.into(), click: None }
}

fn items(status: &Status, now: &Now, zone: &TimeZone) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(trouble) = &now.trouble {
        items.push(line(short(trouble), Click::Show(Page::Problems)));
    }
    if status.accounts.is_empty() {
        items.push(still("Nobody is signed in"));
    }
    for account in &status.accounts {
        items.extend(of_account(account, status.at));
    }
    items.push(Item::Separator);
    items.push(line("Sign in…", Click::SignIn(None)));
    items.push(sync(status, now, zone));
    items.push(renew(status, now));
    items.push(destinations(status));
    items.push(Item::Separator);
    items.push(line("Open Tokenferry", Click::Open));
    items.push(Item::Check {
        label: "Start at login".to_owned(),
        checked: now.start_at_login.unwrap_or_default(),
        click: now.start_at_login.map(|on| Click::StartAtLogin(!on)),
    });
    items.push(Item::Check {
        label: "Pause".to_owned(),
        checked: status.paused,
        click: Some(Click::Pause(!status.paused)),
    });
    items.push(Item::Separator);
    items.push(match now.ending {
        true => still("Ending…"),
        false => line("Quit", Click::Quit),
    });
    items
}

/// Who it is and how it stands; below, what a person has to do.
fn of_account(account: &AccountStatus, now: Timestamp) -> Vec<Item> {
    let mut items = vec![line(format!("{}: {}", who(account), short(&account.state)), Click::Show(Page::Accounts))];
    if account.code == AccountState::NeedsSignIn {
        items.push(sign_in_again(account, account.kind.is_renewed()));
    } else if ends_soon(account, now) {
        let what = match account.kind.is_renewed() {
            true => account.sign_in.clone().unwrap_or_default(),
            false => account.next_step.clone(),
        };
        items.push(still(format!("    {}", short(&what))));
        items.push(sign_in_again(account, account.kind.is_renewed()));
    }
    items
}

/// A sign-in is made anew in the window; another token or key is got as the accounts' page says.
fn sign_in_again(account: &AccountStatus, renewed: bool) -> Item {
    match renewed {
        true => {
            line(format!("    Sign in again: {}…", short(&account.name)), Click::SignIn(Some(account.name.clone())))
        }
        false => line(format!("    Get another: {}…", short(&account.name)), Click::Show(Page::Accounts)),
    }
}

fn ends_soon(account: &AccountStatus, now: Timestamp) -> bool {
    let soon = |ends| engine::renewal::notice(ends, now).is_some_and(|days| days <= 7);
    account.code.is_signed_in() && account.sign_in_ends.is_some_and(soon)
}

fn sync(status: &Status, now: &Now, zone: &TimeZone) -> Item {
    const SYNC: &str = "Sync to containers";
    if now.syncing {
        return still("Syncing to containers…");
    }
    if status.destinations.is_empty() && status.copies_left.is_empty() {
        return still(SYNC);
    }
    let label = match &now.synced {
        None => SYNC.to_owned(),
        Some(synced) => format!("{SYNC} ({})", synced.words(status.at, zone)),
    };
    line(label, Click::Sync)
}

impl SyncResult {
    /// Short enough for a menu's line: `3 up to date at 14:02`.
    pub fn words(&self, now: Timestamp, zone: &TimeZone) -> String {
        let at = engine::status::moment(self.at, now, zone);
        match (self.done, self.failed.as_slice()) {
            (0, []) if self.why.is_some() => format!("failed at {at}"),
            (done, []) => format!("{done} up to date at {at}"),
            (done, [one]) => format!("{} failed, {done} up to date at {at}", short(one)),
            (done, failed) => format!("{} failed, {done} up to date at {at}", failed.len()),
        }
    }
}

fn renew(status: &Status, now: &Now) -> Item {
    const RENEW: &str = "Renew now";
    let renewable: Vec<&AccountStatus> = status.accounts.iter().filter(|it| is_renewable(it)).collect();
    let one = |account: &AccountStatus, label: String| match now.renewing.contains(&account.name) {
        true => still("Renewing…"),
        false => line(label, Click::Renew(account.name.clone())),
    };
    match renewable.as_slice() {
        [] => still(RENEW),
        [account] => one(account, RENEW.to_owned()),
        accounts => Item::Menu {
            label: RENEW.to_owned(),
            items: accounts.iter().map(|account| one(account, who(account))).collect(),
        },
    }
}

fn is_renewable(account: &AccountStatus) -> bool {
    account.kind == Kind::SignIn && account.code.is_signed_in() && account.code != AccountState::NeedsSignIn
}

/// Each with its state; the line itself says how they stand together.
fn destinations(status: &Status) -> Item {
    if status.destinations.is_empty() {
        return line("Add a destination…", Click::Show(Page::Add));
    }
    let each = status
        .destinations
        .iter()
        .map(|it| line(format!("{}: {}", short(it.name.as_str()), short(&it.state)), Click::Show(Page::Destinations)));
    let add = [Item::Separator, line("Add a destination…", Click::Show(Page::Add))];
    Item::Menu {
        label: format!("{}: {}", count(status.destinations.len(), "destination"), together(status)),
        items: each.chain(add).collect(),
    }
}

fn together(status: &Status) -> String {
    let number = |is: &dyn Fn(&DestinationStatus) -> bool| status.destinations.iter().filter(|it| is(it)).count();
    let of = |code: DestinationState| number(&move |it| it.code == code);
    let need = number(&|it| matches!(it.code, DestinationState::Failing | DestinationState::Foreign));
    let (waiting, paused, good) =
        (of(DestinationState::Waiting), of(DestinationState::Paused), of(DestinationState::UpToDate));
    if need > 0 {
        return if need == 1 { "1 is failing".to_owned() } else { format!("{need} are failing") };
    }
    if waiting > 0 {
        return "waiting for Docker".to_owned();
    }
    if paused > 0 {
        return "paused".to_owned();
    }
    match good == status.destinations.len() {
        true => "up to date".to_owned(),
        false => format!("{good} up to date"),
    }
}

fn tooltip(status: &Status, now: &Now) -> String {
    let mut lines = Vec::new();
    lines.extend(now.trouble.clone());
    if status.accounts.is_empty() {
        lines.push("Nobody is signed in".to_owned());
    }
    for account in &status.accounts {
        lines.push(format!("{}: {}", who(account), account.state));
        if ends_soon(account, status.at) && account.kind.is_renewed() {
            lines.extend(account.sign_in.clone());
        }
    }
    if !status.destinations.is_empty() {
        lines.push(format!("{}: {}", count(status.destinations.len(), "destination"), together(status)));
    }
    if status.paused {
        lines.push("Paused: nothing is delivered by itself".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, ada, destination, ends_in, fails_for, now, status};

    fn shown(status: &Status, now: &Now) -> Vec<String> {
        fn lines(items: &[Item], indent: &str, into: &mut Vec<String>) {
            for item in items {
                match item {
                    Item::Separator => into.push(format!("{indent}--")),
                    Item::Line { label, click } => into.push(match click {
                        Some(click) => format!("{indent}{label} -> {click}"),
                        None => format!("{indent}{label}"),
                    }),
                    Item::Check { label, checked, click } => {
                        let tick = if *checked { "[x]" } else { "[ ]" };
                        let click = click.as_ref().map_or("none".to_owned(), ToString::to_string);
                        into.push(format!("{indent}{tick} {label} -> {click}"));
                    }
                    Item::Menu { label, items } => {
                        into.push(format!("{indent}{label} >"));
                        lines(items, "  ", into);
                    }
                }
            }
        }
        let mut all = Vec::new();
        lines(&Menu::of(status, now, &TimeZone::UTC).items, "", &mut all);
        all
    }

    #[test]
    fn nobody_signed_in() {
        let now = Now { start_at_login: Some(false), ..Now::default() };
        let wanted = "Nobody is signed in\n--\nSign in… -> sign-in\nSync to containers\nRenew now\n\
                      Add a destination… -> show:add\n--\nOpen Tokenferry -> open\n\
                      [ ] Start at login -> start-at-login:true\n[ ] Pause -> pause:true\n--\nQuit -> quit";
        assert_eq!(shown(&status(vec![], vec![]), &now).join("\n"), wanted);
    }

    #[test]
    fn accounts_and_destinations_with_their_states() {
        use {AccountState as A, DestinationState as D};
        let work = AccountStatus { name: "work".to_owned(), ..account(A::NeedsSignIn, "Sign in again") };
        let web = destination("web", D::UpToDate, "Up to date, read back 11:59");
        let mut status = status(vec![ends_in(40), work], vec![web, destination("ci", D::Due, "Due")]);
        status.paused = true;
        let synced = SyncResult { at: now(), done: 2, failed: vec![], why: None };
        let now = Now { synced: Some(synced), ending: true, ..Now::default() };
        let wanted = "ada@practice.example: Fresh until 18:40 -> show:accounts\n    The sign-in ends soon\n    \
                      Sign in again: default… -> sign-in:default\n\
                      work (ada@practice.example): Sign in again -> show:accounts\n    \
                      Sign in again: work… -> sign-in:work\n--\nSign in… -> sign-in\n\
                      Sync to containers (2 up to date at 12:00) -> sync\nRenew now -> renew:default\n\
                      2 destinations: 1 up to date >\n  web: Up to date, read back 11:59 -> show:destinations\n  \
                      ci: Due -> show:destinations\n  --\n  Add a destination… -> show:add\n--\n\
                      Open Tokenferry -> open\n[ ] Start at login -> none\n[x] Pause -> pause:false\n--\nEnding…";
        assert_eq!(shown(&status, &now).join("\n"), wanted);
    }

    #[test]
    fn what_a_sync_came_to_is_said_in_its_line() {
        let result = |done, failed: &[&str], why: bool| {
            let failed = failed.iter().map(|it| (*it).to_owned()).collect();
            let why = why.then(|| "Why.".to_owned());
            SyncResult { at: now(), done, failed, why }.words(now(), &TimeZone::UTC)
        };
        assert_eq!(result(3, &[], false), "3 up to date at 12:00");
        assert_eq!(result(2, &["web"], true), "web failed, 2 up to date at 12:00");
        assert_eq!(result(1, &["web", "ci"], true), "2 failed, 1 up to date at 12:00");
        assert_eq!(result(0, &[], true), "failed at 12:00");
    }

    #[test]
    fn many_to_renew_have_a_menu_and_a_long_name_is_cut() {
        let long = "x".repeat(64);
        let other = AccountStatus { name: long.clone(), ..ada() };
        let renewing = Now { renewing: [long].into(), ..Now::default() };
        let shown = shown(&status(vec![ada(), other], vec![]), &renewing);
        assert!(shown.contains(&"Renew now >".to_owned()) && shown.contains(&"  Renewing…".to_owned()), "{shown:#?}");
        assert!(shown.iter().all(|line| line.chars().count() < 160), "{shown:#?}");
    }

    #[test]
    fn it_is_looked_at_anew_when_something_is_due_to_change() {
        let at = |status: &Status| Menu::changes(status, &TimeZone::UTC).to_string();
        assert_eq!(at(&status(vec![], vec![])), "2026-11-22T00:00:00Z");
        assert_eq!(at(&status(vec![ada()], vec![])), "2026-11-21T18:00:00Z");
        assert_eq!(at(&status(vec![ends_in(24 * 3 + 1)], vec![])), "2026-11-21T13:00:00Z");
        let failing = fails_for("web", DestinationState::Failing, 2);
        assert_eq!(at(&status(vec![ada()], vec![failing])), "2026-11-21T12:03:00Z");
    }
}
