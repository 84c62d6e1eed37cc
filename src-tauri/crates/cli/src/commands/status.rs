//! `status` and `destination list`.

use engine::Engine;
use engine::journal::Trouble;
use engine::status::{AccountStatus, DestinationStatus, Status};

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::data;

/// Shows every account and destination.
pub(super) fn show(engine: &Engine, json: bool) -> Result<Outcome, Failure> {
    let status = engine.status()?;
    if json {
        report(&status)?;
        return Ok(Outcome::Done);
    }
    accounts(&status)?;
    list(&status)?;
    left(&status)?;
    data(format_args!(""))?;
    if let Some(provider) = &status.provider {
        data(format_args!("In place of Claude: {provider} (TOKENFERRY_PROVIDER)"))?;
    }
    data(format_args!("Sign-ins are kept in the {}.", status.vault))?;
    if status.kept_fresh {
        data(format_args!("Everything is kept fresh."))?;
    } else {
        data(format_args!("Nothing keeps this fresh now: start `tokenferry run`."))?;
    }
    Ok(Outcome::Done)
}

/// Shows every destination.
pub(super) fn destinations(engine: &Engine, json: bool) -> Result<Outcome, Failure> {
    let status = engine.status()?;
    if json {
        report(&status.destinations)?;
    } else {
        list(&status)?;
    }
    Ok(Outcome::Done)
}

fn accounts(status: &Status) -> Result<(), Failure> {
    data(format_args!("Accounts"))?;
    if status.accounts.is_empty() {
        data(format_args!("  Nobody is signed in. Start with `tokenferry login`."))?;
    }
    let width = status.accounts.iter().map(|it| it.name.len()).max().unwrap_or_default();
    for account in &status.accounts {
        let AccountStatus { name, kind, state, identity, sign_in, refresh_count, next_step, .. } = account;
        data(format_args!("  {name:width$}  {state}"))?;
        if identity.is_known() {
            data(format_args!("  {:width$}  {identity}", ""))?;
        }
        if let Some(sign_in) = sign_in {
            let renewed = match refresh_count {
                _ if !kind.is_renewed() => "",
                0 => ", not renewed yet",
                1 => ", renewed once",
                count => &format!(", renewed {count} times"),
            };
            data(format_args!("  {:width$}  {sign_in}{renewed}", ""))?;
        }
        why(account.trouble.as_ref(), width)?;
        step(next_step, width)?;
    }
    Ok(())
}

fn list(status: &Status) -> Result<(), Failure> {
    data(format_args!("Destinations"))?;
    if status.destinations.is_empty() {
        data(format_args!("  None yet. Add one: `tokenferry destination add web --volume claude-auth`."))?;
    }
    let width = status.destinations.iter().map(|it| it.name.len()).max().unwrap_or_default();
    for destination in &status.destinations {
        let DestinationStatus { name, state, place, account, format, next_step, .. } = destination;
        let format = if *format == place.usual_format().name() { "" } else { &format!(", as {format}") };
        data(format_args!("  {name:width$}  {state}"))?;
        data(format_args!("  {:width$}  {place}{format}, for account {account}", ""))?;
        why(destination.trouble.as_ref(), width)?;
        step(next_step, width)?;
    }
    Ok(())
}

fn left(status: &Status) -> Result<(), Failure> {
    if status.copies_left.is_empty() {
        return Ok(());
    }
    data(format_args!("Copies that shall go"))?;
    for copy in &status.copies_left {
        let why = copy.trouble.as_ref().map_or("Not tried yet.", |trouble| trouble.what.as_str());
        data(format_args!("  {}, of account {}. {why}", copy.place, copy.account))?;
    }
    Ok(())
}

fn why(trouble: Option<&Trouble>, width: usize) -> Result<(), Failure> {
    trouble.map_or(Ok(()), |trouble| data(format_args!("  {:width$}  {}", "", trouble.what)))
}

fn step(next_step: &str, width: usize) -> Result<(), Failure> {
    if next_step.is_empty() {
        return Ok(());
    }
    data(format_args!("  {:width$}  → {next_step}", ""))
}
