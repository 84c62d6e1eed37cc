//! Places on an engine that look as if they wait for a sign-in, judged from a [`Survey`] alone: what to suggest, and what
//! a person should know of. Nothing is asked and nothing is approved here.

mod binding;
mod finding;
mod naming;
#[cfg(test)]
pub(crate) mod samples;
mod suggestion;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use binding::{Claim, claims, conflict, mismatches};
pub use finding::Finding;
pub use suggestion::{Suggestion, UsedBy};
pub use uses::{Use, looks_at, uses};
pub(crate) use uses::{folder_at, looks_in, plain};

use crate::account::AccountName;
use crate::destinations::docker::survey::{ACCOUNT_LABEL, Container, Source, Survey};
use crate::formats::claude_code::FOLDER_VARIABLE;
use crate::journal::CopyRow;
use crate::settings::{Destination, DestinationName};
use uses::labelled_place;

/// The name of the volume that containers are kept signed in with, by custom.
pub const AUTH_VOLUME: &str = "claude-auth";

/// What is known of one engine, and what the user chose.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The settings' name for the engine.
    pub engine: &'a str,
    /// Whether it is the one that `docker` would use, so that it need not be named.
    pub usual: bool,
    /// What is on it.
    pub survey: &'a Survey,
    /// The destinations on it that are approved of.
    pub destinations: &'a [&'a Destination],
    /// The copies that lie on it.
    pub copies: &'a [&'a CopyRow],
    /// The accounts that are signed in.
    pub accounts: &'a [AccountName],
}

/// What was discovered on one engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Places that could be approved of.
    pub suggestions: Vec<Suggestion>,
    /// What can't be delivered to, or is at odds with something else.
    pub findings: Vec<Finding>,
}

/// A volume, and the folder in it; empty for its top.
type Where<'a> = (&'a str, String);

/// Judges what is on an engine. `taken` are the names of destinations that there are on any; those given are added.
pub fn discover(facts: &Facts<'_>, taken: &mut BTreeSet<DestinationName>) -> Discovery {
    let Facts { engine, survey, destinations, .. } = *facts;
    let places = places(survey);
    let conflicts = places.keys().filter_map(|(volume, folder)| conflict(engine, survey, volume, folder));
    let mut findings: Vec<_> = mismatches(engine, survey, destinations).into_iter().chain(conflicts).collect();
    findings.extend(binds(engine, survey));
    findings.extend(labels_in_vain(engine, survey));
    let open = places.iter().filter(|(place, reasons)| !is_approved(place, reasons, destinations));
    let suggestions = open.filter_map(|(place, reasons)| suggestion::of(place, reasons, facts, taken)).collect();
    Discovery { suggestions, findings }
}

/// Why a place looks as if it waited for a sign-in, the plainest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason<'a> {
    VolumeLabel { account: &'a str },
    ContainerLabel { container: &'a str, account: &'a str },
    Name,
    Variable { container: &'a str, variable: &'static str },
    Home { container: &'a str, at: &'a str },
}

impl Reason<'_> {
    /// Whether it speaks of the whole volume, and of no folder in it.
    fn is_of_the_volume(self) -> bool {
        matches!(self, Self::VolumeLabel { .. } | Self::Name)
    }

    fn is_label(self) -> bool {
        matches!(self, Self::VolumeLabel { .. } | Self::ContainerLabel { .. })
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VolumeLabel { account } => write!(f, "It has the label {ACCOUNT_LABEL}={account}."),
            Self::ContainerLabel { container, account } => {
                write!(f, "Container {container}, which uses it, has the label {ACCOUNT_LABEL}={account}.")
            }
            Self::Name => f.write_str("Its name is the one that volumes for Claude's sign-in have."),
            Self::Variable { container, variable } => {
                write!(f, "Container {container} looks for Claude's sign-in there, by {variable}.")
            }
            Self::Home { container, at } => {
                write!(f, "Container {container} has it at {at}, where Claude's sign-in is looked for.")
            }
        }
    }
}

/// The places that look as if they waited, each with the reasons.
fn places(survey: &Survey) -> BTreeMap<Where<'_>, BTreeSet<Reason<'_>>> {
    let mut places: BTreeMap<Where<'_>, BTreeSet<Reason<'_>>> = BTreeMap::new();
    for container in &survey.containers {
        for found in uses(container).into_iter().filter(|found| !found.is_file) {
            let Some(volume) = found.mount.volume() else { continue };
            let reason = match found.variable {
                Some(variable) => Reason::Variable { container: &container.name, variable },
                None => Reason::Home { container: &container.name, at: &found.mount.destination },
            };
            places.entry((volume, found.folder)).or_default().insert(reason);
        }
        if let (Some(account), Some(place)) = (container.labels.get(ACCOUNT_LABEL), labelled_place(container)) {
            places.entry(place).or_default().insert(Reason::ContainerLabel { container: &container.name, account });
        }
    }
    for volume in &survey.volumes {
        let named = volume.name == AUTH_VOLUME || volume.name.ends_with(&format!("_{AUTH_VOLUME}"));
        let label = volume.labels.get(ACCOUNT_LABEL).map(|account| Reason::VolumeLabel { account });
        for reason in label.into_iter().chain(named.then_some(Reason::Name)) {
            let known: Vec<_> = places.keys().filter(|(name, _)| *name == volume.name).cloned().collect();
            let meant = if known.is_empty() { vec![(volume.name.as_str(), String::new())] } else { known };
            for place in meant {
                places.entry(place).or_default().insert(reason);
            }
        }
    }
    places
}

/// Where nothing tells of a folder, a volume of which any folder is approved of needs no more.
fn is_approved((volume, folder): &Where<'_>, reasons: &BTreeSet<Reason<'_>>, destinations: &[&Destination]) -> bool {
    let any_folder = reasons.iter().all(|reason| reason.is_of_the_volume());
    let mut places = destinations.iter().filter_map(|destination| destination.in_volume());
    places.any(|place| place.volume.as_str() == *volume && (any_folder || place.folder() == folder))
}

/// What is mounted from the machine itself where a sign-in is looked for, once for all containers that share it.
fn binds(engine: &str, survey: &Survey) -> Vec<Finding> {
    let mut binds: BTreeMap<(&str, bool), (String, Vec<&str>)> = BTreeMap::new();
    for container in &survey.containers {
        for found in uses(container) {
            if let Source::Bind { path, .. } = &found.mount.source {
                let (_, names) = binds.entry((path, found.is_file)).or_insert((found.path, Vec::new()));
                names.push(&container.name);
            }
        }
    }
    let told = binds.into_iter().map(|((source, is_file), (at, containers))| {
        let containers = containers.join(", ");
        let fix = format!("Mount a volume there in place of it, such as `-v {AUTH_VOLUME}:{at}`, and approve of that.");
        if is_file {
            let what = format!("The single file {source} is mounted in {containers}.");
            let why = "A mount of one file stays with the old file when a new one takes its place, so nothing fresh arrives.";
            return Finding::new("single_file", engine, [&what, &why, &fix]);
        }
        let what = format!("{at} in {containers} is the folder {source} of the machine, and no volume.");
        let why = "Tokenferry delivers into volumes; and a sign-in that several programs share is ended by the first that renews it.";
        Finding::new("bind_mount", engine, [&what, &why, &fix])
    });
    told.collect()
}

/// Labels on containers of which it can't be told which of their volumes they speak of.
fn labels_in_vain(engine: &str, survey: &Survey) -> Vec<Finding> {
    let in_vain = |container: &&Container| {
        container.labels.contains_key(ACCOUNT_LABEL)
            && labelled_place(container).is_none()
            && uses(container).is_empty()
    };
    let told = survey.containers.iter().filter(in_vain).map(|container| {
        Finding::new(
            "label_without_volume",
            engine,
            [
                &format_args!(
                    "Container {} has the label {ACCOUNT_LABEL}, and no volume that it could speak of.",
                    container.name
                ),
                &"The label says whose token, but not where to.",
                &format_args!("Mount a volume for it, and name its place in the container with {FOLDER_VARIABLE}."),
            ],
        )
    });
    told.collect()
}
