//! What lies in a destination, held against what should: whose token, how old, and whether the CLI was prepared.

use super::finding::{Finding, Mend, Severity, Subject, Words};
use super::{Facts, Looked, Use};
use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::destinations::DeliveryError;
use crate::discovery::plain;
use crate::formats::Found;
use crate::formats::claude_code::FOLDER_VARIABLE;
use crate::journal::{AccountRow, Stage};
use crate::settings::Destination;

/// What was seen in a destination. No token is in it.
#[derive(Debug)]
pub struct Contents {
    /// The file of credentials, if it is there.
    pub file: Option<Looked>,
    /// What it holds.
    pub found: Found,
    /// Whose token it holds, if it was ever kept here.
    pub owner: Option<AccountName>,
    /// Whether `.claude.json` says that nothing needs to be asked, where the official CLI reads what is there.
    pub onboarded: bool,
}

/// What became of a look at a destination.
pub(super) fn judge(
    destination: &Destination,
    contents: &Result<Contents, DeliveryError>,
    facts: &Facts,
) -> Vec<Finding> {
    match contents {
        Ok(contents) => token(destination, contents, facts).into_iter().collect(),
        Err(error) => vec![unseen(destination, error)],
    }
}

fn token(destination: &Destination, contents: &Contents, facts: &Facts) -> Option<Finding> {
    let row = facts.accounts.iter().find(|row| row.name == destination.account && row.stage == Stage::Kept);
    let subject = Subject::destination(destination);
    let (severity, code, words) = match (&contents.found, row) {
        (Found::SignIn(_), _) => return Some(whole_sign_in(destination)),
        (Found::Nothing | Found::Blank, Some(row)) => empty(contents, destination, row),
        (Found::Token(there), row) => other(there, contents, destination, row)?,
        (Found::NotUnderstood, _) => not_understood(destination),
        (Found::Nothing | Found::Blank, None) => return None,
    };
    let finding = Finding::new(severity, code, subject, words);
    // What somebody put there by hand is theirs to give up.
    let is_theirs = matches!(contents.found, Found::Token(_)) && contents.owner.is_none();
    let deliverable = row.is_some() && contents.found != Found::NotUnderstood && !is_theirs;
    Some(if deliverable { finding.mended_by(Mend::Deliver(destination.name.clone())) } else { finding })
}

fn whole_sign_in(destination: &Destination) -> Finding {
    let name = &destination.name;
    let words = Words {
        what: "The volume holds a whole sign-in, with a refresh token, that somebody made there.".to_owned(),
        why: "A refresh token is good once, so a sign-in has one owner: of two who renew it, one is signed out. \
              Tokenferry leaves it alone, and delivers nothing there."
            .to_owned(),
        fix: format!(
            "If it may go, replace it with `tokenferry sync {name} --replace`. If it shall stay, take the destination \
             out with `tokenferry destination remove {name}`."
        ),
    };
    Finding::new(Severity::Problem, "full_credential", Subject::destination(destination), words)
}

type Judged = (Severity, &'static str, Words);

fn empty(contents: &Contents, destination: &Destination, row: &AccountRow) -> Judged {
    let (code, what) = match (&contents.found, contents.file) {
        (Found::Blank, _) => ("file_blank", "The file of credentials was blanked: it is there, without a token."),
        (_, Some(_)) => ("file_empty", "The file of credentials is there, and no token of Claude's is in it."),
        (_, None) => ("file_missing", "The file of credentials is not there."),
    };
    let words = Words {
        what: what.to_owned(),
        why: if destination.format.is_the_clis() {
            "A CLI that uses this volume says \"Not logged in\".".to_owned()
        } else {
            format!("Whatever reads it finds no token there: it is for {}.", destination.format.readers())
        },
        fix: format!("Deliver the token of account {} with `tokenferry sync`.", row.name),
    };
    (Severity::Problem, code, words)
}

fn other(
    there: &Fingerprint,
    contents: &Contents,
    destination: &Destination,
    row: Option<&AccountRow>,
) -> Option<Judged> {
    let Destination { name, account, .. } = destination;
    match (&contents.owner, row) {
        (Some(owner), _) if owner != account => {
            let words = Words {
                what: format!("The volume holds the token of account {owner}, and is meant for account {account}."),
                why: format!("What runs there works as {owner}, with that account's rights and limits."),
                fix: format!(
                    "Deliver the right one with `tokenferry sync {name}`, or, if {owner} is meant, change `account` of \
                     this destination in config.toml."
                ),
            };
            Some((Severity::Warning, "other_account", words))
        }
        (None, _) => {
            let words = Words {
                what: "The volume holds an access token that Tokenferry does not know.".to_owned(),
                why: format!("Nobody here can renew it; the next delivery puts the token of {account} in its place."),
                fix: format!("Deliver with `tokenferry sync {name}`, if that is what you want."),
            };
            Some((Severity::Note, "unknown_token", words))
        }
        (Some(_), Some(row)) if row.fingerprint != *there => {
            let words = Words {
                what: format!("The volume holds an older token of account {account}."),
                why: "It works until its own end, and not after: the newest was not delivered.".to_owned(),
                fix: format!("Deliver with `tokenferry sync {name}`; `tokenferry run` does it by itself."),
            };
            Some((Severity::Warning, "file_outdated", words))
        }
        _ => None,
    }
}

fn not_understood(destination: &Destination) -> Judged {
    let format = destination.format;
    let (what, reader) = if format.is_the_clis() {
        ("The file of credentials is no JSON object.".to_owned(), "A CLI can't read it".to_owned())
    } else {
        let what = format!("The file of credentials is not as the format {format} has it.");
        (what, format!("It may be of no use to {}", format.readers()))
    };
    let words = Words {
        what,
        why: format!("{reader}, and Tokenferry does not write over what it does not understand."),
        fix: "Look at the file, and mend it or move it away; the next delivery makes a fresh one.".to_owned(),
    };
    (Severity::Problem, "file_not_understood", words)
}

/// A destination that could not be looked into.
pub(super) fn unseen(destination: &Destination, error: &DeliveryError) -> Finding {
    let (severity, why) = match error {
        DeliveryError::Busy(_) => (Severity::Note, "What lies there was not looked at, so nothing is said of it."),
        DeliveryError::VolumeMissing { .. } => {
            (Severity::Problem, "Nothing can be delivered there. Tokenferry makes no volumes by itself.")
        }
        _ => (Severity::Problem, "Nothing can be delivered there as long as this is so."),
    };
    let words = Words { what: error.to_string(), why: why.to_owned(), fix: error.fix() };
    Finding::new(severity, error.code(), Subject::destination(destination), words)
}

/// An interactive CLI that would ask for a theme and for trust, though its folder is the destination.
pub(super) fn onboarding(destination: &Destination, contents: &Contents, uses: &[Use<'_>]) -> Option<Finding> {
    if !destination.format.is_the_clis() {
        return None;
    }
    let reads_it = |it: &&Use<'_>| {
        let named = it.container.setup.as_ref().and_then(|setup| setup.environment.value(FOLDER_VARIABLE));
        it.destination == destination && named.is_some_and(|named| plain(named) == it.folder)
    };
    let found = uses.iter().find(reads_it).filter(|_| !contents.onboarded)?;
    let words = Words {
        what: format!(
            "{FOLDER_VARIABLE} names the mounted folder, and the .claude.json there does not say that the CLI was set up."
        ),
        why: "An interactive `claude` asks for a theme and for trust first. `claude -p` needs none of it.".to_owned(),
        fix: "Set `ready-to-use = true` for this destination in config.toml, and deliver with `tokenferry sync`."
            .to_owned(),
    };
    let subject = Subject::destination(destination).container(&found.container.name);
    let finding = Finding::new(Severity::Note, "onboarding_not_seeded", subject, words);
    Some(finding.mended_by(Mend::MakeReady(destination.name.clone())))
}
