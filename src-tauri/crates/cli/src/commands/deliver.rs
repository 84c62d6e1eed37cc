//! `sync`, `destination add` and `destination remove`.

use engine::account::AccountName;
use engine::delivery::Carried;
use engine::settings::Destination;
use engine::{Engine, Error, Synced};
use serde_json::{Value, json};

use super::consent;
use super::prove::{self, Proofs};
use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// A destination may be added before anybody has signed in.
pub(super) fn first_account(error: Error) -> Result<AccountName, Error> {
    match error {
        Error::NoAccount(name) => Ok(name),
        other => Err(other),
    }
}

/// Whether a sync is followed by a proof.
pub(super) struct Proving {
    pub(super) wanted: bool,
    /// Make real requests without asking.
    pub(super) request: bool,
}

/// Delivers now, and says what became of each; then proves what lies there, if that is wanted.
pub(super) async fn sync(
    engine: &Engine,
    names: &[String],
    replace: bool,
    proving: Proving,
    json: bool,
) -> Result<Outcome, Failure> {
    let progress = Progress::of("Delivering…");
    let synced = engine.sync(names, replace).await?;
    drop(progress);
    if !json {
        say(&synced);
    }
    let proofs = match proving.wanted {
        true => Some(prove::prove(engine, names, proving.request, json).await?),
        false => None,
    };
    if json {
        let delivered = synced.delivered.iter().map(|it| told(it, "delivered"));
        let withdrawn = synced.withdrawn.iter().map(|it| told(it, "withdrawn"));
        let without = synced.without_token.iter().map(|(name, why)| failed(name.as_str(), why.code(), why, why.fix()));
        let destinations: Vec<_> = delivered.chain(withdrawn).chain(without).collect();
        report(&match proofs.as_ref().map(Proofs::told) {
            Some((proofs, requests)) => json!({"destinations": destinations, "proofs": proofs, "requests": requests}),
            None => json!({"destinations": destinations}),
        })?;
    }
    let (proved, of) = proofs.as_ref().map_or((0, 0), Proofs::tally);
    let good = synced.delivered.iter().chain(&synced.withdrawn).filter(|it| it.result.is_ok()).count() + proved;
    let all = synced.delivered.len() + synced.withdrawn.len() + synced.without_token.len() + of;
    Ok(match good {
        _ if good == all => Outcome::Done,
        0 if !synced.without_token.is_empty()
            && synced.without_token.iter().all(|(_, why)| why.is_sign_in_needed()) =>
        {
            Outcome::SignInNeeded
        }
        0 => Outcome::Failed,
        _ => Outcome::PartlyDone,
    })
}

fn say(synced: &Synced) {
    for it in &synced.delivered {
        match &it.result {
            Ok(_) => talk::say(format_args!("{}: delivered, and read back.", it.destination)),
            Err(why) => talk::say(format_args!("{}: {why} {}", it.destination, why.fix())),
        }
    }
    for it in &synced.withdrawn {
        match &it.result {
            Ok(_) => talk::say(format_args!("{}: no copy is left in {}.", it.destination, it.spot)),
            Err(why) => talk::say(format_args!("{}: a copy may be left. {why} {}", it.destination, why.fix())),
        }
    }
    for (name, why) in &synced.without_token {
        talk::say(format_args!("{name}: {why} {}", why.fix()));
    }
}

/// Approves of a place.
pub(super) async fn add(
    engine: &Engine,
    destination: Destination,
    on: Option<&str>,
    yes: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    consent::ask(engine, &destination.account, destination.format, yes).await?;
    let added = engine.add_destination(destination, on).await?;
    if json {
        report(&added)?;
    } else {
        talk::say(format_args!("Added {}: {}, for account {}.", added.name, added.spot(), added.account));
        talk::say(format_args!("Deliver now with `tokenferry sync {}`; `tokenferry run` keeps it fresh.", added.name));
    }
    Ok(Outcome::Done)
}

/// Takes a place off the list, and its copy away.
pub(super) async fn remove(engine: &Engine, name: &str, json: bool) -> Result<Outcome, Failure> {
    let progress = Progress::of("Taking the copy away…");
    let outcomes = engine.remove_destination(name).await?;
    drop(progress);
    if json {
        let copies: Vec<_> = outcomes.iter().map(|it| told(it, "withdrawn")).collect();
        report(&json!({"removed": name, "copies": copies}))?;
    } else {
        talk::say(format_args!("Removed {name}."));
        for it in &outcomes {
            match &it.result {
                Ok(_) => talk::say(format_args!("No copy is left in {}.", it.spot)),
                Err(why) => talk::say(format_args!(
                    "A copy may be left in {}. {why} {} It stays on the list, and is tried again.",
                    it.spot,
                    why.fix()
                )),
            }
        }
    }
    let all_gone = outcomes.iter().all(|it| it.result.is_ok());
    Ok(if all_gone { Outcome::Done } else { Outcome::PartlyDone })
}

/// An outcome for programs.
pub(super) fn told(outcome: &Carried, done: &str) -> Value {
    match &outcome.result {
        Ok(at) => {
            json!({"destination": outcome.destination, "place": outcome.spot.place, "outcome": done, "read_back": at})
        }
        Err(why) => {
            let mut told = failed(&outcome.destination, why.code(), why, why.fix());
            if let (Some(fields), Ok(place)) = (told.as_object_mut(), serde_json::to_value(&outcome.spot.place)) {
                fields.insert("place".to_owned(), place);
            }
            told
        }
    }
}

fn failed(destination: &str, code: &str, why: &impl ToString, fix: String) -> Value {
    json!({"destination": destination, "outcome": "failed", "code": code, "message": why.to_string(), "fix": fix})
}
