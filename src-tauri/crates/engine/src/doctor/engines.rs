//! An engine: whether it can be reached, its clock, and then everything that is on it.

use jiff::SignedDuration;

use super::finding::{Finding, Severity, Subject, Words, sentence};
use super::{EngineFacts, Facts, Sight, contents, discovered, environment, leftovers, rights, uses, version};
use crate::destinations::DeliveryError;
use crate::destinations::docker::EngineError;
use crate::settings::Destination;

/// Clocks that are this far apart differ: answers take a second or two, and the first that minds is a CLI's lock, which
/// counts as abandoned after a minute or two.
const APART: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn judge(engine: &EngineFacts, facts: &Facts) -> Vec<Finding> {
    match &engine.sight {
        Ok(sight) => seen(engine, sight, facts),
        Err(error) => away(engine, error, facts).into_iter().collect(),
    }
}

fn away(engine: &EngineFacts, error: &EngineError, facts: &Facts) -> Option<Finding> {
    let (severity, why) = match engine.destinations.len() {
        // The engine that `docker` would use is of interest only to who has none yet.
        0 if !facts.destinations.is_empty() => return None,
        0 => (Severity::Note, "No destination is on it yet; containers there can be kept signed in once it answers."),
        _ => (
            Severity::Problem,
            "Nothing can be delivered there: its containers keep the token that they have, until that ends.",
        ),
    };
    let words = Words { what: sentence(&error.to_string()), why: why.to_owned(), fix: error.fix() };
    Some(Finding::new(severity, error.code(), Subject::engine(&engine.name), words))
}

fn seen(engine: &EngineFacts, sight: &Sight, facts: &Facts) -> Vec<Finding> {
    let uses = uses(&engine.destinations, &sight.survey);
    let mut findings = Vec::new();
    findings.extend(sight.ahead.and_then(|ahead| clock(engine, ahead)));
    for destination in &engine.destinations {
        let Some(place) = destination.in_volume() else { continue };
        if sight.survey.volume(place.volume.as_str()).is_none() {
            findings.push(missing(destination, place.volume.as_str(), engine, facts));
            continue;
        }
        if let Some(seen) = sight.contents.get(destination.name.as_str()) {
            findings.extend(contents::judge(destination, seen, facts));
            if let Ok(seen) = seen {
                findings.extend(contents::onboarding(destination, seen, &uses));
                findings.extend(rights::judge(destination, seen, &uses));
            }
        }
        if let Some(folder) = sight.folders.get(destination.name.as_str()) {
            let there = facts.now.saturating_add(sight.ahead.unwrap_or_default()).unwrap_or(facts.now);
            findings.extend(leftovers::in_folder(destination, folder, there));
        }
    }
    findings.extend(environment::judge(&uses));
    findings.extend(discovered::judge(engine, &sight.survey));
    findings.extend(version::judge(&uses, &sight.versions));
    findings.extend(leftovers::on_engine(&engine.name, &sight.leftovers));
    findings
}

/// A volume that is not there; perhaps it is on the engine that `docker` uses.
fn missing(destination: &Destination, volume: &str, engine: &EngineFacts, facts: &Facts) -> Finding {
    let error = DeliveryError::VolumeMissing { volume: volume.to_owned() };
    let mut finding = contents::unseen(destination, &error);
    let elsewhere = facts
        .engines
        .iter()
        .filter(|other| other.name != engine.name)
        .find(|other| other.sight.as_ref().is_ok_and(|sight| sight.survey.volume(volume).is_some()));
    if let Some(other) = elsewhere {
        finding.fix = format!(
            "There is a volume of this name on engine {}. If that is the one, set `engine = \"{}\"` for destination {} \
             in config.toml.",
            other.name, other.name, destination.name
        );
    }
    finding
}

fn clock(engine: &EngineFacts, ahead: SignedDuration) -> Option<Finding> {
    let words = Words {
        what: format!("The engine's clock is {} this machine's.", apart(ahead)?),
        why: "Whether a lock in a volume is abandoned, and whether a file is new, is told by these clocks.".to_owned(),
        fix:
            "Set the clock of the engine's machine. A virtual machine's, such as Docker Desktop's, falls behind while \
              the computer sleeps, and is right again after a restart of Docker."
                .to_owned(),
    };
    let finding = Finding::new(Severity::Warning, "engine_clock_differs", Subject::engine(&engine.name), words);
    (!engine.destinations.is_empty()).then_some(finding)
}

/// `3 min ahead of`, where it is worth saying.
pub(super) fn apart(ahead: SignedDuration) -> Option<String> {
    let by = ahead.abs();
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let told = match by.as_secs() {
        _ if by < APART => return None,
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    Some(format!("{told} {side}"))
}
