//! What discovery finds amiss on an engine (mounts from the machine where a volume belongs, labels at odds with what was
//! approved of), and the one mount that it has no eye for.

use std::collections::BTreeSet;

use super::EngineFacts;
use super::finding::{Finding, Severity, Subject, Words};
use crate::destinations::docker::survey::{Container, Mount, Source, Survey};
use crate::discovery;
use crate::formats::claude_code::ONBOARDING;
use crate::settings::Destination;

pub(super) fn judge(engine: &EngineFacts, survey: &Survey) -> Vec<Finding> {
    let destinations: Vec<&Destination> = engine.destinations.iter().collect();
    let facts = discovery::Facts {
        engine: &engine.name,
        usual: true,
        survey,
        destinations: &destinations,
        copies: &[],
        accounts: &[],
    };
    let found = discovery::discover(&facts, &mut BTreeSet::new()).findings;
    let all = survey.containers.iter().flat_map(|container| container.mounts.iter().map(move |it| (container, it)));
    let prepared = all.filter_map(|(container, mount)| single_file(engine, container, mount));
    found.into_iter().map(adopted).chain(prepared).collect()
}

fn adopted(found: discovery::Finding) -> Finding {
    let discovery::Finding { code, engine, what, why, fix } = found;
    let severity = if code == "label_without_volume" { Severity::Note } else { Severity::Warning };
    Finding::new(severity, code, Subject::engine(&engine), Words { what, why, fix })
}

/// `.claude.json` as a mount of its own.
fn single_file(engine: &EngineFacts, container: &Container, mount: &Mount) -> Option<Finding> {
    let is_file = matches!(mount.source, Source::Bind { is_file: None | Some(true), .. });
    if !is_file || mount.destination.rsplit('/').next() != Some(ONBOARDING) {
        return None;
    }
    let words = Words {
        what: format!(
            "Container {} has the single file {ONBOARDING} mounted, at {}.",
            container.name, mount.destination
        ),
        why: "The CLI replaces this file whole to change it, and a mount of one file stays with the old one."
            .to_owned(),
        fix: "Mount a volume at the CLI's folder, name that with CLAUDE_CONFIG_DIR, and the file lies inside of it; \
              `tokenferry snippet compose` shows how."
            .to_owned(),
    };
    let subject = Subject::engine(&engine.name).container(&container.name);
    Some(Finding::new(Severity::Note, "single_file", subject, words))
}
