//! Signing in through the official CLI: `claude auth login` does it in a folder of its own, and its sign-in is taken over.

use std::time::Duration;

use engine::Engine;
use engine::sign_in::{CliFolder, ImportError, PENDING_LIVES};
use tokio::time::timeout;

use super::program::{Printed, Program};
use super::transcript::Transcript;
use super::{Attempt, Phase, Stop, Word, asking};
use crate::host::Host;

/// From being killed to being gone. Longer takes only what the system itself holds up.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// Has the CLI sign in, and takes the sign-in over.
pub(super) async fn sign_in(host: &dyn Host, engine: &Engine, attempt: &mut Attempt) -> Result<(), Stop> {
    engine.can_keep(&attempt.account).await?;
    let folder = CliFolder::new()
        .map_err(|why| Stop::failed("no_folder", format_args!("No folder could be made for it: {why}."), ""))?;
    let mut program = host.program(&folder.call().without_browser()).map_err(|why| {
        let what = format!("The Claude CLI can't be started: {why}.");
        Stop::failed("no_cli", what, "Install it, or sign in with your browser instead.")
    })?;
    let stop = attempt.stop.clone();
    let signed_in = tokio::select! {
        signed_in = attend(host, attempt, &mut program) => signed_in,
        () = tokio::time::sleep(PENDING_LIVES) => Err(engine::Error::NotPending.into()),
        () = stop.cancelled() => Err(Stop::GivenUp),
    };
    if timeout(GONE_WITHIN, program.end()).await.is_err() {
        tracing::warn!("the Claude CLI did not end");
    }
    let (account, made) = (attempt.account.clone(), folder.sign_in());
    if let Err(why) = signed_in {
        engine.give_up(account, &made).await;
        return Err(why);
    }
    attempt.tell(Phase::Trading);
    let imported = engine.imported(account, &made).await.map_err(|why| match why {
        engine::Error::Import(ImportError::Missing(_)) => {
            let what = "The Claude CLI has signed in, but keeps that where Tokenferry can't take it over.";
            Stop::failed("cli_kept_it", what, "Sign in with your browser instead.")
        }
        why => why.into(),
    })?;
    let agreed = asking::agreed(engine, attempt, imported).await?;
    attempt.tell(Phase::Trading);
    engine.take_over(agreed).await?;
    Ok(())
}

/// Attends to it until its end: opens its address, hands it the code that the person pastes, relays what it says.
async fn attend(host: &dyn Host, attempt: &mut Attempt, program: &mut Program) -> Result<(), Stop> {
    let (mut transcript, mut waits) = (Transcript::default(), false);
    loop {
        tokio::select! {
            heard = program.printed.recv() => match heard {
                Some(Printed::Piece(bytes)) => {
                    transcript.hear(&bytes);
                    if !waits && let Some(address) = transcript.address() {
                        attempt.wait(Phase::Waiting, address, host.open(address));
                        waits = true;
                    }
                    attempt.relay(transcript.lines());
                }
                Some(Printed::Deaf) => {
                    return Err(Stop::failed("cli_deaf", "The Claude CLI takes no code.", "Sign in again."));
                }
                Some(Printed::Ended(is_content)) => {
                    transcript.end();
                    attempt.relay(transcript.lines());
                    return if is_content { Ok(()) } else { Err(ended()) };
                }
                None => return Err(ended()),
            },
            word = attempt.words.recv() => match word {
                Some(Word::Code(code)) => {
                    transcript.say(code.trim());
                    // That nobody listens is heard of above.
                    drop(program.lines.send(code.trim().to_owned()));
                }
                Some(Word::Replace(_)) => {}
                None => return Err(Stop::GivenUp),
            },
        }
    }
}

/// Its last words, which say why, are on the page.
fn ended() -> Stop {
    let what = "The Claude CLI ended without a sign-in.";
    Stop::failed("cli_ended", what, "Sign in again, or sign in with your browser instead.")
}
