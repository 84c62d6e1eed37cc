//! `snippet`: what to paste to standard output, what there is to know to standard error.

use std::io::Write;

use engine::Engine;
use engine::account::AccountName;
use engine::snippets::{Kind, Wish};

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Prints what to paste for a destination.
pub(super) fn print(
    engine: &Engine,
    kind: Kind,
    destination: Option<&str>,
    account: Option<AccountName>,
    wish: &Wish,
    json: bool,
) -> Result<Outcome, Failure> {
    let snippet = engine.snippet(kind, destination, account, wish)?;
    if json {
        report(&snippet)?;
    } else {
        std::io::stdout().write_all(snippet.text.as_bytes())?;
        for sentence in &snippet.explanation {
            talk::say(format_args!("{sentence}"));
        }
    }
    Ok(Outcome::Done)
}
