//! Variables of containers that keep the delivered file from being used.

use super::Use;
use super::finding::{Finding, Severity, Subject, Words};
use crate::destinations::docker::survey::Variables;
use crate::discovery;
use crate::formats::claude_code::{BELOW_HOME, CREDENTIALS_VARIABLE, FOLDER_VARIABLE};

/// What the CLI takes in place of the file, in its own order (facts: "Environment variables that override the file"), and
/// what comes of it.
const OVERRIDES: [(&str, &str); 4] = [
    ("ANTHROPIC_AUTH_TOKEN", "It comes before everything else, and goes out without what a sign-in's token needs."),
    ("CLAUDE_CODE_OAUTH_TOKEN", "It is read once, when the CLI starts, so that no renewal ever reaches it."),
    ("ANTHROPIC_PROFILE", "The CLI then takes the sign-in of that profile."),
    ("ANTHROPIC_API_KEY", "The CLI then works with that key, which is billed apart from the subscription."),
];

pub(super) fn judge(uses: &[Use<'_>]) -> Vec<Finding> {
    let mut seen: Vec<&str> = Vec::new();
    let mut findings = Vec::new();
    for it in uses.iter().filter(|it| it.is_the_clis()) {
        if seen.contains(&it.container.id.as_str()) {
            continue;
        }
        seen.push(&it.container.id);
        findings.extend(overridden(it));
        findings.extend(elsewhere(it, uses));
    }
    findings
}

/// Whether a CLI with these variables takes something else in place of the file.
pub fn is_overridden(environment: &Variables) -> bool {
    overrides(environment).next().is_some()
}

fn overrides(environment: &Variables) -> impl Iterator<Item = (&'static str, &'static str)> {
    OVERRIDES.into_iter().filter(|(name, _)| environment.is_set(name))
}

fn overridden(it: &Use<'_>) -> Option<Finding> {
    let environment = &it.container.setup.as_ref()?.environment;
    let set: Vec<_> = overrides(environment).collect();
    let (_, why) = set.first()?;
    let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
    let (are, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    let words = Words {
        what: format!("{} {are} set in container {}.", names.join(" and "), it.container.name),
        why: format!("A CLI there uses {them} in place of the file that Tokenferry keeps fresh. {why}"),
        fix: format!(
            "Take {them} out of the container's environment (in compose: `environment` and `env_file`; else `-e` and \
             `--env-file`, or ENV in the image), and make the container anew."
        ),
    };
    let subject = Subject::destination(it.destination).container(&it.container.name);
    Some(Finding::new(Severity::Warning, "environment_overrides", subject, words))
}

/// A container whose CLI looks where no destination of ours is mounted. Where it is mounted in a home, and only not in that
/// of the container's own user, it may well be right: in a dev container, programs are started as somebody else.
fn elsewhere(it: &Use<'_>, uses: &[Use<'_>]) -> Option<Finding> {
    let (folder, variable) = discovery::looks_in(it.container.setup.as_ref()?)?;
    if uses.iter().any(|other| other.container.id == it.container.id && other.folder == folder) {
        return None;
    }
    let volume = it.destination.in_volume()?.volume.as_str();
    let in_a_home = discovery::uses(it.container).iter().any(|seen| seen.mount.volume() == Some(volume));
    let (severity, why) = if in_a_home {
        (Severity::Note, "A CLI that runs there as the container's own user does not see the file that is delivered.")
    } else {
        (Severity::Warning, "The CLI there does not see the file that is delivered, and says \"Not logged in\".")
    };
    let because = match variable {
        "HOME" => format!("{BELOW_HOME} in its user's home"),
        named => format!("by {named}"),
    };
    // Where the folder of credentials is named apart, the other variable would change nothing.
    let name = if variable == CREDENTIALS_VARIABLE { CREDENTIALS_VARIABLE } else { FOLDER_VARIABLE };
    let words = Words {
        what: format!(
            "In container {} the CLI looks in {folder} ({because}), and the volume's folder is at {}.",
            it.container.name, it.folder
        ),
        why: why.to_owned(),
        fix: format!("Mount the volume at {folder}, or set {name}={} in the container's environment.", it.folder),
    };
    let subject = Subject::destination(it.destination).container(&it.container.name);
    Some(Finding::new(severity, "cli_looks_elsewhere", subject, words))
}
