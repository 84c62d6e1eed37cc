//! `account`: what is kept for whom, and API keys.

use engine::Engine;
use engine::account::AccountName;
use engine::credentials::{ApiKey, Kind};
use engine::secret::SecretString;
use engine::status::{AccountStatus, moment};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{login, report};
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress, data};

/// Keeps an API key. It is never an argument: those are seen by everybody on the machine.
pub(super) async fn add_api_key(
    engine: &Engine,
    account: AccountName,
    check: bool,
    yes: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    engine.can_keep(&account).await?;
    let typed = talk::secret("Type or paste the API key; it is not shown: ").await?;
    let key = ApiKey::parse(&typed.unwrap_or_else(|| SecretString::new(""))).map_err(engine::Error::from)?;
    let progress = check.then(|| Progress::of("Claude is asked whether the key is good…"));
    let obtained = engine.api_key(account, &key, check).await?;
    drop(progress);
    let Some(obtained) = login::agreed(engine, obtained, yes).await? else {
        return Err(login::declined());
    };
    let kept = engine.keep(obtained).await?;
    if json {
        report(&json!({"account": kept.account, "kind": kept.kind, "checked": check}))?;
    } else {
        let checked = if check { " Claude takes it." } else { "" };
        talk::say(format_args!("Added an API key as {}.{checked}", kept.account));
    }
    Ok(Outcome::Done)
}

/// Shows every account: its name, what it is, and until when that is good.
pub(super) fn list(engine: &Engine, json: bool) -> Result<Outcome, Failure> {
    let accounts = engine.status()?.accounts;
    if json {
        let rows: Vec<_> = accounts.iter().map(row).collect();
        report(&rows)?;
        return Ok(Outcome::Done);
    }
    if accounts.is_empty() {
        data(format_args!("None yet. Start with `tokenferry login`, or `tokenferry account add-api-key`."))?;
    }
    let width = accounts.iter().map(|it| it.name.len()).max().unwrap_or_default();
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    for AccountStatus { name, kind, state, sign_in_ends, .. } in &accounts {
        let until = match sign_in_ends {
            Some(ends) if *ends <= now => format!("ended {}", moment(*ends, now, &zone)),
            Some(ends) => format!("until {}", moment(*ends, now, &zone)),
            None if *kind == Kind::ApiKey => "without an end".to_owned(),
            None => state.clone(),
        };
        data(format_args!("{name:width$}  {:14}  {until}", kind.to_string()))?;
    }
    Ok(Outcome::Done)
}

fn row(account: &AccountStatus) -> serde_json::Value {
    let AccountStatus { name, kind, code, access_token_ends, sign_in_ends, .. } = account;
    json!({"name": name, "kind": kind, "code": code, "access_token_ends": access_token_ends, "sign_in_ends": sign_in_ends})
}
