//! `logout`.

use engine::Engine;
use engine::account::AccountName;
use serde_json::json;

use super::deliver::told;
use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Signs out, and says what could not be reached.
pub(super) async fn sign_out(engine: &Engine, account: Option<AccountName>, json: bool) -> Result<Outcome, Failure> {
    let account = match account {
        Some(name) => name,
        None => engine.account(None)?,
    };
    let progress = Progress::of("Signing out…");
    let goodbye = engine.sign_out(&account).await?;
    drop(progress);
    let left = goodbye.copies.iter().filter(|copy| copy.result.is_err()).count();
    if json {
        let copies: Vec<_> = goodbye.copies.iter().map(|copy| told(copy, "withdrawn")).collect();
        let untold = goodbye.untold.as_ref().map(|why| json!({"code": why.code(), "message": why.to_string()}));
        report(&json!({"account": account, "copies": copies, "provider": untold}))?;
    } else {
        for copy in &goodbye.copies {
            match &copy.result {
                Ok(_) => talk::say(format_args!("No copy is left in {}.", copy.place)),
                Err(why) => talk::say(format_args!("A copy may be left in {}. {why} {}", copy.place, why.fix())),
            }
        }
        if left > 0 {
            talk::say(format_args!(
                "What could not be reached stays on the list: `tokenferry sync` or `run` tries again."
            ));
        }
        match &goodbye.untold {
            None => talk::say(format_args!("Signed out {account}.")),
            Some(why) => talk::say(format_args!(
                "Signed out {account} here, but not at Claude yet. {why} `tokenferry run` tries again, and so does \
                 `tokenferry logout`."
            )),
        }
    }
    Ok(if left > 0 || goodbye.untold.is_some() { Outcome::PartlyDone } else { Outcome::Done })
}
