//! `export`: an account's token in a taker's format, to standard output; or a whole sign-in handed over for good.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use engine::Engine;
use engine::account::AccountName;
use engine::credentials::{Credentials, fits};
use engine::destinations::Change;
use engine::destinations::kubernetes::{Mounted, Wish, manifests};
use engine::formats::dotenv::{Dotenv, Variable};
use engine::formats::{Format, claude_code, exports};
use engine::secret::SecretString;
use engine::settings::Place;

use super::consent;
use crate::args::Export;
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// What is printed.
#[derive(Clone, Debug)]
pub(crate) enum Exported {
    /// The first file of a format.
    Format(Format),
    /// Lines for a shell to take in.
    Shell(Shell),
    /// The line that makes it a secret of a repository on GitHub.
    GithubActions,
    /// What a cluster needs to keep a Secret fresh.
    Kubernetes,
}

/// Whose lines they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shell {
    /// For `eval "$(…)"`.
    Sh,
    /// For `Invoke-Expression`.
    PowerShell,
}

impl FromStr for Exported {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(match word {
            "sh" => Self::Shell(Shell::Sh),
            "powershell" => Self::Shell(Shell::PowerShell),
            "github-actions" => Self::GithubActions,
            "kubernetes" => Self::Kubernetes,
            format => Self::Format(format.parse().map_err(|why: String| {
                format!("{} It also exports sh, powershell, github-actions and kubernetes.", why.trim_end())
            })?),
        })
    }
}

/// Prints it.
pub(super) async fn export(engine: &Engine, export: Export) -> Result<Outcome, Failure> {
    if let Exported::Kubernetes = export.what {
        return print_manifests(&export);
    }
    let account = engine.account(export.account.clone())?;
    if let Some(file) = export.to.as_deref().filter(|_| export.with_refresh_token) {
        return hand_over(engine, &account, file, export.yes).await;
    }
    match export.what {
        Exported::Format(format) => {
            let credentials = given(engine, &account, format, export.yes).await?;
            let Some(file) = format.files().first() else { return Ok(Outcome::Done) };
            match format.with_token(file, &credentials, None, false) {
                Ok(Change::Write(content)) => print(content.expose())?,
                Ok(_) => {}
                Err(why) => return Err(declined(why, "Sign in anew with `tokenferry login`.")),
            }
        }
        Exported::Shell(shell) => {
            let format = "dotenv".parse().map_err(|why: String| declined(why, ""))?;
            let variables = Dotenv::ClaudeCode.variables(&given(engine, &account, format, export.yes).await?);
            print(shell.lines(&variables).expose().as_bytes())?;
        }
        Exported::GithubActions => {
            let credentials = engine.token(&account).await?;
            fits(credentials.kind, "github-actions").map_err(|misfit| declined(&misfit, misfit.fix()))?;
            talk::data(format_args!(
                "tokenferry token --account {account} | gh secret set CLAUDE_CODE_OAUTH_TOKEN --app actions"
            ))?;
            talk::say(format_args!(
                "Run this in a clone of the repository. The token goes through the pipe, and into no history."
            ));
        }
        Exported::Kubernetes => {}
    }
    Ok(Outcome::Done)
}

impl Shell {
    fn lines(self, variables: &[Variable]) -> SecretString {
        match self {
            Self::Sh => exports::sh(variables),
            Self::PowerShell => exports::powershell(variables),
        }
    }
}

/// A token that may be given out in this format.
async fn given(engine: &Engine, account: &AccountName, format: Format, yes: bool) -> Result<Credentials, Failure> {
    consent::ask(engine, account, format, yes).await?;
    let credentials = engine.token(account).await?;
    fits(credentials.kind, format.name()).map_err(|misfit| declined(&misfit, misfit.fix()))?;
    Ok(credentials)
}

fn print_manifests(export: &Export) -> Result<Outcome, Failure> {
    let Some(place) = &export.secret else {
        return Err(declined("Which Secret is not said.", "Name it with --secret NAMESPACE/NAME."));
    };
    let format = export.format.unwrap_or_default();
    Place::Secret(place.clone()).takes(format).map_err(|why| declined(why, "Choose another with --format."))?;
    let files: Vec<_> = format.files().iter().map(|file| file.path).collect();
    let (image, tokenferry) = (export.image.as_str(), export.tokenferry_image.as_str());
    let named = (format != Format::default()).then(|| format.name());
    let wish = Wish { place, format: named, files: &files, image, tokenferry, mounted: &Mounted::default() };
    print(manifests(&wish).as_bytes())?;
    Ok(Outcome::Done)
}

/// Hands the whole sign-in over, into a file that nobody had before, and forgets it here.
async fn hand_over(engine: &Engine, account: &AccountName, file: &Path, yes: bool) -> Result<Outcome, Failure> {
    let question = format!(
        "The sign-in of {account} goes to {} with its refresh token, which has one owner: it is forgotten here, and every \
         copy of its access token is taken away. Hand it over?",
        file.display()
    );
    if !yes && !talk::ask(question, "Say --yes to hand it over.").await? {
        return Err(declined("Nothing was changed.", ""));
    }
    let given = engine.hand_over(account).await?;
    let content = claude_code::whole(given.credentials());
    if let Err(why) = write_new(file, content.expose()) {
        engine.take_back(given).await?;
        let fix = "The sign-in is still here. Choose a file that is not there yet, in a folder of yours.";
        return Err(declined(format!("{} can't be written: {why}.", file.display()), fix));
    }
    let copies = engine.handed_over(given).await?;
    talk::say(format_args!("Handed over to {}, and forgotten here.", file.display()));
    let left = copies.iter().filter(|copy| copy.result.is_err());
    for copy in left.clone() {
        talk::say(format_args!("A copy may be left in {}. It is tried again.", copy.spot));
    }
    Ok(if left.count() == 0 { Outcome::Done } else { Outcome::PartlyDone })
}

/// Once, for nobody else to read, and on the disk when this returns; of one that fails nothing is left.
fn write_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    let written = opened.write_all(content).and_then(|()| opened.sync_all());
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(file);
    })
}

fn print(content: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(content)?;
    out.flush()
}

fn declined(what: impl fmt::Display, fix: impl Into<String>) -> Failure {
    Failure::Declined { what: what.to_string(), fix: fix.into() }
}
