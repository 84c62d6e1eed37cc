//! Asking, once for each account, before a token is given to others than Anthropic's own programs.

use engine::Engine;
use engine::TERMS;
use engine::account::AccountName;
use engine::formats::Format;

use crate::outcome::Failure;
use crate::talk;

/// Asks where that is still to be done. `yes` answers beforehand.
///
/// # Errors
/// [`Failure::Declined`] where the answer is no, or nobody is there to be asked.
pub(super) async fn ask(engine: &Engine, account: &AccountName, format: Format, yes: bool) -> Result<(), Failure> {
    if !engine.needs_consent(account, format)? {
        return Ok(());
    }
    let question = format!("{TERMS} Give the token of {account} to {} all the same?", format.readers());
    if !yes && !talk::ask(question, "Say --yes to agree.").await? {
        let fix = "The format claude-code is for Anthropic's own programs.".to_owned();
        return Err(Failure::Declined { what: "Nothing was changed.".to_owned(), fix });
    }
    Ok(engine.consent(account)?)
}
