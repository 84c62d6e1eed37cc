//! A CLI that is too old to notice a new file.

use std::collections::BTreeMap;

use super::Use;
use super::finding::{Finding, Severity, Subject, Words};

/// The first that looks at the file before every request (facts: "A file without a refresh token").
const NOTICES: u64 = 2;

pub(super) fn judge(uses: &[Use<'_>], versions: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut seen: Vec<&str> = Vec::new();
    let mut findings = Vec::new();
    for it in uses.iter().filter(|it| it.is_the_clis() && it.container.running) {
        if seen.contains(&it.container.id.as_str()) {
            continue;
        }
        seen.push(&it.container.id);
        findings.extend(versions.get(&it.container.id).and_then(|version| too_old(it, version)));
    }
    findings
}

fn too_old(it: &Use<'_>, version: &str) -> Option<Finding> {
    let major: u64 = version.split('.').next()?.parse().ok()?;
    if major >= NOTICES {
        return None;
    }
    let name = &it.container.name;
    let words = Words {
        what: format!("Container {name} has version {version} of Claude Code, which reads its token once."),
        why: "A CLI that runs on through a renewal keeps the old token, and is refused when that ends.".to_owned(),
        fix: format!(
            "Update the CLI in the image, such as by `npm install -g @anthropic-ai/claude-code`. Until then, restart it \
             after a renewal, such as by `docker restart {name}`."
        ),
    };
    let subject = Subject::destination(it.destination).container(name);
    Some(Finding::new(Severity::Warning, "cli_too_old", subject, words))
}
