//! `postgres`: LiteLLM's table of tokens made, and who in it has to renew soon.

use std::time::Duration;

use engine::destinations::postgres::{Environment, Postgres, PostgresUrl};
use serde_json::json;

use super::report;
use crate::args::PostgresCommand;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, data};

/// Carries one of them out.
pub(super) async fn carry_out(command: PostgresCommand, json: bool) -> Result<Outcome, Failure> {
    let database = |url: PostgresUrl| Postgres::new(url, Environment::of_process());
    match command {
        PostgresCommand::Init { url } => {
            let prepared = database(url).init().await.map_err(failed)?;
            if json {
                report(&json!({"made_table": prepared.table, "made_index": prepared.index}))?;
            } else {
                talk::say(format_args!("{prepared}"));
            }
        }
        PostgresCommand::List { url, ending_within } => {
            let within = Duration::try_from(ending_within).unwrap_or_default();
            let ending = database(url).ending_soon(within).await.map_err(failed)?;
            if json {
                let rows: Vec<_> = ending.iter().map(|(user, at)| json!({"user_id": user, "expires_at": at})).collect();
                report(&rows)?;
            } else {
                for (user, at) in ending {
                    data(format_args!("{user}  {at}"))?;
                }
            }
        }
    }
    Ok(Outcome::Done)
}

fn failed(error: engine::destinations::postgres::PostgresError) -> Failure {
    Failure::Declined { what: error.to_string(), fix: error.fix() }
}
