//! What was left behind: by CLIs in a volume, and by us.

use jiff::{SignedDuration, Timestamp};

use super::Folder;
use super::finding::{Finding, Mend, Severity, Subject, Words};
use crate::destinations::docker::Leftovers;
use crate::settings::Destination;

/// A lock this old counts as abandoned (facts: "Older than a minute or two counts as abandoned"), and a temporary file of
/// ours is of no delivery that is under way.
const ABANDONED: SignedDuration = SignedDuration::from_mins(2);
/// Clocks are never quite the same.
const FUTURE: SignedDuration = SignedDuration::from_mins(1);

/// What lies beside the file of credentials. `now` is by the engine's clock.
pub(super) fn in_folder(destination: &Destination, folder: &Folder, now: Timestamp) -> Vec<Finding> {
    let locks = folder.locks.iter().filter_map(|(name, made)| lock(destination, folder, name, *made, now));
    let old = |made: &Timestamp| now.duration_since(*made) > ABANDONED;
    let stale = folder.temporaries.iter().filter(|(_, made)| old(made)).count();
    locks.chain((stale > 0).then(|| temporaries(destination, stale))).collect()
}

fn lock(destination: &Destination, folder: &Folder, name: &str, made: Timestamp, now: Timestamp) -> Option<Finding> {
    let age = now.duration_since(made);
    let Folder { container, running, path, .. } = folder;
    let (severity, code, what, why) = if -age > FUTURE {
        (
            Severity::Warning,
            "lock_from_future",
            format!("The CLI's lock {name} in the volume has a time that is still to come."),
            "Until that time no CLI takes it for abandoned, and whoever wants to write there waits in vain.",
        )
    } else if age > ABANDONED {
        (
            Severity::Note,
            "lock_abandoned",
            format!("The CLI's lock {name} in the volume is {} old: whoever made it is gone.", told(age)),
            "A newer CLI takes it over by itself; an older one may wait for it.",
        )
    } else {
        return None;
    };
    let start = if *running { String::new() } else { format!("docker start {container} && ") };
    let words = Words {
        what,
        why: why.to_owned(),
        fix: format!(
            "If no `claude` is at work there now, remove it: `{start}docker exec {container} rmdir {path}/{name}`. It \
             is a folder, and Tokenferry removes none."
        ),
    };
    Some(Finding::new(severity, code, Subject::destination(destination).container(container), words))
}

fn told(age: SignedDuration) -> String {
    match age.as_mins() {
        minutes @ ..120 => format!("{minutes} min"),
        minutes @ ..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

fn temporaries(destination: &Destination, count: usize) -> Finding {
    let words = Words {
        what: format!(
            "{} in the volume, from a delivery that was cut off.",
            counted(count, "temporary file lies", "temporary files lie")
        ),
        why: "Each may hold a token that is of no use any more, and takes some room.".to_owned(),
        fix: format!("The next delivery clears it away: `tokenferry sync {}`.", destination.name),
    };
    let finding = Finding::new(Severity::Note, "temporary_left", Subject::destination(destination), words);
    finding.mended_by(Mend::Deliver(destination.name.clone()))
}

/// What earlier runs left on an engine.
pub(super) fn on_engine(engine: &str, leftovers: &Leftovers) -> Option<Finding> {
    let Leftovers { couriers, volumes } = leftovers;
    let told = [(*couriers, "container", "containers"), (*volumes, "volume", "volumes")];
    let told: Vec<String> =
        told.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, more)| counted(count, one, more)).collect();
    if told.is_empty() {
        return None;
    }
    let words = Words {
        what: format!("A run of Tokenferry that was cut off left something behind: {}.", told.join(" and ")),
        why: "It does no harm beyond standing in lists, and no token is in it.".to_owned(),
        fix: "Any delivery to this engine clears it away, such as `tokenferry sync`.".to_owned(),
    };
    let finding = Finding::new(Severity::Note, "leftovers", Subject::engine(engine), words);
    Some(finding.mended_by(Mend::Tidy(engine.to_owned())))
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
