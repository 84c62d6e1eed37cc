//! `doctor`: what is wrong, why it matters, how to mend it; and with `--fix` what can be mended safely is mended.

use engine::doctor::{Examination, Finding, Severity};
use engine::{Engine, Mended, Surroundings};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{Progress, data, say};

/// Looks at everything, also where hardly anything can be opened.
pub(super) async fn examine(
    surroundings: Surroundings,
    fix: bool,
    json: bool,
    stop: CancellationToken,
) -> Result<Outcome, Failure> {
    let clock = surroundings.clock.clone();
    let engine = match Engine::open_to_examine(surroundings) {
        Ok(engine) => engine,
        Err(error) => return tell(&Examination::prevented(clock.now(), &error), &[], json),
    };
    let done = tokio::select! {
        done = look(&engine, fix, json) => done,
        () = stop.cancelled() => Ok(Outcome::Interrupted),
    };
    engine.finish().await;
    done
}

async fn look(engine: &Engine, fix: bool, json: bool) -> Result<Outcome, Failure> {
    let progress = Progress::of("Looking at everything…");
    let mut examination = engine.examine().await;
    let mut mended = Vec::new();
    if fix && examination.findings.iter().any(Finding::is_fixable) {
        mended = engine.mend(&examination.findings).await;
        examination = engine.examine().await;
    }
    drop(progress);
    tell(&examination, &mended, json)
}

fn tell(examination: &Examination, mended: &[Mended], json: bool) -> Result<Outcome, Failure> {
    let outcome = if examination.needs_a_person() { Outcome::Failed } else { Outcome::Done };
    if json {
        let Examination { at, looked_at, findings } = examination;
        let needed = examination.needs_a_person();
        report(&json!({
            "at": at, "looked_at": looked_at, "findings": findings, "mended": mended, "needs_a_person": needed
        }))?;
        return Ok(outcome);
    }
    for Mended { what, trouble } in mended {
        match trouble {
            None => say(format_args!("Mended: {what}.")),
            Some(trouble) => say(format_args!("Could not {what}. {} {}", trouble.what, trouble.fix)),
        }
    }
    for finding in &examination.findings {
        show(finding)?;
    }
    data(format_args!("{}", last_line(examination)))?;
    Ok(outcome)
}

fn show(finding: &Finding) -> Result<(), Failure> {
    let Finding { severity, subject, what, why, fix, .. } = finding;
    data(format_args!("{severity}: {}", what.replace('\n', "\n  ")))?;
    data(format_args!("  Where: {subject}"))?;
    data(format_args!("  Why:   {why}"))?;
    data(format_args!("  Fix:   {fix}"))?;
    if finding.is_fixable() {
        data(format_args!("         `tokenferry doctor --fix` does it."))?;
    }
    data(format_args!(""))
}

fn last_line(examination: &Examination) -> String {
    let counts = examination.looked_at;
    let looked_at = format!(
        "Looked at {}, {}, {} with {}, the vault and the provider.",
        counted(counts.accounts, "account"),
        counted(counts.destinations, "destination"),
        counted(counts.engines, "engine"),
        counted(counts.containers, "container"),
    );
    let of = |severity| examination.findings.iter().filter(|finding| finding.severity == severity).count();
    let found: Vec<String> =
        [(of(Severity::Problem), "problem"), (of(Severity::Warning), "warning"), (of(Severity::Note), "note")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(count, what))
            .collect();
    if found.is_empty() {
        return format!("All is well. {looked_at}");
    }
    let needs = if examination.needs_a_person() { "" } else { ", and nothing that needs you" };
    format!("{}{needs}. {looked_at}", found.join(", "))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
