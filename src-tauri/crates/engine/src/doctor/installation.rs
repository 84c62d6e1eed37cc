//! This installation itself: settings, journal, vault, provider, clock, and whether anything keeps it all fresh.

use super::engines::apart;
use super::finding::{Finding, Severity, Subject, Words, sentence};
use super::{Facts, ProviderFacts, VaultFacts};
use crate::error::Error;
use crate::journal::Stage;
use crate::provider::ProviderError;
use crate::settings::SettingsError;
use crate::vault::VaultKind;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let settings = facts.settings.as_ref().map(settings);
    let journal = facts.journal.as_ref().map(prevented);
    let all = settings.into_iter().chain(journal).chain(vault(&facts.vault));
    all.chain(provider(&facts.provider)).chain(nothing_to_do(facts)).chain(standing_work(facts)).collect()
}

fn ours(severity: Severity, code: &'static str, words: Words) -> Finding {
    Finding::new(severity, code, Subject::default(), words)
}

/// What kept everything, or a large part of it, from being looked at.
pub(super) fn prevented(error: &Error) -> Finding {
    let words = Words {
        what: sentence(&error.to_string()),
        why: "Tokenferry can't do its work as long as this is so, and not look at itself either.".to_owned(),
        fix: Some(error.fix()).filter(|fix| !fix.is_empty()).unwrap_or_else(|| "Mend that, and look again.".to_owned()),
    };
    ours(Severity::Problem, error.code(), words)
}

fn settings(error: &Error) -> Finding {
    let (what, mend) = match error {
        Error::Settings(SettingsError::Mistake(file, text)) => {
            (format!("There is a mistake in {}:\n{text}", file.display()), "Mend that line")
        }
        other => (other.to_string(), "Let the file be readable for you"),
    };
    let words = Words {
        what: sentence(&what),
        why: "Until the settings can be read, nothing is renewed and nothing is delivered.".to_owned(),
        fix: format!("{mend}, and look again. What is told besides goes by where was delivered to before."),
    };
    ours(Severity::Problem, error.code(), words)
}

fn vault(vault: &VaultFacts) -> Vec<Finding> {
    if let Some(error) = &vault.trouble {
        let words = Words {
            what: sentence(&error.to_string()),
            why: "The sign-ins are kept there: without it no token can be renewed or delivered.".to_owned(),
            fix: error.fix(),
        };
        return vec![ours(Severity::Problem, error.code(), words)];
    }
    let mut findings = Vec::new();
    for (account, error) in &vault.entries {
        let login = format!("tokenferry login --account {account}");
        let (code, words) = match error {
            Some(error) => {
                let words = Words {
                    what: sentence(&error.to_string()),
                    why: format!("This is the sign-in of account {account}: its token can't be renewed or delivered."),
                    fix: error.fix(),
                };
                (error.code(), words)
            }
            None => {
                let words = Words {
                    what: format!("The {} holds no sign-in of account {account} any more.", vault.kind),
                    why: "Somebody removed it, or it was never here: its token can't be renewed.".to_owned(),
                    fix: format!("Sign in again with `{login}`."),
                };
                ("sign_in_missing", words)
            }
        };
        findings.push(Finding::new(Severity::Problem, code, Subject::account(account), words));
    }
    if vault.kind == VaultKind::Memory {
        let words = Words {
            what: "Sign-ins are kept in memory alone.".to_owned(),
            why: "They are forgotten when the program ends, and no other program sees them.".to_owned(),
            fix: "To keep them, set TOKENFERRY_VAULT=keychain or TOKENFERRY_VAULT=file.".to_owned(),
        };
        findings.push(ours(Severity::Note, "vault_in_memory", words));
    }
    findings
}

fn provider(provider: &ProviderFacts) -> Option<Finding> {
    let name = provider.other.as_deref().unwrap_or("Claude");
    let ahead = match &provider.answer {
        Err(error) => return Some(unanswered(name, error)),
        Ok(ahead) => ahead.and_then(apart)?,
    };
    let words = Words {
        what: format!("The clock of {name} is {ahead} this machine's."),
        why: "When a token ends is told by the clock here: a wrong one renews too late, or without need.".to_owned(),
        fix: "Set this machine's clock; `timedatectl` shows and does it on Linux.".to_owned(),
    };
    Some(ours(Severity::Warning, "own_clock_differs", words))
}

fn unanswered(name: &str, error: &ProviderError) -> Finding {
    let words = Words {
        what: if name == "Claude" { error.to_string() } else { format!("{error} It was asked at {name}.") },
        why: "Tokens work until their end; none can be renewed, and nobody can sign in.".to_owned(),
        fix: "Check the network, and a proxy or firewall on the way. Tokenferry tries again by itself.".to_owned(),
    };
    ours(Severity::Warning, error.code(), words)
}

fn nothing_to_do(facts: &Facts) -> Option<Finding> {
    let (code, what, why, fix) = if facts.settings.is_some() || facts.journal.is_some() {
        return None;
    } else if !facts.accounts.iter().any(|row| row.stage == Stage::Kept) {
        ("nobody_signed_in", "Nobody is signed in.", "There is no token to deliver.", "Begin with `tokenferry login`.")
    } else if facts.destinations.is_empty() {
        (
            "no_destinations",
            "There is no destination yet.",
            "No container gets the sign-in before you have approved of a place.",
            "Look for places with `tokenferry destination discover`, or add one with `tokenferry destination add`.",
        )
    } else {
        return None;
    };
    let words = Words { what: what.to_owned(), why: why.to_owned(), fix: fix.to_owned() };
    Some(ours(Severity::Note, code, words))
}

fn standing_work(facts: &Facts) -> Option<Finding> {
    if facts.kept_fresh || facts.accounts.is_empty() {
        return None;
    }
    let words = Words {
        what: "No program keeps everything fresh now.".to_owned(),
        why: "Tokens are renewed and delivered only when you ask for it, and a container that is made meanwhile gets none."
            .to_owned(),
        fix: "Start `tokenferry run`, and let it run.".to_owned(),
    };
    Some(ours(Severity::Note, "nothing_keeps_fresh", words))
}
