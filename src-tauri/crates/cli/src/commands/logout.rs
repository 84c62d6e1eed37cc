//! `logout`.

use engine::Engine;
use engine::account::AccountName;
use engine::credentials::Kind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
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
        let unreadable = goodbye.unreadable.as_ref().map(|why| json!({"code": why.code(), "message": why.to_string()}));
        let outlived = goodbye.outlived.map(|(kind, ends)| json!({"kind": kind, "ends": ends}));
        report(&json!({"account": account, "copies": copies, "provider": untold, "unreadable": unreadable,
            "outlived": outlived}))?;
    } else {
        for copy in &goodbye.copies {
            match &copy.result {
                Ok(_) => talk::say(format_args!("No copy is left in {}.", copy.spot)),
                Err(why) => talk::say(format_args!("A copy may be left in {}. {why} {}", copy.spot, why.fix())),
            }
        }
        if left > 0 {
            talk::say(format_args!(
                "What could not be reached stays on the list: `tokenferry sync` or `run` tries again."
            ));
        }
        if goodbye.unreadable.is_some() {
            talk::say(format_args!(
                "The sign-in could not be read any more. It was removed, and Claude was not told: there, the sign-in \
                 ends by itself."
            ));
        }
        if let Some((kind, ends)) = goodbye.outlived {
            talk::say(format_args!("{}", outlived(kind, ends)));
        }
        match &goodbye.untold {
            None if goodbye.outlived.is_some() => talk::say(format_args!("Removed {account}.")),
            None => talk::say(format_args!("Signed out {account}.")),
            Some(why) => talk::say(format_args!(
                "Signed out {account} here, but not at Claude yet. {why} `tokenferry run` tries again, and so does \
                 `tokenferry logout`."
            )),
        }
    }
    let all_done = left == 0 && goodbye.untold.is_none() && goodbye.unreadable.is_none();
    Ok(if all_done { Outcome::Done } else { Outcome::PartlyDone })
}

/// What is good all the same.
fn outlived(kind: Kind, ends: Option<Timestamp>) -> String {
    match ends {
        Some(ends) => {
            let ends = engine::status::moment(ends, Timestamp::now(), &TimeZone::system());
            format!(
                "Claude does not end {} before its time: whoever has it can use it until {ends}.",
                kind.with_article()
            )
        }
        None => {
            format!("Claude still takes the {kind}: delete it in the Claude Console where nobody needs it any more.")
        }
    }
}
