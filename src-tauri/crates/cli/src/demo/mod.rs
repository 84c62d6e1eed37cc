//! `demo`: the whole job at work, with the practice provider in place of Claude, leaving nothing behind.
//!
//! The demo's journeys are the engine's own; what is of the demo alone is the provider, a browser that nobody sees, and
//! an app in a container. A step is finished before the demo is stopped, so that no delivery is left half done.

mod app;
mod browser;
mod sandbox;
mod search;
mod story;
mod telling;

use std::fmt;
use std::time::Instant;

use engine::destinations::docker::Environment;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::sandbox::Sandbox;
use self::telling::{Telling, time};
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Shows the whole job, and removes all that was made for it, however it ends.
pub(crate) async fn show(stop: CancellationToken) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    tokio::spawn(stop_at_hangup(stop.clone()));
    let sandbox = Sandbox::open(&Environment::of_process()).await?;
    let home = home()?;
    let mut telling = Telling::new(stop.clone());
    let told = story::tell(&mut telling, &sandbox, home.path(), stop).await;
    let removed = sandbox
        .remove()
        .await
        .and(home.close().map_err(|why| failed(format!("The demo's temporary folder could not be removed: {why}."))));
    match (told, removed) {
        (Ok(()), Ok(())) => {}
        (Ok(()), Err(left)) => return Err(left),
        (Err(why), Ok(())) => {
            talk::say(format_args!("\nWhat the demo had made is gone again."));
            return Err(why);
        }
        (Err(why), Err(left)) => {
            talk::say(format_args!("\n{left}\n{}", left.fix()));
            return Err(why);
        }
    }
    let took = time(begun.elapsed());
    telling.say(format!(
        "\nThat was the whole job: one sign-in, kept in one place, and a container that was never asked to log in. \
         Its container, volume, image and folder are gone again. It took {took}."
    ))?;
    telling.say("\nNow for real:\n")?;
    telling.command("tokenferry login", "opens your browser")?;
    telling.command("docker volume create claude-auth", "or take one you have")?;
    telling.command("tokenferry destination add work --volume claude-auth", "")?;
    telling.command("tokenferry run", "renews and delivers in time, by itself")?;
    Ok(Outcome::Done)
}

/// A folder of the demo's own in place of the person's state.
fn home() -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("tokenferry-demo-").tempdir();
    made.map_err(|why| {
        failed_with(
            format!("A temporary folder could not be made: {why}."),
            "Set TMPDIR to a folder that can be written to.",
        )
    })
}

/// A terminal that is closed must not leave a container running.
#[cfg(unix)]
async fn stop_at_hangup(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut hangup) = signal(SignalKind::hangup()) {
        hangup.recv().await;
        stop.cancel();
    }
}

#[cfg(not(unix))]
async fn stop_at_hangup(_: CancellationToken) {}

/// The demo failed where nobody but its makers can mend it.
fn failed(what: impl fmt::Display) -> Failure {
    failed_with(
        what.to_string(),
        "This is a fault of the demo or of what it shows: please report it, with all that it said.",
    )
}

fn failed_with(what: impl Into<String>, fix: impl Into<String>) -> Failure {
    Failure::Demo { what: what.into(), fix: fix.into() }
}
