//! The table itself: made where it is missing, and asked whose tokens end soon.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::session::Session;
use super::work::{begin, client, within};
use super::{Postgres, PostgresError, statements};

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Prepared {
    /// The table.
    pub table: bool,
    /// Its index on the tokens' ends.
    pub index: bool,
}

impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.table, self.index) {
            (true, _) => "Made the table \"LiteLLM_ClaudeOAuthTokens\", and its index on expires_at.",
            (false, true) => "Made the index on expires_at; the table was there already.",
            (false, false) => "Everything was there already.",
        })
    }
}

impl Postgres {
    /// Makes what is missing: the table of tokens, and its index. What is there stays as it is. Needs no key.
    ///
    /// # Errors
    /// [`PostgresError::UserTableMissing`] where LiteLLM's own table is absent, to which the new one refers;
    /// [`PostgresError::TableDiffers`] where there is a table of that name which is another.
    pub async fn init(&self) -> Result<Prepared, PostgresError> {
        let mut session = self.connect().await?;
        let prepared = self.prepare(&mut session).await;
        session.end().await;
        prepared
    }

    async fn prepare(&self, session: &mut Session) -> Result<Prepared, PostgresError> {
        let shown = session.shown.clone();
        let judged = |error| PostgresError::from_call(&error, &shown, None);
        let work = async {
            let transaction = begin(client(session)?, self.schema()).await.map_err(judged)?;
            transaction.query_typed(statements::ONE_AT_A_TIME, &[]).await.map_err(judged)?;
            let columns = &statements::COLUMNS[..];
            let seen = transaction.query_typed_one(statements::LOOK, &[(&columns as _, Type::TEXT_ARRAY)]).await;
            let seen = seen.map_err(judged)?;
            let there = |number: usize| seen.try_get::<_, bool>(number).map_err(judged);
            if !there(0)? {
                return Err(PostgresError::UserTableMissing);
            }
            let (table, index) = (!there(1)?, !there(2)?);
            if !table {
                let missing: Vec<String> = seen.try_get(3).map_err(judged)?;
                check(&missing, there(4)?)?;
            }
            for (_, statement) in
                [(table, statements::MAKE_TABLE), (index, statements::MAKE_INDEX)].iter().filter(|(is, _)| *is)
            {
                transaction.batch_execute(statement).await.map_err(judged)?;
            }
            transaction.commit().await.map_err(judged)?;
            Ok(Prepared { table, index })
        };
        within(&shown, work).await
    }

    /// Whose tokens have ended or end within this time, the next one first. Needs no key: ends are not encrypted.
    ///
    /// # Errors
    /// By class, see [`PostgresError`].
    pub async fn ending_soon(&self, within: Duration) -> Result<Vec<(String, Timestamp)>, PostgresError> {
        let mut session = self.connect().await?;
        let ending = self.ending(&mut session, within).await;
        session.end().await;
        ending
    }

    async fn ending(&self, session: &mut Session, soon: Duration) -> Result<Vec<(String, Timestamp)>, PostgresError> {
        let shown = session.shown.clone();
        let judged = |error| PostgresError::from_call(&error, &shown, None);
        // A year of "soon" is all of them, and PostgreSQL's intervals end somewhere too.
        let soon = soon.min(LONGEST).as_secs_f64();
        let work = async {
            let transaction = begin(client(session)?, self.schema()).await.map_err(judged)?;
            let rows = transaction.query_typed(statements::ENDING, &[(&soon as _, Type::FLOAT8)]).await;
            let told = rows.map_err(judged)?.into_iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?)));
            told.collect::<Result<Vec<_>, _>>().map_err(judged)
        };
        let told = within(&shown, work).await?;
        // An end that jiff doesn't know is thousands of years away.
        Ok(told.into_iter().filter_map(|(user, ends)| Some((user, Timestamp::from_second(ends).ok()?))).collect())
    }
}

const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn check(missing: &[String], one_row_each: bool) -> Result<(), PostgresError> {
    let reason = if !missing.is_empty() {
        format!("it lacks {}", missing.join(", "))
    } else if !one_row_each {
        "its user_id is not unique".to_owned()
    } else {
        return Ok(());
    };
    Err(PostgresError::TableDiffers { reason })
}
