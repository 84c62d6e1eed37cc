//! A host that is reached over SSH: a real `sshd` on a port of the loopback, with keys and settings of a test's own. The
//! machine behind it is this one, with the engine that the test gives it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::TestEngine;

/// sshd starts in milliseconds; this is for a machine on which everything is built at once.
const START: Duration = Duration::from_secs(20);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// A host. It takes the user's own key, and ssh knows its host key, until a test changes that.
#[derive(Debug)]
pub struct SshHost {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl SshHost {
    /// Starts one on which `docker` uses this engine.
    ///
    /// # Panics
    /// Where there is no `sshd`; says what to do.
    pub async fn start(engine: &TestEngine) -> Self {
        Self::start_with(engine.host(), &std::env::var("PATH").unwrap_or_default()).await
    }

    /// Starts one with this `DOCKER_HOST` and `PATH`.
    ///
    /// # Panics
    /// Where there is no `sshd`; says what to do.
    pub async fn start_with(docker_host: &str, path: &str) -> Self {
        let sshd = Path::new("/usr/sbin/sshd");
        assert!(sshd.is_file(), "there is no sshd. Run `setup/install ssh`, or `make test`.");
        if geteuid().is_root() {
            // sshd's own empty folder, which a service of the system would make.
            fs::create_dir_all("/run/sshd").expect("a folder should be made");
        }
        let folder = tempfile::Builder::new().prefix("tokenferry-ssh-host-").tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "other-host", "user"] {
            make_key(&at(name));
        }
        // Freed again before sshd takes it; nobody else asks for a port by its number.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host}\nPidFile none\nAuthorizedKeysFile {accepted}\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nPrintMotd no\nLogLevel VERBOSE\nMaxStartups 100\n\
             SetEnv HOME={home} DOCKER_HOST={docker_host} PATH={path}\n",
            // What a shell would read in the person's own is none of the test's matter, and may take its time.
            home = folder.path().display(),
            host = at("host").display(),
            accepted = at("accepted").display(),
        );
        fs::write(at("sshd_config"), settings).expect("a file");
        let ssh_settings = format!(
            "Host *\nIdentityFile {user}\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile {known}\n\
             GlobalKnownHostsFile /dev/null\nInclude {more}\n",
            user = at("user").display(),
            known = at("known").display(),
            more = at("more").display(),
        );
        fs::write(at("ssh_config"), ssh_settings).expect("a file");
        let log = fs::File::create(at("log")).expect("a file");
        let server = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd should start");
        let mut host = Self { folder, port, server };
        host.make_program();
        host.accept_key();
        host.know_host("host");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = !matches!(host.server.try_wait(), Ok(None));
            assert!(!ended && begun.elapsed() < START, "sshd did not start:\n{}", host.log());
            sleep(LOOK).await;
        }
        host
    }

    /// Its address, as in `DOCKER_HOST`.
    #[must_use]
    pub fn address(&self) -> String {
        let user = crate::programs::user_name();
        format!("ssh://{user}@127.0.0.1:{}", self.port)
    }

    /// The `ssh` that has this host's settings in place of the person's own.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("bin/ssh")
    }

    /// A `PATH` on which that one comes first.
    #[must_use]
    pub fn path(&self) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.folder.path().join("bin").display())
    }

    /// Adds to ssh's settings, as a person would in `~/.ssh/config`.
    pub fn set(&self, settings: &str) {
        fs::write(self.folder.path().join("more"), format!("{settings}\n")).expect("a file");
    }

    /// ssh no longer knows the host.
    pub fn forget_host(&self) {
        fs::write(self.folder.path().join("known"), "").expect("a file");
    }

    /// ssh knows the host by another key.
    pub fn know_other_host(&self) {
        self.know_host("other-host");
    }

    /// The host no longer takes the user's key.
    pub fn refuse_key(&self) {
        fs::write(self.folder.path().join("accepted"), "").expect("a file");
    }

    /// The host runs nothing for the user's key but docker.
    pub fn allow_docker_alone(&self) {
        let key = fs::read_to_string(self.folder.path().join("user.pub")).expect("a key");
        let check = r#"case \"$SSH_ORIGINAL_COMMAND\" in docker*) exec $SSH_ORIGINAL_COMMAND ;; *) exit 1 ;; esac"#;
        fs::write(self.folder.path().join("accepted"), format!("command=\"{check}\" {key}")).expect("a file");
    }

    /// How often somebody signed in so far.
    #[must_use]
    pub fn sign_ins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// The process ids of the `ssh`s that go to this host.
    #[must_use]
    pub fn clients(&self) -> Vec<i32> {
        let settings = self.folder.path().join("ssh_config");
        let processes = fs::read_dir("/proc").expect("processes should be listed").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_client = |id: &i32| {
            let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).split('\0').any(|word| Path::new(word) == settings)
        };
        ids.filter(is_client).collect()
    }

    /// Holds all connections still, as a network does that is gone.
    pub fn signal_connections(&self, signal: Signal) {
        for id in descendants(self.server.id()) {
            let _ = kill_process(id, signal);
        }
    }

    /// What sshd logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn accept_key(&self) {
        fs::copy(self.folder.path().join("user.pub"), self.folder.path().join("accepted")).expect("a file");
    }

    fn know_host(&self, key: &str) {
        let key = fs::read_to_string(self.folder.path().join(format!("{key}.pub"))).expect("a key");
        let known = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.folder.path().join("known"), known).expect("a file");
    }

    /// Settings can only be named to ssh by an option, which is none of the product's matter.
    fn make_program(&self) {
        let found = Command::new("sh").args(["-c", "command -v ssh"]).output().expect("a shell");
        let ssh = String::from_utf8(found.stdout).expect("a path");
        assert!(!ssh.is_empty(), "there is no ssh. Run `setup/install ssh`, or `make test`.");
        let settings = self.folder.path().join("ssh_config");
        let program = self.program();
        fs::create_dir(program.parent().expect("a folder")).expect("a folder");
        let script = format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", ssh.trim(), settings.display());
        fs::write(&program, script).expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        // A connection is a process of its own, and outlives the one that listens.
        for id in descendants(self.server.id()) {
            let _ = kill_process(id, Signal::KILL);
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn make_key(path: &Path) {
    let status = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(status.is_ok_and(|status| status.success()), "there is no ssh-keygen. Run `setup/install ssh`.");
}

/// The processes that this one started, and theirs.
fn descendants(id: u32) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse::<u32>().ok());
    children
        .flat_map(|child| {
            let own = i32::try_from(child).ok().and_then(Pid::from_raw);
            own.into_iter().chain(descendants(child))
        })
        .collect()
}
