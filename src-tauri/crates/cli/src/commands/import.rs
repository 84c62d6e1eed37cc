//! `import`: the official CLI's sign-in, taken over.

use std::path::PathBuf;

use engine::Engine;
use engine::account::AccountName;
use engine::sign_in::{ImportError, OfficialCli};
use serde_json::json;

use super::{login, report};
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Takes the sign-in over, after saying what that means for the official CLI.
pub(super) async fn take_over(
    engine: &Engine,
    account: AccountName,
    from: Option<PathBuf>,
    take_out: bool,
    yes: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    let cli = from.map(OfficialCli::at).or_else(|| OfficialCli::found_by(|name| std::env::var_os(name)));
    let cli = cli.unwrap_or_else(|| OfficialCli::at(".claude/.credentials.json"));
    let imported = match engine.imported(account.clone(), &cli).await {
        Err(engine::Error::Import(ImportError::TakenBefore(file))) if take_out => {
            cli.forget().map_err(engine::Error::from)?;
            if json {
                report(&json!({"account": account, "identity": null, "moved": true}))?;
            } else {
                talk::say(format_args!("Removed what was left in {}; it was taken over before.", file.display()));
            }
            return Ok(Outcome::Done);
        }
        imported => imported?,
    };
    if !yes {
        talk::say(format_args!(
            "{} holds a sign-in. A sign-in has one owner: once Tokenferry has it, the official CLI on this machine is \
             signed out.",
            cli.path().display()
        ));
        if !talk::ask("Take it over?", "Say --yes to take it over.").await? {
            let fix = "To leave the CLI as it is, sign in anew with `tokenferry login`.".to_owned();
            return Err(Failure::Declined { what: "Nothing was changed.".to_owned(), fix });
        }
    }
    // What is turned down here stays the CLI's own: it must not be ended at the provider.
    if let Some(before) = imported.replaces().filter(|_| !yes) {
        let question = format!("{} Replace it?", login::kept_so_far(imported.account(), before));
        let fix = "Say --yes to replace it, or choose another name with --account.";
        if !talk::ask(question, fix).await? {
            return Err(login::declined());
        }
    }
    let progress = Progress::of("The sign-in is renewed, so that it is Tokenferry's alone…");
    let kept = engine.take_over(imported).await?;
    drop(progress);
    if take_out {
        cli.forget().map_err(engine::Error::from)?;
    }
    if json {
        report(&json!({"account": kept.account, "identity": kept.identity, "moved": take_out}))?;
    } else {
        talk::say(format_args!("Took over the sign-in of {}.", kept.identity));
        if !take_out {
            let file = cli.path().display();
            talk::say(format_args!("What is left in {file} is of no more use; `tokenferry import --move` removes it."));
        }
    }
    Ok(Outcome::Done)
}
