//! `destination discover`: places that wait for a sign-in, listed, and approved of one by one.

use engine::account::AccountName;
use engine::discovery::{Discovery, Finding, Suggestion};
use engine::settings::Destination;
use engine::{Discovered, Engine, Error};
use serde_json::{Value, json};

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress, data};

/// Which suggestions are approved of.
#[derive(Debug)]
pub(super) enum Approval {
    /// Those that the person says yes to; none where nobody is there to be asked.
    Asked,
    /// The named ones.
    Named(Vec<String>),
    /// All.
    All,
}

/// Looks at engines, and tells as they answer; then approves. `account` is whose token goes where no label says.
pub(super) async fn discover(
    engine: &Engine,
    on: Option<&str>,
    approval: Approval,
    account: Option<AccountName>,
    json: bool,
) -> Result<Outcome, Failure> {
    let mut looking = engine.discover(on)?;
    let mut all = Vec::new();
    loop {
        let progress = Progress::of("Looking at Docker…");
        let discovered = looking.next().await?;
        drop(progress);
        let Some(discovered) = discovered else { break };
        if !json {
            tell(&discovered)?;
        }
        all.push(discovered);
    }
    let suggestions: Vec<_> =
        all.iter().filter_map(|it| it.result.as_ref().ok()).flat_map(|it| &it.suggestions).collect();
    let mut approved = Vec::new();
    for suggestion in chosen(&suggestions, approval, json).await? {
        approved.push((suggestion, approve(engine, suggestion, account.clone(), json).await));
    }
    if json {
        let engines: Vec<_> = all.iter().map(engine_told).collect();
        let approved: Vec<_> = approved.iter().map(|(suggestion, done)| approval_told(suggestion, done)).collect();
        report(&json!({"engines": engines, "approved": approved}))?;
    } else {
        for (suggestion, done) in &approved {
            match done {
                Ok(it) => talk::say(format_args!("Added {}: {}, for account {}.", it.name, it.spot(), it.account)),
                Err(why) => talk::say(format_args!("{}: {why} {}", suggestion.name, why.fix())),
            }
        }
        if approved.iter().any(|(_, done)| done.is_ok()) {
            talk::say(format_args!("Deliver now with `tokenferry sync`; `tokenferry run` keeps all fresh."));
        }
    }
    let good = |good: usize, of: usize| match good {
        _ if good == of => Outcome::Done,
        0 => Outcome::Failed,
        _ => Outcome::PartlyDone,
    };
    let looked = good(all.iter().filter(|it| it.result.is_ok()).count(), all.len());
    let added = good(approved.iter().filter(|(_, done)| done.is_ok()).count(), approved.len());
    Ok(match (looked, added) {
        (looked, Outcome::Done) => looked,
        (Outcome::Done, added) => added,
        (Outcome::Failed, Outcome::Failed) => Outcome::Failed,
        _ => Outcome::PartlyDone,
    })
}

/// The suggestions that are approved of.
async fn chosen<'a>(
    suggestions: &[&'a Suggestion],
    approval: Approval,
    json: bool,
) -> Result<Vec<&'a Suggestion>, Failure> {
    match approval {
        Approval::All => Ok(suggestions.to_vec()),
        Approval::Named(names) => {
            let named = |name: &String| {
                let found = suggestions.iter().find(|it| it.name.as_str() == name).copied();
                found.ok_or_else(|| Failure::Declined {
                    what: format!("There is no suggestion named {name}, so nothing was added."),
                    fix: "See those that there are with `tokenferry destination discover`.".to_owned(),
                })
            };
            names.iter().map(named).collect()
        }
        Approval::Asked if json || !talk::is_somebody_there() => Ok(Vec::new()),
        Approval::Asked => {
            let mut chosen = Vec::new();
            for suggestion in suggestions {
                if talk::ask(format_args!("Keep {} fresh?", suggestion.name), "").await? {
                    chosen.push(*suggestion);
                }
            }
            Ok(chosen)
        }
    }
}

/// Approves, asking for the account where neither a label nor the person has said it.
async fn approve(
    engine: &Engine,
    suggestion: &Suggestion,
    said: Option<AccountName>,
    json: bool,
) -> Result<Destination, Error> {
    let evident = suggestion.account.clone();
    let account = if suggestion.labelled { evident.or(said) } else { said.or(evident) };
    match engine.approve(suggestion, account).await {
        Err(Error::WhichAccount(names)) if !json && talk::is_somebody_there() => {
            let answer = talk::prompt(&format!("Whose token shall {} get ({names})? ", suggestion.name)).await;
            match answer.ok().flatten().and_then(|answer| answer.trim().parse().ok()) {
                Some(account) => engine.approve(suggestion, Some(account)).await,
                None => Err(Error::WhichAccount(names)),
            }
        }
        done => done,
    }
}

fn tell(discovered: &Discovered) -> Result<(), Failure> {
    let Discovery { suggestions, findings } = match &discovered.result {
        Ok(discovery) => discovery,
        Err(why) => {
            talk::say(format_args!("{}: {why} {}", discovered.engine, why.fix()));
            return Ok(());
        }
    };
    data(format_args!("On {}", discovered.engine))?;
    if suggestions.is_empty() {
        data(format_args!("  No place waits for a sign-in here."))?;
    }
    for Suggestion { name, volume, folder, account, reasons, remarks, command, .. } in suggestions {
        let folder = folder.as_ref().map(|folder| format!(", folder {folder}")).unwrap_or_default();
        let account = account.as_ref().map(|account| format!(", for account {account}")).unwrap_or_default();
        data(format_args!("  {name}  volume {volume}{folder}{account}"))?;
        for sentence in reasons.iter().chain(remarks) {
            data(format_args!("    {sentence}"))?;
        }
        data(format_args!("    → {command}"))?;
    }
    for Finding { what, why, fix, .. } in findings {
        data(format_args!("  {what}"))?;
        data(format_args!("    {why}"))?;
        data(format_args!("    → {fix}"))?;
    }
    Ok(())
}

fn engine_told(discovered: &Discovered) -> Value {
    match &discovered.result {
        Ok(Discovery { suggestions, findings }) => {
            json!({"engine": discovered.engine, "suggestions": suggestions, "findings": findings})
        }
        Err(why) => {
            let error = json!({"code": why.code(), "message": why.to_string(), "fix": why.fix()});
            json!({"engine": discovered.engine, "error": error})
        }
    }
}

fn approval_told(suggestion: &Suggestion, done: &Result<Destination, Error>) -> Value {
    match done {
        Ok(destination) => json!({"name": suggestion.name, "outcome": "added", "destination": destination}),
        Err(why) => {
            json!({"name": suggestion.name, "outcome": "failed", "code": why.code(), "message": why.to_string(), "fix": why.fix()})
        }
    }
}
