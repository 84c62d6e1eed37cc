//! What goes wrong between us and a PostgreSQL server, told apart by its class: the kind of a failed connection, or the
//! server's SQLSTATE, and never by a text of the server's, which comes in its own language.

use std::io;
use std::path::PathBuf;

use tokio_postgres::Error as CallError;
use tokio_postgres::error::{DbError, SqlState};

use crate::destinations::{ComposeError, NextStep};
use crate::given_key::NotGiven;

/// Why a table can't be delivered to. `Display` says what happened, [`fix`](Self::fix) what to do. Neither has a password,
/// a token or a value of a row in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    /// Nobody listens there, or the server is starting or stopping.
    #[error("PostgreSQL does not run at {shown}.")]
    NotRunning {
        /// The server as it is shown.
        shown: String,
    },
    /// The host is not known, or no way leads to it.
    #[error("PostgreSQL at {shown} can't be reached: {reason}.")]
    Unreachable {
        /// The server as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("PostgreSQL at {shown} does not answer.")]
    Hangs {
        /// The server as it is shown.
        shown: String,
    },
    /// Cut off, or no answer of a PostgreSQL.
    #[error("The connection to PostgreSQL at {shown} broke: {reason}.")]
    Broken {
        /// The server as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// The encrypted connection can't be made.
    #[error("The encrypted connection to PostgreSQL at {shown} failed: {reason}.")]
    Tls {
        /// The server as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// `sslmode` asks for an encrypted connection, and the server has none.
    #[error("PostgreSQL at {shown} has no encrypted connections, and sslmode asks for one.")]
    NoTls {
        /// The server as it is shown.
        shown: String,
    },
    /// A certificate or key that can't be used.
    #[error("{} can't be used for the connection to PostgreSQL: {reason}.", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The server wants a password, and there is none.
    #[error("PostgreSQL at {shown} wants a password, and none was given.{}", passed_over(exposed.as_ref()))]
    PasswordMissing {
        /// The server as it is shown.
        shown: String,
        /// The file of passwords that was passed over, as others can read it.
        exposed: Option<PathBuf>,
    },
    /// The server does not let this user in.
    #[error("PostgreSQL at {shown} does not let you in: {reason}.")]
    NotLetIn {
        /// The server as it is shown.
        shown: String,
        /// What it said.
        reason: String,
    },
    /// There is no such database.
    #[error("There is no such database on PostgreSQL at {shown}.")]
    DatabaseMissing {
        /// The server as it is shown.
        shown: String,
    },
    /// The user may not do this in the database.
    #[error("This PostgreSQL user may not do that: {reason}.")]
    Forbidden {
        /// What the server said.
        reason: String,
    },
    /// The server takes no writes: it is a standby, or set so.
    #[error("PostgreSQL at {shown} can only be read.")]
    ReadOnly {
        /// The server as it is shown.
        shown: String,
    },
    /// No room on its disk, no memory, or too many connections.
    #[error("PostgreSQL at {shown} has no room: {reason}.")]
    Full {
        /// The server as it is shown.
        shown: String,
        /// What it said.
        reason: String,
    },
    /// There is no table of tokens.
    #[error("The database has no table \"LiteLLM_ClaudeOAuthTokens\".")]
    TableMissing,
    /// There is no table of users, which that of tokens refers to.
    #[error("The database has no table \"LiteLLM_UserTable\", which comes with LiteLLM.")]
    UserTableMissing,
    /// The table is not as it should be.
    #[error("The table \"LiteLLM_ClaudeOAuthTokens\" is another than expected: {reason}.")]
    TableDiffers {
        /// What is wrong with it.
        reason: String,
    },
    /// The user is not in the table of users.
    #[error("LiteLLM has no user \"{user}\".")]
    UserMissing {
        /// The user's id.
        user: String,
    },
    /// Somebody else holds the row for long.
    #[error("The row of the user \"{user}\" is in use by somebody else.")]
    Locked {
        /// The user's id.
        user: String,
    },
    /// There is no key to encrypt with.
    #[error("There is no key to encrypt tokens with.")]
    KeyMissing,
    /// A key was given that can't be had.
    #[error(transparent)]
    KeyNotGiven(#[from] NotGiven),
    /// A key that is none.
    #[error("That is no encryption key: {reason}.")]
    KeyMalformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The row was encrypted with another key, or is damaged. It was not touched.
    #[error("The row of the user \"{user}\" can't be decrypted with the key {key}.")]
    WrongKey {
        /// The user's id.
        user: String,
        /// The key's name, which tells nothing of it.
        key: String,
    },
    /// The row that is there can't be worked with. It was not touched.
    #[error("The row of the user \"{user}\" can't be changed safely: {reason}.")]
    NotUnderstood {
        /// The user's id.
        user: String,
        /// Why.
        reason: ComposeError,
    },
    /// What a format made is no row.
    #[error("That can't be put into the row of the user \"{user}\": {reason}.")]
    NoRow {
        /// The user's id.
        user: String,
        /// Why, without a word of it.
        reason: String,
    },
    /// A row has no other files.
    #[error("\"{path}\" can't be kept in PostgreSQL, where each user has a row.")]
    NoSuchFile {
        /// As given.
        path: String,
    },
    /// Somebody else wrote to the row each time, between looking and writing.
    #[error("The row of the user \"{user}\" keeps changing.")]
    KeepsChanging {
        /// The user's id.
        user: String,
    },
    /// It was written, but something else was read back.
    #[error("The row of the user \"{user}\" was written, but what is there now is something else.")]
    NotAsWritten {
        /// The user's id.
        user: String,
    },
    /// The server answered that it can't, in a way that has no sentence of its own.
    #[error("PostgreSQL at {shown} refused: {reason}.")]
    Refused {
        /// The server as it is shown.
        shown: String,
        /// What it said, with the SQLSTATE.
        reason: String,
    },
}

fn passed_over(exposed: Option<&PathBuf>) -> String {
    exposed.map_or_else(String::new, |path| format!(" {} was passed over, as others can read it.", path.display()))
}

impl PostgresError {
    /// The class of a failure while connecting, or of a call. `user` is whose row it was about, where it was about one.
    pub(super) fn from_call(error: &CallError, shown: &str, user: Option<&str>) -> Self {
        let shown = shown.to_owned();
        if let Some(said) = error.as_db_error() {
            return Self::from_answer(said, shown, user);
        }
        for cause in causes(error) {
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Self::Tls { shown, reason: super::tls::reason(error) };
            }
        }
        let error_at_top = error.to_string();
        let reason = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        for cause in causes(error) {
            let Some(error) = cause.downcast_ref::<io::Error>() else { continue };
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NotRunning { shown },
                io::ErrorKind::TimedOut => Self::Hangs { shown },
                // A name that is not known has no kind of its own; that there is no connection yet says enough.
                _ if error_at_top == CONNECTING => Self::Unreachable { shown, reason },
                _ => Self::Broken { shown, reason },
            };
        }
        Self::Broken { shown, reason }
    }

    /// The class of the server's own answer. Of that answer only the message is used: the detail quotes rows.
    fn from_answer(said: &DbError, shown: String, user: Option<&str>) -> Self {
        let (code, reason) = (said.code(), said.message().trim_end_matches('.').to_owned());
        let user = || user.unwrap_or_default().to_owned();
        match code {
            &SqlState::CANNOT_CONNECT_NOW | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN => {
                Self::NotRunning { shown }
            }
            &SqlState::INVALID_CATALOG_NAME => Self::DatabaseMissing { shown },
            &SqlState::INSUFFICIENT_PRIVILEGE => Self::Forbidden { reason },
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly { shown },
            &SqlState::UNDEFINED_TABLE => Self::TableMissing,
            &SqlState::UNDEFINED_COLUMN
            | &SqlState::DATATYPE_MISMATCH
            | &SqlState::NOT_NULL_VIOLATION
            | &SqlState::INVALID_COLUMN_REFERENCE => Self::TableDiffers { reason },
            &SqlState::FOREIGN_KEY_VIOLATION => Self::UserMissing { user: user() },
            &SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE => Self::Locked { user: user() },
            code => match code.code().get(..2) {
                Some("28") => Self::NotLetIn { shown, reason },
                Some("53") => Self::Full { shown, reason },
                _ => Self::Refused { shown, reason: format!("{reason} ({})", code.code()) },
            },
        }
    }

    /// Whether it is the line that broke, or the server that went: the next row may do better on a new line.
    pub(super) fn ends_the_line(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::NotRunning { .. } | Self::Unreachable { .. } | Self::Hangs { .. })
    }

    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRunning { .. } => "postgres_not_running",
            Self::Unreachable { .. } => "postgres_unreachable",
            Self::Hangs { .. } => "postgres_hangs",
            Self::Broken { .. } => "postgres_broken",
            Self::Tls { .. } => "postgres_tls",
            Self::NoTls { .. } => "postgres_without_tls",
            Self::TlsFile { .. } => "postgres_tls_file",
            Self::PasswordMissing { .. } => "postgres_password_missing",
            Self::NotLetIn { .. } => "postgres_not_let_in",
            Self::DatabaseMissing { .. } => "postgres_database_missing",
            Self::Forbidden { .. } => "postgres_forbids",
            Self::ReadOnly { .. } => "postgres_read_only",
            Self::Full { .. } => "postgres_full",
            Self::TableMissing => "postgres_table_missing",
            Self::UserTableMissing => "postgres_user_table_missing",
            Self::TableDiffers { .. } => "postgres_table_differs",
            Self::UserMissing { .. } => "postgres_user_missing",
            Self::Locked { .. } => "postgres_row_locked",
            Self::KeyMissing => "encryption_key_missing",
            Self::KeyNotGiven(why) => why.code(),
            Self::KeyMalformed { .. } => "encryption_key_malformed",
            Self::WrongKey { .. } => "encryption_key_wrong",
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => "foreign",
            Self::NotUnderstood { .. } => "row_not_understood",
            Self::NoRow { .. } => "no_row",
            Self::NoSuchFile { .. } => "bad_path",
            Self::KeepsChanging { .. } => "row_keeps_changing",
            Self::NotAsWritten { .. } => "not_as_written",
            Self::Refused { .. } => "postgres_refused",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            Self::NotRunning { .. }
            | Self::Unreachable { .. }
            | Self::Hangs { .. }
            | Self::Broken { .. }
            | Self::Full { .. }
            | Self::Locked { .. }
            | Self::KeepsChanging { .. }
            | Self::NotAsWritten { .. }
            | Self::Refused { .. } => NextStep::TryAgain,
            Self::Tls { .. }
            | Self::NoTls { .. }
            | Self::TlsFile { .. }
            | Self::PasswordMissing { .. }
            | Self::NotLetIn { .. }
            | Self::DatabaseMissing { .. }
            | Self::Forbidden { .. }
            | Self::ReadOnly { .. }
            | Self::TableMissing
            | Self::UserTableMissing
            | Self::TableDiffers { .. }
            | Self::UserMissing { .. }
            | Self::KeyMissing
            | Self::KeyNotGiven(_)
            | Self::KeyMalformed { .. }
            | Self::WrongKey { .. }
            | Self::NotUnderstood { .. }
            | Self::NoRow { .. }
            | Self::NoSuchFile { .. } => NextStep::AskUser,
        }
    }

    /// Whether it says that no copy of ours is there: none that was to be taken away is left.
    pub fn is_without_copy(&self) -> bool {
        matches!(
            self,
            Self::DatabaseMissing { .. }
                | Self::TableMissing
                | Self::UserTableMissing
                | Self::UserMissing { .. }
                | Self::NotUnderstood { .. }
        )
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NotRunning { .. } => "Start it, or look at the host and the port; delivery follows.".to_owned(),
            Self::Unreachable { .. } => "Look at the host's name and at the network; it is tried again.".to_owned(),
            Self::Hangs { .. } => "Look at the server if it stays like this; it is tried again.".to_owned(),
            Self::Broken { .. } | Self::KeepsChanging { .. } => "Nothing yet; it is tried again.".to_owned(),
            Self::Tls { .. } => {
                "Check sslrootcert, and that the certificate names the host that the URL names.".to_owned()
            }
            Self::NoTls { .. } => {
                "Turn `ssl` on in postgresql.conf, or choose another sslmode if the way there is safe.".to_owned()
            }
            Self::TlsFile { .. } => "Mend the file, or name another one in the URL.".to_owned(),
            Self::PasswordMissing { exposed: Some(path), .. } => {
                format!("Close it to others with \"chmod 600 {}\".", path.display())
            }
            Self::PasswordMissing { exposed: None, .. } => {
                "Put it into ~/.pgpass, or give it in the URL or in PGPASSWORD.".to_owned()
            }
            Self::NotLetIn { .. } => {
                "Check the user, the password and the database; the server's pg_hba.conf says who may come.".to_owned()
            }
            Self::DatabaseMissing { .. } => "Name the database that LiteLLM uses, at the URL's end.".to_owned(),
            Self::Forbidden { .. } => {
                "Ask for the rights that docs/postgres.md lists, or use the user that LiteLLM uses.".to_owned()
            }
            Self::ReadOnly { .. } => {
                "Name the primary server; with several hosts, add target_session_attrs=read-write.".to_owned()
            }
            Self::Full { .. } => "Make room there; it is tried again.".to_owned(),
            Self::TableMissing => "Make it with `tokenferry postgres init`.".to_owned(),
            Self::UserTableMissing => {
                "Name the database that LiteLLM uses, after starting LiteLLM once, which makes it.".to_owned()
            }
            Self::TableDiffers { .. } => {
                "Compare it with docs/postgres.md; `tokenferry postgres init` changes no table that is there."
                    .to_owned()
            }
            Self::UserMissing { .. } => {
                "Add the user in LiteLLM first (POST /user/new with this user_id), or give another --user-id."
                    .to_owned()
            }
            Self::Locked { .. } => "See what holds it in pg_stat_activity; it is tried again.".to_owned(),
            Self::KeyMissing => format!("Set CLAUDE_TOKEN_ENCRYPTION_KEY to the key that readers have. {HOW_TO_MAKE}"),
            Self::KeyNotGiven(why) => why.fix(),
            Self::KeyMalformed { .. } => HOW_TO_MAKE.to_owned(),
            Self::WrongKey { .. } => {
                "Use the key that it was written with, or delete the row if nobody needs it; it was left alone."
                    .to_owned()
            }
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => {
                "If it may go, deliver with `tokenferry sync NAME --replace`; it was left alone.".to_owned()
            }
            Self::NotUnderstood { .. } => "Delete the row if nobody needs it; it was left alone.".to_owned(),
            Self::NoRow { .. } | Self::NoSuchFile { .. } => {
                "Choose the format litellm-row, which is made for this table.".to_owned()
            }
            Self::NotAsWritten { .. } => "See what else writes to this table; it is tried again.".to_owned(),
            Self::Refused { .. } => "Look at the server's log; it is tried again.".to_owned(),
        }
    }
}

/// tokio-postgres' word for what fails before there is a connection; the tests hold it.
const CONNECTING: &str = "error connecting to server";

/// For whoever has no key yet.
const HOW_TO_MAKE: &str = "Make one with: openssl rand -base64 32 | tr '+/' '-_'";

/// An error and what caused it, outermost first. An error of the system's may be one of ours in its clothes.
pub(super) fn causes<'a>(error: &'a CallError) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| {
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        within.map(|within| within as &(dyn std::error::Error + 'static)).or_else(|| error.source())
    })
}
