//! `engine list`.

use engine::{Engine, KnownEngine};

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Lists every engine that there is, and what it says of itself.
pub(super) async fn list(engine: &Engine, json: bool) -> Result<Outcome, Failure> {
    let progress = Progress::of("Asking every engine…");
    let known = engine.known_engines().await;
    drop(progress);
    if json {
        report(&known)?;
        return Ok(Outcome::Done);
    }
    let width = known.engines.iter().map(|it| it.name.len()).max().unwrap_or_default();
    for it in &known.engines {
        let KnownEngine { name, address, used_by_docker, kind, version, problem } = it;
        let version = version.as_deref().unwrap_or_default();
        let state = match kind {
            Some("podman") => format!("podman {version}"),
            Some(_) => format!("Docker {version}"),
            None => "Can't be used".to_owned(),
        };
        let used = if *used_by_docker { ", which docker uses" } else { "" };
        talk::data(format_args!("  {name:width$}  {state}{used}"))?;
        if let Some(address) = address.as_ref().filter(|address| *address != name) {
            talk::data(format_args!("  {:width$}  {address}", ""))?;
        }
        if let Some(problem) = problem {
            talk::data(format_args!("  {:width$}  {}", "", problem.what))?;
            talk::data(format_args!("  {:width$}  → {}", "", problem.fix))?;
        }
    }
    if let Some(problem) = known.problem {
        talk::say(format_args!("Which one docker uses can't be told. {} {}", problem.what, problem.fix));
    }
    Ok(Outcome::Done)
}
