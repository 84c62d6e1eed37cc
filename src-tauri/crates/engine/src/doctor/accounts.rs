//! The accounts: sign-ins that are over, end soon, or can't be renewed; and destinations whose account is none.

use jiff::Timestamp;

use super::Facts;
use super::finding::{Finding, Severity, Subject, Words};
use crate::account::AccountName;
use crate::journal::{AccountRow, CopyRow, Stage};
use crate::renewal;
use crate::settings::Destination;
use crate::status::{ends_soon, moment};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let accounts = facts.accounts.iter().filter_map(|row| account(row, facts));
    let without = facts.destinations.iter().filter_map(|destination| without_account(destination, facts));
    let left = facts.copies.iter().filter(|copy| copy.withdraw).map(copy_left);
    accounts.chain(without).chain(left).collect()
}

fn account(row: &AccountRow, facts: &Facts) -> Option<Finding> {
    let (severity, code, words) = match row.stage {
        Stage::Refused => (Severity::Problem, "needs_sign_in", refused(row)),
        Stage::Leaving => (Severity::Warning, "sign_out_unfinished", leaving(row)),
        Stage::HandingOver => (Severity::Warning, "handing_over_unfinished", handing_over(row)),
        Stage::Kept if !row.kind.is_renewed() => return lasting(row, facts),
        Stage::Kept if row.sign_in_ends <= facts.now => (Severity::Warning, "sign_in_over", over(row, facts)),
        Stage::Kept if row.failures > 0 => (Severity::Warning, "renewal_fails", late(row, facts)),
        Stage::Kept if ends_soon(row.sign_in_ends, facts.now) => {
            (Severity::Warning, "sign_in_ends_soon", soon(row, facts))
        }
        Stage::Kept => return None,
    };
    Some(Finding::new(severity, code, Subject::account(&row.name), words))
}

fn login(account: &AccountName) -> String {
    format!("`tokenferry login --account {account}`")
}

fn refused(row: &AccountRow) -> Words {
    let said = row.trouble.as_ref().map(|trouble| format!(" {}", trouble.what)).unwrap_or_default();
    Words {
        what: format!("The sign-in of account {} is over.{said}", row.name),
        why: "Its token can't be renewed, so its containers are signed out when the token ends.".to_owned(),
        fix: format!("Sign in again with {}.", login(&row.name)),
    }
}

fn leaving(row: &AccountRow) -> Words {
    Words {
        what: format!("Account {} is signed out here, and Claude could not be told yet.", row.name),
        why: "There, the sign-in goes on until its own end.".to_owned(),
        fix: format!("Try again with `tokenferry logout --account {}`; `tokenferry run` does it by itself.", row.name),
    }
}

fn handing_over(row: &AccountRow) -> Words {
    Words {
        what: format!("The sign-in of account {} was given to another owner, and not forgotten here yet.", row.name),
        why: "It is used for nothing here: a sign-in has one owner.".to_owned(),
        fix: format!(
            "Hand it over again, sign in anew with {}, or forget it with `tokenferry logout --account {}`.",
            login(&row.name),
            row.name
        ),
    }
}

/// What is never renewed: it has ended, or will soon.
fn lasting(row: &AccountRow, facts: &Facts) -> Option<Finding> {
    let days = renewal::notice(row.ends()?, facts.now)?;
    let (severity, code, ends) = match days {
        0 => (Severity::Problem, "token_ended", "ended"),
        _ => (Severity::Warning, "token_ends_soon", "ends"),
    };
    let words = Words {
        what: format!("The {} of account {} {ends} {}.", row.kind, row.name, when(row.access_token_ends, facts)),
        why: "It is never renewed. After its end, whoever was given it is signed out.".to_owned(),
        fix: format!("Get another with `{} --account {}`.", row.kind.command(), row.name),
    };
    Some(Finding::new(severity, code, Subject::account(&row.name), words))
}

fn over(row: &AccountRow, facts: &Facts) -> Words {
    Words {
        what: format!("The sign-in of account {} had its end at {}.", row.name, when(row.sign_in_ends, facts)),
        why: "Renewing does not move that end: Claude will refuse the account, today or soon.".to_owned(),
        fix: format!("Sign in anew with {}.", login(&row.name)),
    }
}

fn soon(row: &AccountRow, facts: &Facts) -> Words {
    Words {
        what: format!("The sign-in of account {} ends {}.", row.name, when(row.sign_in_ends, facts)),
        why: "Renewing does not move that end. After it, its containers are signed out.".to_owned(),
        fix: format!("Sign in anew before, with {}.", login(&row.name)),
    }
}

fn late(row: &AccountRow, facts: &Facts) -> Words {
    let said = row.trouble.as_ref().map(|trouble| format!(" {}", trouble.what)).unwrap_or_default();
    let ends = when(row.access_token_ends, facts);
    let until = if row.access_token_ends > facts.now { "works until" } else { "ended at" };
    Words {
        what: format!("The token of account {} can't be renewed for now.{said}", row.name),
        why: format!("The token {until} {ends}."),
        fix: "Check the network, and try again with `tokenferry refresh`; `tokenferry run` does it by itself."
            .to_owned(),
    }
}

fn when(time: Timestamp, facts: &Facts) -> String {
    moment(time, facts.now, &facts.zone)
}

/// A destination for an account that nobody is signed in to.
fn without_account(destination: &Destination, facts: &Facts) -> Option<Finding> {
    let account = &destination.account;
    if facts.journal.is_some() || facts.accounts.iter().any(|row| row.name == *account) {
        return None;
    }
    let words = Words {
        what: format!("Destination {} is for account {account}, and nobody is signed in to it.", destination.name),
        why: "There is no token to deliver there.".to_owned(),
        fix: format!("Sign in with {}, or name another account in config.toml.", login(account)),
    };
    Some(Finding::new(Severity::Warning, "account_signed_out", Subject::destination(destination), words))
}

fn copy_left(copy: &CopyRow) -> Finding {
    let said = copy.trouble.as_ref().map(|trouble| format!(" {}", trouble.what)).unwrap_or_default();
    let words = Words {
        what: format!("A copy of account {}'s token may be left in {}.{said}", copy.account, copy.spot),
        why: "It was to be taken away, and the place could not be reached.".to_owned(),
        fix: "It is tried again by `tokenferry run`, and at once by `tokenferry sync`.".to_owned(),
    };
    let subject = Subject { account: Some(copy.account.to_string()), ..Subject::place(&copy.spot.place) };
    Finding::new(Severity::Note, "copy_left", subject, words)
}
