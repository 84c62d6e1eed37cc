//! A connection to a server, made as libpq makes one: host after host, with or without TLS as `sslmode` says.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error as CallError, NoTls, Socket};

use super::connector::Connector;
use super::environment::Asked;
use super::fault::causes;
use super::url::TlsMode;
use super::{Environment, PostgresError, PostgresUrl, tls};

/// A server that takes longer to let somebody in hangs, or is not there; `connect_timeout` in the address decides
/// otherwise.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A good-bye is read at once, or not at all.
const END_WITHIN: Duration = Duration::from_secs(1);

/// By what name the server's own lists show us.
const NAME: &str = "tokenferry";

/// An open connection, and the task that drives it, which ends with it.
pub(super) struct Session {
    /// Whose calls go over it.
    pub(super) client: Option<Client>,
    /// The server as it is shown.
    pub(super) shown: String,
    task: JoinHandle<()>,
}

impl Session {
    /// Says good-bye, so that the server's log has no complaint about us.
    pub(super) async fn end(mut self) {
        self.client = None;
        let _ = timeout(END_WITHIN, &mut self.task).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One server of an address.
struct Server {
    /// A name, an address, or the folder of a socket.
    host: String,
    config: Config,
    shown: String,
    exposed: Option<PathBuf>,
}

/// Connects to the first server of the address that lets us in.
///
/// # Errors
/// By class; where there are several servers, that of the last one.
pub(super) async fn connect(url: &PostgresUrl, environment: &Environment) -> Result<Session, PostgresError> {
    let wishes = url.wishes();
    let mut failed = None;
    for server in servers(url, environment) {
        let within = wishes.config.get_connect_timeout().copied().unwrap_or(CONNECT_WITHIN);
        let connecting = timeout(within, connect_to(&server, url, environment));
        let error = match connecting.await {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) => error,
            Err(_) => PostgresError::Hangs { shown: server.shown.clone() },
        };
        // libpq asks no further server after one that said no to a password.
        if matches!(error, PostgresError::NotLetIn { .. } | PostgresError::PasswordMissing { .. }) {
            return Err(error);
        }
        failed = Some(error);
    }
    Err(failed.unwrap_or_else(|| PostgresError::NotRunning { shown: url.to_string() }))
}

/// The servers in the address's order. `load_balance_hosts` is left out: one short visit now and then is no load.
fn servers(url: &PostgresUrl, environment: &Environment) -> Vec<Server> {
    let wanted = &url.wishes().config;
    let (hosts, addresses, ports) = (wanted.get_hosts(), wanted.get_hostaddrs(), wanted.get_ports());
    let count = hosts.len().max(addresses.len()).max(1);
    let user = wanted.get_user().or(environment.user.as_deref());
    let database = wanted.get_dbname().or(user).unwrap_or_default();
    (0..count)
        .map(|number| {
            let address = addresses.get(number);
            let host = match hosts.get(number) {
                Some(Host::Tcp(host)) if !host.is_empty() => host.clone(),
                #[cfg(unix)]
                Some(Host::Unix(path)) => path.display().to_string(),
                _ => address.map_or_else(|| environment.host.clone(), ToString::to_string),
            };
            let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
            let mut config = session_of(wanted);
            config.host(&host).port(port).application_name(wanted.get_application_name().unwrap_or(NAME));
            if let Some(address) = address {
                config.hostaddr(*address);
            }
            if let Some(user) = user {
                config.user(user);
            }
            let asked = Asked { host: &host, port, database, user: user.unwrap_or_default() };
            let mut exposed = None;
            let password = url.password().cloned().or_else(|| {
                let found = environment.password(url.wishes().passfile.as_deref(), asked);
                exposed = found.exposed;
                found.password
            });
            if let Some(password) = password {
                config.password(password.expose());
            }
            let shown = if is_socket(&host) { format!("{host}/.s.PGSQL.{port}") } else { format!("{host}:{port}") };
            Server { host, config, shown, exposed }
        })
        .collect()
}

/// What an address says of the session, without its hosts and its password.
fn session_of(wanted: &Config) -> Config {
    let mut config = Config::new();
    config
        .keepalives(wanted.get_keepalives())
        .keepalives_idle(wanted.get_keepalives_idle())
        .ssl_negotiation(wanted.get_ssl_negotiation())
        .target_session_attrs(wanted.get_target_session_attrs())
        .channel_binding(wanted.get_channel_binding());
    if let Some(database) = wanted.get_dbname() {
        config.dbname(database);
    }
    if let Some(options) = wanted.get_options() {
        config.options(options);
    }
    if let Some(interval) = wanted.get_keepalives_interval() {
        config.keepalives_interval(interval);
    }
    if let Some(retries) = wanted.get_keepalives_retries() {
        config.keepalives_retries(retries);
    }
    if let Some(within) = wanted.get_tcp_user_timeout() {
        config.tcp_user_timeout(*within);
    }
    config
}

fn is_socket(host: &str) -> bool {
    cfg!(unix) && host.starts_with('/')
}

/// How an attempt to connect is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// With TLS where the server has it.
    Either,
    Tls,
}

/// The ways to try, in this order. A socket has no TLS, whatever the mode.
fn ways(mode: TlsMode, is_socket: bool) -> &'static [Way] {
    match mode {
        _ if is_socket => &[Way::Plain],
        TlsMode::Disable => &[Way::Plain],
        TlsMode::Allow => &[Way::Plain, Way::Tls],
        TlsMode::Prefer => &[Way::Either, Way::Plain],
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => &[Way::Tls],
    }
}

async fn connect_to(server: &Server, url: &PostgresUrl, environment: &Environment) -> Result<Session, PostgresError> {
    let mut failed: Option<PostgresError> = None;
    for way in ways(url.wishes().tls.mode, is_socket(&server.host)) {
        let (error, is_about_tls) = match attempt(server, *way, url, environment).await? {
            Ok(session) => return Ok(session),
            Err(error) => (judge(&error, server), is_about_tls(&error)),
        };
        // Of a second way that failed too, the first one's failure tells more.
        let error = failed.get_or_insert(error);
        if !is_about_tls {
            return Err(error.clone());
        }
    }
    Err(failed.unwrap_or_else(|| PostgresError::NotRunning { shown: server.shown.clone() }))
}

async fn attempt(
    server: &Server,
    way: Way,
    url: &PostgresUrl,
    environment: &Environment,
) -> Result<Result<Session, CallError>, PostgresError> {
    let mut config = server.config.clone();
    config.ssl_mode(match way {
        Way::Plain => SslMode::Disable,
        Way::Either => SslMode::Prefer,
        Way::Tls => SslMode::Require,
    });
    if way == Way::Plain {
        return Ok(open(&config, NoTls, &server.shown).await);
    }
    let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
    let settings = tls::settings(&url.wishes().tls, environment.papers.as_deref(), is_direct)?;
    Ok(open(&config, Connector(settings), &server.shown).await)
}

async fn open<T>(config: &Config, tls: T, shown: &str) -> Result<Session, CallError>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    // What breaks it is told to whoever waits for an answer.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Session { client: Some(client), shown: shown.to_owned(), task })
}

/// Whether the other way, with TLS or without, may be let in: the server's list of who may come tells them apart.
fn is_about_tls(error: &CallError) -> bool {
    match error.as_db_error() {
        Some(said) => said.code() == &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => causes(error).any(<dyn std::error::Error>::is::<rustls::Error>),
    }
}

/// tokio-postgres tells these two by words of its own alone; the tests hold them.
fn judge(error: &CallError, server: &Server) -> PostgresError {
    let shown = server.shown.clone();
    match causes(error).last().map(ToString::to_string).as_deref() {
        Some("password missing") => PostgresError::PasswordMissing { shown, exposed: server.exposed.clone() },
        Some("server does not support TLS") => PostgresError::NoTls { shown },
        _ => PostgresError::from_call(error, &shown, None),
    }
}
