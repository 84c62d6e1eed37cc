//! What of a process's surroundings libpq goes by where an address leaves it open: the password, files in the user's home,
//! the user's name and the folder of the server's socket.

use std::path::{Path, PathBuf};

use super::passfile;
use crate::secret::SecretString;

/// Where a server of this machine has its socket: Debian's folder, and PostgreSQL's own.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// What of the process's surroundings says how a database is reached.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `PGPASSWORD`
    pub password: Option<SecretString>,
    /// `PGPASSFILE`, else `.pgpass` in the user's home (`%APPDATA%\postgresql\pgpass.conf` on Windows).
    pub passfile: Option<PathBuf>,
    /// `.postgresql` in the user's home (`%APPDATA%\postgresql` on Windows), for certificates that no address names.
    pub papers: Option<PathBuf>,
    /// The user's name on this machine, which is the database's user where the address names none.
    pub user: Option<String>,
    /// The host where the address names none: on Unix the folder of the server's socket.
    pub host: String,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let (papers, passfile) = if cfg!(windows) {
            let papers = text("APPDATA").map(|folder| Path::new(&folder).join("postgresql"));
            (papers.clone(), papers.map(|folder| folder.join("pgpass.conf")))
        } else {
            (home.as_ref().map(|home| home.join(".postgresql")), home.map(|home| home.join(".pgpass")))
        };
        Self {
            password: text("PGPASSWORD").map(SecretString::new),
            passfile: text("PGPASSFILE").map(PathBuf::from).or(passfile),
            papers,
            user: text("USER").or_else(|| text("USERNAME")),
            host: usual_host(),
        }
    }
}

fn usual_host() -> String {
    let there = SOCKETS.into_iter().find(|folder| cfg!(unix) && Path::new(folder).is_dir());
    there.unwrap_or("localhost").to_owned()
}

/// The password for a server, and the file that was passed over on the way, as others can read it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Password {
    pub(super) password: Option<SecretString>,
    pub(super) exposed: Option<PathBuf>,
}

/// Whom a line of a file of passwords is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

impl Environment {
    /// libpq's order: `PGPASSWORD`, then the file. `passfile` is the address's own, in place of the usual one.
    pub(super) fn password(&self, passfile: Option<&Path>, asked: Asked<'_>) -> Password {
        if let Some(password) = &self.password {
            return Password { password: Some(password.clone()), exposed: None };
        }
        // The usual folder of sockets stands as `localhost` in the file; others by their path.
        let host = if SOCKETS.contains(&asked.host) { "localhost" } else { asked.host };
        match passfile.or(self.passfile.as_deref()) {
            Some(file) => passfile::password(file, Asked { host, ..asked }),
            None => Password::default(),
        }
    }
}
