//! What is done within one transaction, and bounded in time: a user's row is read, written, taken away, read back.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error as CallError, IsolationLevel, Transaction};

use super::row::{FILE, Row, Sealed};
use super::session::Session;
use super::{EncryptionKey, PostgresError, statements};
use crate::destinations::{Change, Compose, FileReceipt, Outcome};
use crate::secret::SecretBytes;

/// A statement takes milliseconds; one that takes longer waits for a row that somebody else holds.
const STATEMENT_WITHIN: Duration = Duration::from_secs(5);
/// For a server that doesn't answer at all: longer than its own bound, so that its own word comes first where there is one.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// If this machine falls asleep amid a transaction, the server lets go of the row by itself.
const ABANDONED_AFTER: Duration = Duration::from_secs(30);
/// How often a row is looked at anew that somebody else changed in between.
const ATTEMPTS: usize = 5;

/// Somebody's row, and with which key it is read and written.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) user: &'a str,
    pub(super) schema: Option<&'a str>,
    pub(super) key: &'a EncryptionKey,
}

/// A failure, and whether a copy may lie there all the same: what was sent to be kept, and not answered.
pub(super) struct Failed {
    pub(super) error: PostgresError,
    pub(super) uncertain: bool,
}

/// A row as it stands in the table.
struct Stored {
    access_token: Sealed,
    refresh_token: Option<Sealed>,
    expires_at: Option<i64>,
    scopes: Option<Vec<String>>,
}

/// What came of one attempt.
enum Attempted {
    Done(Outcome, Option<Row>),
    /// Somebody else was there in between.
    Again,
}

/// Begins a transaction with bounds of its own.
pub(super) async fn begin<'a>(client: &'a mut Client, schema: Option<&str>) -> Result<Transaction<'a>, CallError> {
    let milliseconds = |bound: Duration| bound.as_millis().to_string();
    let transaction =
        client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).read_only(false).start().await?;
    let (statement, idle) = (milliseconds(STATEMENT_WITHIN), milliseconds(ABANDONED_AFTER));
    let bounds = [(&statement as _, Type::TEXT), (&idle as _, Type::TEXT), (&schema as _, Type::TEXT)];
    transaction.query_typed(statements::BEGIN, &bounds).await?;
    Ok(transaction)
}

/// Bounds what is done over a session, and says whose failure it was.
pub(super) async fn within<T>(
    shown: &str,
    work: impl Future<Output = Result<T, PostgresError>>,
) -> Result<T, PostgresError> {
    timeout(ANSWER_WITHIN, work).await.unwrap_or_else(|_| Err(PostgresError::Hangs { shown: shown.to_owned() }))
}

/// The session's client; it has one until it ends.
pub(super) fn client(session: &mut Session) -> Result<&mut Client, PostgresError> {
    let shown = &session.shown;
    session
        .client
        .as_mut()
        .ok_or_else(|| PostgresError::Broken { shown: shown.clone(), reason: "it has ended".to_owned() })
}

impl Errand<'_> {
    /// Looks at the row.
    pub(super) async fn look(self, session: &mut Session) -> Result<Option<SecretBytes>, PostgresError> {
        let shown = session.shown.clone();
        let work = async {
            let transaction = begin(client(session)?, self.schema).await.map_err(|error| self.judge(&error, &shown))?;
            let stored =
                read(&transaction, statements::READ, self.user).await.map_err(|error| self.judge(&error, &shown))?;
            stored.map(|stored| self.opened(&stored)).transpose()
        };
        Ok(within(&shown, work).await?.map(|row| row.to_json()))
    }

    /// Does with the row what is composed, and reads it back.
    pub(super) async fn carry(self, session: &mut Session, compose: &Compose) -> Result<FileReceipt, Failed> {
        for _ in 0..ATTEMPTS {
            let shown = session.shown.clone();
            let mut committing = false;
            let attempted = within(&shown, self.attempt(session, compose, &mut committing)).await;
            match attempted {
                Ok(Attempted::Done(outcome, row)) => return Ok(receipt(outcome, row.as_ref())),
                Ok(Attempted::Again) => {}
                Err(error) => return Err(Failed { error, uncertain: committing }),
            }
        }
        let error = PostgresError::KeepsChanging { user: self.user.to_owned() };
        Err(Failed { error, uncertain: false })
    }

    async fn attempt(
        self,
        session: &mut Session,
        compose: &Compose,
        committing: &mut bool,
    ) -> Result<Attempted, PostgresError> {
        let shown = session.shown.clone();
        let client = client(session)?;
        let judged = |error: CallError| self.judge(&error, &shown);
        let transaction = begin(client, self.schema).await.map_err(judged)?;
        let stored = read(&transaction, statements::READ_TO_WRITE, self.user).await.map_err(judged)?;
        let existing = stored.as_ref().map(|stored| self.opened(stored)).transpose()?;
        let json = existing.as_ref().map(Row::to_json);
        let change = compose(json.as_ref().map(SecretBytes::expose))
            .map_err(|reason| PostgresError::NotUnderstood { user: self.user.to_owned(), reason })?;
        let wanted = match (change, &stored) {
            (Change::Write(content), _) => Some(
                Row::to_write(content.expose())
                    .map_err(|reason| PostgresError::NoRow { user: self.user.to_owned(), reason: reason.to_owned() })?,
            ),
            (Change::Remove, Some(_)) => None,
            (_, Some(_)) => return Ok(Attempted::Done(Outcome::Kept, existing)),
            (_, None) => return Ok(Attempted::Done(Outcome::Absent, None)),
        };
        let done = match (&wanted, &stored) {
            (Some(wanted), stored) => self.write(&transaction, wanted, stored.as_ref(), existing.as_ref()).await,
            (None, Some(stored)) => self.remove(&transaction, stored).await,
            (None, None) => Ok(0),
        };
        match done {
            Ok(0) => return Ok(Attempted::Again),
            Ok(_) => {}
            Err(error) if is_a_clash(&error) => return Ok(Attempted::Again),
            Err(error) => return Err(judged(error)),
        }
        *committing = true;
        if let Err(error) = transaction.commit().await {
            // Its own "no" is an answer; anything else leaves it open.
            *committing = error.as_db_error().is_none();
            return Err(judged(error));
        }
        let transaction = begin(client, self.schema).await.map_err(judged)?;
        let stored = read(&transaction, statements::READ, self.user).await.map_err(judged)?;
        let there = stored.map(|stored| self.opened(&stored)).transpose()?;
        if there != wanted {
            return Err(PostgresError::NotAsWritten { user: self.user.to_owned() });
        }
        Ok(Attempted::Done(if wanted.is_some() { Outcome::Written } else { Outcome::Removed }, there))
    }

    async fn write(
        self,
        transaction: &Transaction<'_>,
        wanted: &Row,
        stored: Option<&Stored>,
        existing: Option<&Row>,
    ) -> Result<u64, CallError> {
        let sealed = Sealed(self.key.encrypt(&wanted.access_token, Timestamp::now()));
        let is_renewed = existing.is_some_and(|existing| existing.access_token != wanted.access_token);
        let renewals = i32::from(is_renewed);
        let ends = wanted.expires_at.unwrap_or_default();
        let (access_token, refresh_token) =
            (stored.map(|it| &it.access_token), stored.and_then(|it| it.refresh_token.as_ref()));
        let parameters = [
            (&self.user as _, Type::TEXT),
            (&sealed as _, Type::TEXT),
            (&ends as _, Type::INT8),
            (&wanted.scopes as _, Type::TEXT_ARRAY),
            (&renewals as _, Type::INT4),
            (&access_token as _, Type::TEXT),
            (&refresh_token as _, Type::TEXT),
        ];
        transaction.execute_typed(statements::WRITE, &parameters).await
    }

    async fn remove(self, transaction: &Transaction<'_>, stored: &Stored) -> Result<u64, CallError> {
        let parameters = [
            (&self.user as _, Type::TEXT),
            (&stored.access_token as _, Type::TEXT),
            (&stored.refresh_token as _, Type::TEXT),
        ];
        transaction.execute_typed(statements::REMOVE, &parameters).await
    }

    fn opened(self, stored: &Stored) -> Result<Row, PostgresError> {
        let opened = |sealed: &Sealed| {
            self.key
                .decrypt(&sealed.0)
                .ok_or_else(|| PostgresError::WrongKey { user: self.user.to_owned(), key: self.key.name().to_owned() })
        };
        Ok(Row {
            access_token: opened(&stored.access_token)?,
            refresh_token: stored.refresh_token.as_ref().map(opened).transpose()?,
            expires_at: stored.expires_at,
            scopes: stored.scopes.clone(),
        })
    }

    fn judge(self, error: &CallError, shown: &str) -> PostgresError {
        PostgresError::from_call(error, shown, Some(self.user))
    }
}

async fn read(transaction: &Transaction<'_>, statement: &str, user: &str) -> Result<Option<Stored>, CallError> {
    let Some(row) = transaction.query_typed_opt(statement, &[(&user as _, Type::TEXT)]).await? else {
        return Ok(None);
    };
    let scopes: Option<Vec<Option<String>>> = row.try_get(3)?;
    Ok(Some(Stored {
        access_token: Sealed(row.try_get(0)?),
        refresh_token: row.try_get::<_, Option<String>>(1)?.map(Sealed),
        expires_at: row.try_get(2)?,
        scopes: scopes.map(|scopes| scopes.into_iter().flatten().collect()),
    }))
}

/// Whether two got in each other's way, of whom one has to begin anew.
fn is_a_clash(error: &CallError) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

fn receipt(outcome: Outcome, row: Option<&Row>) -> FileReceipt {
    FileReceipt {
        path: FILE.to_owned(),
        outcome,
        owner: None,
        mode: None,
        size: row.and_then(|row| u64::try_from(row.to_json().expose().len()).ok()),
        entries_at_top: 0,
        read_back_at: Timestamp::now(),
    }
}
