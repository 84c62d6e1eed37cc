//! `grant`: which programs may ask for what over HTTP.

use std::time::Duration;

use engine::Engine;
use engine::formats::Format;
use engine::grants::{Grant, GrantName, NewGrant, Scope};
use engine::status::moment;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{consent, report};
use crate::args::GrantCommand;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, data};

/// Carries one out.
pub(super) async fn carry_out(engine: &Engine, command: GrantCommand, json: bool) -> Result<Outcome, Failure> {
    match command {
        GrantCommand::Add { name, account, allow, expires, per_second, yes } => {
            let account = account.map_or_else(|| engine.account(None).or_else(super::deliver::first_account), Ok)?;
            let grant = NewGrant { name, account, scopes: allow, per_second, ends: expires.and_then(from_now) };
            add(engine, grant, yes, json).await
        }
        GrantCommand::List => list(engine, json),
        GrantCommand::Revoke { name } => revoke(engine, &name, json),
    }
}

/// Makes a grant, and prints its key alone, so that it can go into a file at once.
async fn add(engine: &Engine, mut grant: NewGrant, yes: bool, json: bool) -> Result<Outcome, Failure> {
    grant.scopes.sort_unstable();
    grant.scopes.dedup();
    if grant.scopes.contains(&Scope::Token) {
        // Who asks over HTTP reads what a bare file of the token would hold.
        consent::ask(engine, &grant.account, Format::bare(), yes).await?;
    }
    let key = engine.add_grant(&grant)?;
    let NewGrant { name, account, scopes, ends, .. } = &grant;
    if json {
        report(&json!({"name": name, "account": account, "allow": scopes, "ends": ends, "key": key.expose()}))?;
    } else {
        data(format_args!("{}", key.expose()))?;
        talk::say(format_args!("This is the key of {name}, for {account}. It is shown this once: keep it in a file."));
    }
    Ok(Outcome::Done)
}

fn list(engine: &Engine, json: bool) -> Result<Outcome, Failure> {
    let grants = engine.grants()?;
    if json {
        report(&grants)?;
        return Ok(Outcome::Done);
    }
    if grants.is_empty() {
        data(format_args!("None yet. Make one with `tokenferry grant add NAME`."))?;
    }
    let width = |of: fn(&Grant) -> &str| grants.iter().map(|it| of(it).len()).max().unwrap_or_default();
    let (names, accounts) = (width(|it| it.name.as_str()), width(|it| it.account.as_str()));
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    for grant in &grants {
        let scopes: Vec<_> = grant.scopes.iter().map(|scope| scope.word()).collect();
        let until = match grant.ends {
            Some(ends) if ends <= now => format!("ended {}", moment(ends, now, &zone)),
            Some(ends) => format!("until {}", moment(ends, now, &zone)),
            None => "without an end".to_owned(),
        };
        let used = match grant.used {
            Some(used) => format!("used {} times, last {}", grant.uses, moment(used, now, &zone)),
            None => "never used".to_owned(),
        };
        let (name, account, scopes) = (grant.name.as_str(), grant.account.as_str(), scopes.join(","));
        data(format_args!("{name:names$}  {account:accounts$}  {scopes:20}  {until}  {used}"))?;
    }
    Ok(Outcome::Done)
}

fn revoke(engine: &Engine, name: &GrantName, json: bool) -> Result<Outcome, Failure> {
    engine.revoke_grant(name)?;
    if json {
        report(&json!({"name": name}))?;
    } else {
        talk::say(format_args!("Revoked {name}. A token that it was given lives on until its end."));
    }
    Ok(Outcome::Done)
}

fn from_now(life: Duration) -> Option<Timestamp> {
    Timestamp::now().checked_add(SignedDuration::try_from(life).ok()?).ok()
}
