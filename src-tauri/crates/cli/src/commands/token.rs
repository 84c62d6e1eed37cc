//! `token` and `refresh`.

use engine::Engine;
use engine::account::AccountName;
use serde_json::json;

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Prints an access token that lives, and nothing else.
pub(super) async fn print(engine: &Engine, account: Option<AccountName>, json: bool) -> Result<Outcome, Failure> {
    let account = engine.account(account)?;
    let progress = Progress::of("The token is fetched…");
    let credentials = engine.token(&account).await?;
    drop(progress);
    let token = credentials.access_token.expose();
    if json {
        let (kind, ends) = (credentials.kind, credentials.ends());
        report(
            &json!({"account": account, "kind": kind, "access_token": token, "ends": ends, "scopes": credentials.scopes}),
        )?;
    } else {
        talk::data(format_args!("{token}"))?;
    }
    Ok(Outcome::Done)
}

/// Renews at once.
pub(super) async fn renew(engine: &Engine, account: Option<AccountName>, json: bool) -> Result<Outcome, Failure> {
    let account = engine.account(account)?;
    let progress = Progress::of("The token is renewed…");
    let credentials = engine.refresh(&account).await?;
    drop(progress);
    let ends = credentials.access_token_ends;
    if json {
        let (fingerprint, count) = (credentials.fingerprint(), credentials.refresh_count);
        report(
            &json!({"account": account, "access_token_ends": ends, "fingerprint": fingerprint, "refresh_count": count}),
        )?;
    } else {
        let (now, zone) = (jiff::Timestamp::now(), jiff::tz::TimeZone::system());
        talk::say(format_args!("Renewed {account}: fresh until {}.", engine::status::moment(ends, now, &zone)));
    }
    Ok(Outcome::Done)
}
