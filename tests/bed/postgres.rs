//! A private cluster of the system's real PostgreSQL, with LiteLLM's table of users in it: in a temporary folder, on a port
//! of the loopback and a socket of its own. It does not run as root, which PostgreSQL refuses.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// It starts in half a second; this is for a machine on which everything is built at once.
const START: Duration = Duration::from_secs(30);
/// An immediate shutdown is one; after that it is killed.
const STOP: Duration = Duration::from_secs(10);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// The database's user and database of LiteLLM's, and the user's password.
pub const LITELLM: &str = "litellm";
/// The password of that user: who comes by the port is asked for it, who comes by the socket is not.
pub const PASSWORD: &str = "canary-database-password";

/// What LiteLLM makes of its table of users that matters here.
const USER_TABLE: &str = r#"CREATE TABLE "LiteLLM_UserTable" (user_id text PRIMARY KEY, user_email text)"#;

/// A running server. It ends on drop, and with the test's process.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    server: Child,
}

impl Cluster {
    /// Starts one, with a database in which LiteLLM has its table of users, without a user.
    ///
    /// # Panics
    /// Where there is no PostgreSQL; says what to do.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Self::start_empty();
        cluster.sql(USER_TABLE);
        cluster
    }

    /// Starts one in which LiteLLM was never started.
    ///
    /// # Panics
    /// Where there is no PostgreSQL; says what to do.
    #[must_use]
    pub fn start_empty() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("tokenferry-postgres-").tempdir().expect("a folder");
        own(folder.path());
        let data = folder.path().join("data");
        let made = as_user(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=root", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .current_dir(folder.path())
            .output()
            .expect("initdb should run");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let rules = "local all all trust\nhostnossl all all 127.0.0.1/32 scram-sha-256\n\
                     hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).expect("a file");
        // Freed again before the server takes it; nobody else asks for a port by its number.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let server = launch(&programs, folder.path(), port);
        let mut cluster = Self { folder, programs, port, server };
        cluster.wait_until_it_answers();
        cluster.sql_in("postgres", &format!("CREATE ROLE {LITELLM} LOGIN PASSWORD '{PASSWORD}'"));
        cluster.sql_in("postgres", &format!("CREATE DATABASE {LITELLM} OWNER {LITELLM}"));
        cluster
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Its port, which is in the socket's name too.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The database's address by the socket, where no password is asked for.
    #[must_use]
    pub fn by_socket(&self) -> String {
        format!("postgres:///{LITELLM}?user={LITELLM}&host={}&port={}", self.socket().display(), self.port)
    }

    /// The database's address by the port, with the password.
    #[must_use]
    pub fn by_port(&self) -> String {
        format!("postgres://{LITELLM}:{PASSWORD}@127.0.0.1:{}/{LITELLM}", self.port)
    }

    /// Runs a statement in LiteLLM's database, and gives what it answered: a line for each row, `|` between columns.
    ///
    /// # Panics
    /// Where it fails.
    #[expect(clippy::must_use_candidate, reason = "most statements have no answer that is of interest")]
    pub fn sql(&self, statement: &str) -> String {
        self.sql_in(LITELLM, statement)
    }

    fn sql_in(&self, database: &str, statement: &str) -> String {
        let output = self.psql(database, statement).output().expect("psql should run");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Runs a statement beside the test, as somebody else's session.
    ///
    /// # Panics
    /// Where there is no psql.
    #[must_use]
    pub fn beside(&self, statement: &str) -> Child {
        self.psql(LITELLM, statement).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("psql should start")
    }

    /// The one who may all, in the role that owns the tables.
    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        command.arg("--host").arg(self.socket()).arg("--port").arg(self.port.to_string());
        command.args(["--username=root", "--dbname", database]);
        if database == LITELLM {
            command.args(["--command", &format!("SET ROLE {LITELLM}")]);
        }
        command.args(["--command", statement]).stdin(Stdio::null());
        command
    }

    /// Writes a file into the folder of its data, for it alone, and gives its path.
    ///
    /// # Panics
    /// Where that can't be written.
    #[expect(clippy::must_use_candidate, reason = "the path is known to whoever names the file")]
    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join("data").join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        own(&path);
        path
    }

    /// Ends the server, and starts it with more lines of settings.
    pub fn restart_with(&mut self, settings: &str) {
        self.stop();
        let file = self.folder.path().join("data/postgresql.auto.conf");
        fs::write(file, settings).expect("a file");
        self.server = launch(&self.programs, self.folder.path(), self.port);
        self.wait_until_it_answers();
    }

    /// Who may come, in the words of `pg_hba.conf`.
    pub fn allow(&mut self, rules: &str) {
        let local = "local all all trust\n";
        fs::write(self.folder.path().join("data/pg_hba.conf"), format!("{local}{rules}\n")).expect("a file");
        self.sql_in("postgres", "SELECT pg_reload_conf()");
        // The server is told by a signal, and takes its time; a connection of before would not know.
        std::thread::sleep(LOOK * 10);
    }

    /// Stops the server and all its sessions in their tracks: it is there, and never answers.
    pub fn hang(&self) {
        for id in self.processes() {
            let _ = kill_process(id, Signal::STOP);
        }
    }

    /// Ends the server at once, as a lost machine would.
    pub fn stop(&mut self) {
        for id in self.processes() {
            let _ = kill_process(id, Signal::CONT);
        }
        // "Immediate": its sessions are cut off, and nothing is waited for.
        let _ = kill_process(pid(&self.server), Signal::QUIT);
        let begun = Instant::now();
        while begun.elapsed() < STOP {
            if !matches!(self.server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        for id in self.processes() {
            let _ = kill_process(id, Signal::KILL);
        }
        let _ = self.server.wait();
    }

    /// What the server has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The server and its sessions.
    fn processes(&self) -> Vec<Pid> {
        let id = self.server.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?));
        children.chain([pid(&self.server)]).collect()
    }

    fn wait_until_it_answers(&mut self) {
        let begun = Instant::now();
        loop {
            let output = self.psql("postgres", "SELECT 1").output().expect("psql should run");
            if output.status.success() {
                return;
            }
            let ended = !matches!(self.server.try_wait(), Ok(None));
            assert!(!ended && begun.elapsed() < START, "PostgreSQL did not start:\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process has an id")
}

/// Debian keeps them by version, and off the `PATH`; the newest is taken.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions
        .filter_map(|it| Some((it.file_name().to_str()?.parse::<u32>().ok()?, it.path().join("bin"))))
        .collect();
    versions.sort();
    let newest = versions.into_iter().rev().map(|(_, folder)| folder).find(|folder| folder.join("postgres").is_file());
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("postgres").is_file())
    };
    let found = newest.or_else(on_path);
    found.expect("there is no PostgreSQL server. Run `setup/install postgres`, or `make test`.")
}

fn launch(programs: &Path, folder: &Path, port: u16) -> Child {
    let log = fs::File::create(folder.join("log")).expect("a file");
    as_user(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the server should start")
}

/// A program that ends with this process, and is run by somebody else where that is root.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some((user, group)) = nobody() {
        command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]);
    }
    command.arg("--").arg(program).env("LC_ALL", "C").env_remove("PGDATA");
    command
}

/// Gives a file or folder to whoever runs the server.
fn own(path: &Path) {
    if let Some((user, group)) = nobody() {
        chown(path, Some(user), Some(group)).expect("root may give things away");
    }
}

/// The system's user `nobody` and its group, where this is root.
fn nobody() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let line = users.lines().find(|line| line.starts_with("nobody:")).expect("there is a user nobody");
    let id = |field: usize| line.split(':').nth(field).and_then(|id| id.parse().ok()).expect("a number");
    Some((id(2), id(3)))
}
