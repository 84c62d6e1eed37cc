//! `postgres`: LiteLLM's table of tokens made, and who in it has to renew soon.

use std::time::Duration;

use engine::destinations::postgres::{Environment, Postgres};
use engine::settings::Place;
use engine::{Engine, Error};
use serde_json::json;

use super::report;
use crate::args::{Database, PostgresCommand};
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, data};

/// Carries one of them out.
pub(super) async fn carry_out(engine: &Engine, command: PostgresCommand, json: bool) -> Result<Outcome, Failure> {
    match command {
        PostgresCommand::Init { database } => {
            let prepared = reached(engine, database)?.init().await.map_err(failed)?;
            if json {
                report(&json!({"made_table": prepared.table, "made_index": prepared.index}))?;
            } else {
                talk::say(format_args!("{prepared}"));
            }
        }
        PostgresCommand::List { database, ending_within } => {
            let within = Duration::try_from(ending_within).unwrap_or_default();
            let ending = reached(engine, database)?.ending_soon(within).await.map_err(failed)?;
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

fn reached(engine: &Engine, database: Database) -> Result<Postgres, Failure> {
    let url = match database {
        Database::At(url) => *url,
        Database::Of(name) => {
            let settings = engine.settings()?;
            match &settings.destination(name.as_str()).map_err(Error::from)?.place {
                Place::Postgres(place) => place.url.clone(),
                place => {
                    let what = format!("Destination {name} is in no database, but in {place}.");
                    return Err(Failure::Declined { what, fix: "Name another, or the database's address.".to_owned() });
                }
            }
        }
    };
    Ok(Postgres::new(url, Environment::of_process()))
}

fn failed(error: engine::destinations::postgres::PostgresError) -> Failure {
    Failure::Declined { what: error.to_string(), fix: error.fix() }
}
