//! Signing in through the official CLI: `claude auth login` does it in a folder of its own, and its sign-in is taken over.
//!
//! That program with those arguments is all that is ever run, and only from here: the page can't have anything run.

use std::path::PathBuf;

use engine::Engine;
use engine::formats::claude_code::{CREDENTIALS, FOLDER_VARIABLE};
use engine::sign_in::{OfficialCli, PENDING_LIVES};
use tauri::AppHandle;
use tauri_plugin_shell::ShellExt;
use tauri_plugin_shell::process::{CommandChild, CommandEvent};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use super::{Attempt, Phase, Stop, Word, asking, cli_words};
use crate::browser;

const PROGRAM: &str = "claude";
const ARGUMENTS: [&str; 2] = ["auth", "login"];

/// Where its own installer puts it: what starts by the desktop often has a shorter PATH than a terminal.
const BELOW_HOME: [&str; 2] = [".local/bin/claude", ".claude/local/claude"];

/// What it is not to see: each would have it use something else than the sign-in that it is to make.
const NOT_FOR_IT: [&str; 4] =
    ["CLAUDE_SECURESTORAGE_CONFIG_DIR", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// The CLI at work. It is ended on drop.
struct Running(Option<CommandChild>);

impl Running {
    fn write(&mut self, line: &str) -> Result<(), Stop> {
        let written = self.0.as_mut().map(|child| child.write(format!("{line}\n").as_bytes()));
        written
            .and_then(Result::ok)
            .ok_or_else(|| Stop::Failed("The Claude CLI takes no code. Sign in again.".to_owned()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            let _ = child.kill();
        }
    }
}

/// Has the CLI sign in, and takes the sign-in over.
pub(super) async fn sign_in(app: &AppHandle, engine: &Engine, attempt: &mut Attempt) -> Result<(), Stop> {
    engine.can_keep(&attempt.account).await?;
    let folder = private_folder().map_err(|why| Stop::Failed(format!("No folder could be made for it: {why}.")))?;
    let cli = OfficialCli::at(folder.path().join(CREDENTIALS));
    let stop = attempt.stop.clone();
    let signed_in = tokio::select! {
        signed_in = run(app, attempt, &folder) => signed_in,
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
    attempt.tell(Phase::Trading, None, None);
    let imported = engine.imported(account, &cli).await?;
    let agreed = asking::agreed(engine, attempt, imported).await?;
    attempt.tell(Phase::Trading, None, None);
    engine.take_over(agreed).await?;
    Ok(())
}

/// Runs it to its end: opens its address, and hands it the code that the person pastes.
async fn run(app: &AppHandle, attempt: &mut Attempt, folder: &TempDir) -> Result<(), Stop> {
    let (mut events, mut running) = start(app, folder)?;
    let (mut printed, mut url) = (String::new(), None);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(CommandEvent::Stdout(bytes) | CommandEvent::Stderr(bytes)) => {
                    printed.push_str(&String::from_utf8_lossy(&bytes));
                    if url.is_none() && let Some(found) = cli_words::address(&printed) {
                        browser::open(&found);
                        attempt.tell(Phase::Waiting, Some(found.as_str()), None);
                        url = Some(found);
                    }
                }
                Some(CommandEvent::Terminated(ended)) if ended.code == Some(0) => {
                    running.0 = None;
                    return Ok(());
                }
                Some(CommandEvent::Error(_)) => {}
                _ => {
                    running.0 = None;
                    let what = "The Claude CLI ended without a sign-in.";
                    return Err(Stop::Failed(format!("{what} Sign in again, or sign in with your browser instead.")));
                }
            },
            word = attempt.words.recv() => match word {
                Some(Word::Code(code)) => running.write(code.trim())?,
                Some(Word::Replace(_)) => {}
                None => return Err(Stop::GivenUp),
            },
        }
    }
}

fn start(app: &AppHandle, folder: &TempDir) -> Result<(Receiver<CommandEvent>, Running), Stop> {
    let mut command = app
        .shell()
        .command(program())
        .args(ARGUMENTS)
        .env(FOLDER_VARIABLE, folder.path())
        // Its address is opened here, once. A program that does nothing keeps it from opening one itself.
        .env("BROWSER", "true")
        .set_raw_out(true);
    for name in NOT_FOR_IT {
        command = command.env(name, "");
    }
    match command.spawn() {
        Ok((events, child)) => Ok((events, Running(Some(child)))),
        Err(why) => Err(Stop::Failed(format!(
            "The Claude CLI can't be started: {why}. Install it, or sign in with your browser instead."
        ))),
    }
}

fn program() -> PathBuf {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let is_on_the_path = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file()));
    let below_home = || home.and_then(|home| BELOW_HOME.iter().map(|it| home.join(it)).find(|it| it.is_file()));
    let found = if is_on_the_path { None } else { below_home() };
    found.unwrap_or_else(|| PROGRAM.into())
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
