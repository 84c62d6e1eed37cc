//! `login --via-claude-cli`: the official CLI signs in on this terminal, in a folder of its own, and its sign-in is taken over.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use engine::account::AccountName;
use engine::sign_in::{CliCall, CliFolder, ImportError, PENDING_LIVES};
use engine::{Engine, Obtained};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::login;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// For the CLI to leave the terminal as it found it.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

const INSTEAD: &str = "Sign in with `tokenferry login` instead.";

/// Hands the terminal to the CLI, and takes over what it leaves.
pub(super) async fn sign_in(
    engine: &Engine,
    account: AccountName,
    yes: bool,
    json: bool,
    stop: CancellationToken,
) -> Result<Outcome, Failure> {
    engine.can_keep(&account).await?;
    let folder =
        CliFolder::new().map_err(|why| failed("no_folder", format!("No folder could be made for it: {why}."), ""))?;
    let mut cli = started(&folder.call()).map_err(|why| {
        let fix = format!("Install it, or see to it that it is in your PATH. {INSTEAD}");
        failed("no_cli", format!("The Claude CLI can't be started: {why}."), fix)
    })?;
    let signed_in = attended(&mut cli, &stop).await;
    let agreed = match signed_in {
        Ok(()) => tokio::select! {
            agreed = agreed(engine, &account, &folder, yes) => agreed,
            () = stop.cancelled() => Err(Failure::Interrupted),
        },
        Err(why) => Err(why),
    };
    let agreed = match agreed {
        Ok(agreed) => agreed.ok_or_else(login::declined)?,
        Err(why) => {
            engine.give_up(account, &folder.sign_in()).await;
            return Err(why);
        }
    };
    let progress = Progress::of("The sign-in is renewed, so that it is Tokenferry's alone…");
    let kept = engine.take_over(agreed).await?;
    drop(progress);
    login::told(&kept, json)?;
    Ok(Outcome::Done)
}

/// Waits for its end. Afterwards it runs no more, whatever became of it.
async fn attended(cli: &mut Child, stop: &CancellationToken) -> Result<(), Failure> {
    let ended = tokio::select! {
        ended = timeout(PENDING_LIVES, cli.wait()) => match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) if is_interrupted(status) => Err(Failure::Interrupted),
            Ok(_) => {
                let fix = format!("What it said above tells why. Try again. {INSTEAD}");
                Err(failed("cli_ended", "The Claude CLI ended without a sign-in.".to_owned(), fix))
            }
            Err(_) => Err(engine::Error::NotPending.into()),
        },
        () = stop.cancelled() => {
            // Ctrl-C at a terminal is heard by it, too.
            let _ = timeout(ENDS_WITHIN, cli.wait()).await;
            Err(Failure::Interrupted)
        }
    };
    // What has ended can't be killed, and needn't.
    let _ = cli.start_kill();
    cli.wait().await?;
    ended
}

/// Whoever presses Ctrl-C at its prompt means all of it. It reads the key itself, and ends as shells tell of the signal.
fn is_interrupted(status: ExitStatus) -> bool {
    const INTERRUPT: i32 = 2;
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    signal == Some(INTERRUPT) || status.code() == Some(128 + INTERRUPT)
}

/// What it has got, if the person wants it kept; what they turn down is ended at the provider.
async fn agreed(
    engine: &Engine,
    account: &AccountName,
    folder: &CliFolder,
    yes: bool,
) -> Result<Option<Obtained>, Failure> {
    let imported = engine.imported(account.clone(), &folder.sign_in()).await.map_err(|why| match why {
        engine::Error::Import(ImportError::Missing(_)) => {
            let what = "The Claude CLI has signed in, but keeps that where Tokenferry can't take it over.";
            failed("cli_kept_it", what.to_owned(), INSTEAD)
        }
        why => why.into(),
    })?;
    login::agreed(engine, imported, yes).await
}

/// Standard output is for data, so what the CLI says goes to where people are talked to.
fn started(call: &CliCall) -> io::Result<Child> {
    talk::say(format_args!("The official Claude CLI signs in now; then Tokenferry takes that over."));
    let mut command = Command::new(call.program());
    command.args(call.arguments()).envs(call.environment().iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::from(io::stderr())).kill_on_drop(true).spawn()
}

fn failed(code: &str, what: String, fix: impl Into<String>) -> Failure {
    Failure::Refused { code: code.to_owned(), what, fix: fix.into() }
}
