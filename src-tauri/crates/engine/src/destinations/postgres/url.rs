//! The address of a database, in both forms that libpq takes: `postgres://USER@HOST:PORT/DATABASE?…` and
//! `host=… user=… dbname=…`. What it says of hosts and sessions is read by tokio-postgres; what that doesn't know is taken
//! out before: the password, which is kept apart, and libpq's words on TLS and on files of passwords.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding;

use super::url_text::{Spelled, Word};
use crate::secret::SecretString;

/// An address of a database, whose password is never shown, nor written down with it. Two are equal that read the same
/// without it.
#[derive(Clone)]
pub struct PostgresUrl {
    /// As it was written, without the password.
    text: String,
    password: Option<SecretString>,
    wishes: Wishes,
}

/// What an address says, but for the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) config: Config,
    pub(super) tls: TlsWishes,
    /// libpq's `passfile`.
    pub(super) passfile: Option<PathBuf>,
    /// Prisma's `schema`, which LiteLLM's addresses may have: where its tables are.
    pub(super) schema: Option<String>,
}

/// What an address says on TLS, as libpq has it (PostgreSQL's manual, 34.1.2 and 34.19).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct TlsWishes {
    pub(super) mode: TlsMode,
    pub(super) roots: Option<Roots>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum TlsMode {
    /// Never.
    Disable,
    /// Only where the server wants it.
    Allow,
    /// Where the server has it.
    #[default]
    Prefer,
    /// Always; the certificate is checked where there are roots to check it with.
    Require,
    /// Always, with a certificate from one of the roots.
    VerifyCa,
    /// Always, with a certificate from one of the roots that names the host.
    VerifyFull,
}

/// libpq's `sslrootcert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// `system`
    System,
    /// A file.
    File(PathBuf),
}

/// Why a text is no address. Holds nothing of the text that could be a part of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("That is no address of a PostgreSQL database: {reason}. Write it as postgres://USER@HOST:PORT/DATABASE.")]
pub struct BadPostgresUrl {
    reason: String,
}

pub(super) fn bad(reason: impl Into<String>) -> BadPostgresUrl {
    BadPostgresUrl { reason: reason.into() }
}

impl PostgresUrl {
    /// The same without its password, and the password, where there is one: for keeping both in different places.
    pub fn without_password(&self) -> (Self, Option<SecretString>) {
        (Self { password: None, ..self.clone() }, self.password.clone())
    }

    /// The same with this password.
    #[must_use]
    pub fn with_password(self, password: SecretString) -> Self {
        Self { password: Some(password), ..self }
    }

    pub(super) fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    pub(super) fn wishes(&self) -> &Wishes {
        &self.wishes
    }
}

impl FromStr for PostgresUrl {
    type Err = BadPostgresUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let spelled = Spelled::read(text)?;
        let mut said = Said::default();
        for (word, value) in spelled.words() {
            said.hear(word, value)?;
        }
        let config: Config =
            spelled.for_tokio(|word| !is_ours(word)).parse().map_err(|error: tokio_postgres::Error| {
                // Nothing of the password is in what was parsed, and of the rest it quotes no values.
                let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                bad(why)
            })?;
        if config.get_password().is_some() {
            return Err(bad("its password is at an unusual place"));
        }
        if config.get_channel_binding() == ChannelBinding::Require {
            return Err(bad("channel_binding=require is not supported; use sslmode=verify-full"));
        }
        let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
        if hosts > 0 && addresses > 0 && hosts != addresses {
            return Err(bad("it has not as many values of hostaddr as of host"));
        }
        let servers = hosts.max(addresses).max(1);
        if config.get_ports().len() > 1 && config.get_ports().len() != servers {
            return Err(bad("it has not as many ports as hosts"));
        }
        let tls = said.tls()?;
        Ok(Self {
            text: spelled.shown(),
            password: spelled.into_password(),
            wishes: Wishes { config, tls, passfile: said.passfile, schema: said.schema },
        })
    }
}

/// What tokio-postgres doesn't know.
#[derive(Default)]
struct Said {
    mode: Option<TlsMode>,
    roots: Option<Roots>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    passfile: Option<PathBuf>,
    schema: Option<String>,
}

/// Words of libpq's that mean something which can't be done here.
const UNSUPPORTED: [&str; 13] = [
    "service",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslcertmode",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "requirepeer",
    "require_auth",
    "krbsrvname",
    "gsslib",
    "requiressl",
    "replication",
];

/// Words that change nothing here: libpq's with no meaning for us, and Prisma's for its pool of connections.
const IGNORED: [&str; 15] = [
    "ssl",
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "gssdelegation",
    "sslcompression",
    "sslsni",
    "connection_limit",
    "pool_timeout",
    "pgbouncer",
    "socket_timeout",
    "statement_cache_size",
    "single_use_connections",
    "max_connection_lifetime",
    "max_idle_connection_lifetime",
];

/// Words that tokio-postgres reads.
const TOKIO_S: [&str; 18] = [
    "user",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "password",
];

fn is_ours(word: &str) -> bool {
    !TOKIO_S.contains(&word)
}

impl Said {
    fn hear(&mut self, word: &Word, value: &str) -> Result<(), BadPostgresUrl> {
        let file = || Some(PathBuf::from(value)).filter(|_| !value.is_empty());
        match &**word {
            "sslmode" => self.mode = Some(mode(value)?),
            // JDBC's, which libpq takes too.
            "ssl" if value == "true" => self.mode = Some(TlsMode::Require),
            "sslrootcert" if value == "system" => self.roots = Some(Roots::System),
            "sslrootcert" => self.roots = file().map(Roots::File),
            "sslcert" => self.certificate = file(),
            "sslkey" => self.key = file(),
            "passfile" => self.passfile = file(),
            "schema" => self.schema = Some(value.to_owned()).filter(|it| !it.is_empty()),
            word if TOKIO_S.contains(&word) || IGNORED.contains(&word) => {}
            word if UNSUPPORTED.contains(&word) => return Err(bad(format!("{word} is not supported"))),
            // Not named, as it may be a piece of a password that was not written as it must be.
            _ => return Err(bad("it has a word that is not known")),
        }
        Ok(())
    }

    fn tls(&mut self) -> Result<TlsWishes, BadPostgresUrl> {
        let (roots, certificate, key) = (self.roots.take(), self.certificate.take(), self.key.take());
        let mode = match (&roots, self.mode) {
            (Some(Roots::System), None | Some(TlsMode::VerifyFull)) => TlsMode::VerifyFull,
            // As anybody can get a certificate from one of the system's roots, for some name.
            (Some(Roots::System), Some(_)) => {
                return Err(bad("sslrootcert=system goes with sslmode=verify-full alone"));
            }
            (_, mode) => mode.unwrap_or_default(),
        };
        Ok(TlsWishes { mode, roots, certificate, key })
    }
}

fn mode(word: &str) -> Result<TlsMode, BadPostgresUrl> {
    Ok(match word {
        "disable" => TlsMode::Disable,
        "allow" => TlsMode::Allow,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => return Err(bad("sslmode is one of disable, allow, prefer, require, verify-ca and verify-full")),
    })
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map_or("", |_| ", password: [redacted]");
        write!(f, "PostgresUrl({:?}{password})", self.text)
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresUrl {}

impl Hash for PostgresUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for PostgresUrl {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PostgresUrl {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl Serialize for PostgresUrl {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PostgresUrl {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
