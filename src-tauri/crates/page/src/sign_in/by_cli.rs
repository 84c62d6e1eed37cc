//! Signing in through the official CLI: `claude auth login` does it in a folder of its own, and its sign-in is taken over.
//!
//! That program with those arguments is all that is ever run, and only from here: the page can't have anything run.

use std::path::PathBuf;

use engine::Engine;
use engine::formats::claude_code::CREDENTIALS;
use engine::sign_in::{OfficialCli, PENDING_LIVES};
use tempfile::TempDir;

use super::program::{Call, Printed};
use super::{Attempt, Phase, Stop, Word, asking, cli_words};
use crate::host::Host;

/// Has the CLI sign in, and takes the sign-in over.
pub(super) async fn sign_in(host: &dyn Host, engine: &Engine, attempt: &mut Attempt) -> Result<(), Stop> {
    engine.can_keep(&attempt.account).await?;
    let folder = private_folder()
        .map_err(|why| Stop::failed("no_folder", format_args!("No folder could be made for it: {why}."), ""))?;
    let cli = OfficialCli::at(folder.path().join(CREDENTIALS));
    let stop = attempt.stop.clone();
    let signed_in = tokio::select! {
        signed_in = run(host, attempt, &folder) => signed_in,
        () = tokio::time::sleep(PENDING_LIVES) => Err(engine::Error::NotPending.into()),
        () = stop.cancelled() => Err(Stop::GivenUp),
    };
    let account = attempt.account.clone();
    if let Err(why) = signed_in {
        // It may have got through in the last moment: then nobody else would ever end what it got.
        if cli.path().exists()
            && let Ok(obtained) = engine.imported(account, &cli).await
            && let Err(why) = engine.discard(obtained).await
        {
            tracing::warn!("a sign-in of the Claude CLI that was given up could not be ended: {why}");
        }
        return Err(why);
    }
    attempt.tell(Phase::Trading, None);
    let imported = engine.imported(account, &cli).await?;
    let agreed = asking::agreed(engine, attempt, imported).await?;
    attempt.tell(Phase::Trading, None);
    engine.take_over(agreed).await?;
    Ok(())
}

/// Runs it to its end: opens its address, and hands it the code that the person pastes.
async fn run(host: &dyn Host, attempt: &mut Attempt, folder: &TempDir) -> Result<(), Stop> {
    let mut program = host.program(&Call::to_sign_in(folder.path().into())).map_err(|why| {
        let what = format!("The Claude CLI can't be started: {why}.");
        Stop::failed("no_cli", what, "Install it, or sign in with your browser instead.")
    })?;
    let (mut printed, mut url) = (String::new(), None);
    loop {
        tokio::select! {
            heard = program.printed.recv() => match heard {
                Some(Printed::Piece(bytes)) => {
                    printed.push_str(&String::from_utf8_lossy(&bytes));
                    if url.is_none() && let Some(found) = cli_words::address(&printed) {
                        host.open(&found);
                        attempt.tell(Phase::Waiting, Some(&found));
                        url = Some(found);
                    }
                }
                Some(Printed::Deaf) => {
                    return Err(Stop::failed("cli_deaf", "The Claude CLI takes no code.", "Sign in again."));
                }
                Some(Printed::Ended(true)) => return Ok(()),
                Some(Printed::Ended(false)) | None => {
                    let what = "The Claude CLI ended without a sign-in.";
                    return Err(Stop::failed("cli_ended", what, "Sign in again, or sign in with your browser instead."));
                }
            },
            word = attempt.words.recv() => match word {
                // That nobody listens is heard of above.
                Some(Word::Code(code)) => drop(program.lines.send(code.trim().to_owned())),
                Some(Word::Replace(_)) => {}
                None => return Err(Stop::GivenUp),
            },
        }
    }
}

/// A folder that nobody else may look into, gone with the session where the system has such a place.
fn private_folder() -> std::io::Result<TempDir> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let mut builder = tempfile::Builder::new();
    builder.prefix("tokenferry-");
    match runtime {
        Some(runtime) => builder.tempdir_in(runtime),
        None => builder.tempdir(),
    }
}
