//! A private D-Bus session with a real gnome-keyring on it, in folders of its own. It starts nothing by itself and has no
//! screen, so that a prompt fails as it does on a server. All of it ends on drop.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest that the bus or the service may take to start; they take some 50 ms on an idle machine.
const START: Duration = Duration::from_secs(20);
/// Between two looks at whether they did.
const LOOK: Duration = Duration::from_millis(10);

const PASSWORD: &[u8] = b"open sesame";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A D-Bus session, and the keychain on it.
#[derive(Debug)]
pub struct Keychain {
    folder: TempDir,
    bus: Child,
    service: Option<Child>,
}

impl Keychain {
    /// A keychain whose login collection is open.
    #[must_use]
    pub fn unlocked() -> Self {
        let mut keychain = Self::absent();
        keychain.start_unlocked();
        keychain
    }

    /// A keychain whose login collection is there, and locked.
    #[must_use]
    pub fn locked() -> Self {
        let keychain = Self::unlocked();
        keychain.lock();
        keychain
    }

    /// A keychain that was never used: it has no collection to keep anything in.
    #[must_use]
    pub fn unused() -> Self {
        let mut keychain = Self::absent();
        let command = keychain.daemon();
        keychain.service = Some(start(command));
        keychain.wait_until("the service is there", |keychain| keychain.read_alias().is_some());
        keychain
    }

    /// A D-Bus session without a keychain.
    #[must_use]
    pub fn absent() -> Self {
        let folder =
            tempfile::Builder::new().prefix("tokenferry-keychain-").tempdir().expect("a folder should be made");
        for name in ["home", "run", "data", "config", "cache"] {
            use std::os::unix::fs::DirBuilderExt;
            let below = folder.path().join(name);
            std::fs::DirBuilder::new().mode(0o700).create(below).expect("a folder should be made");
        }
        let config = folder.path().join("bus.conf");
        std::fs::write(&config, bus_config(folder.path())).expect("a file should be written");
        let mut command = private("dbus-daemon", folder.path());
        command.args(["--nofork", "--nopidfile", "--nosyslog", "--config-file"]).arg(config);
        let keychain = Self { bus: start(command), folder, service: None };
        keychain.wait_until("the bus listens", |keychain| keychain.folder.path().join("bus").exists());
        keychain
    }

    /// The address of the bus, as in `DBUS_SESSION_BUS_ADDRESS`.
    #[must_use]
    pub fn address(&self) -> String {
        address(self.folder.path())
    }

    /// What a program needs in its environment to find this keychain and no other.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        environment(self.folder.path())
    }

    /// Locks the login collection.
    pub fn lock(&self) {
        let answer = self.call("Lock", &format!("array:objpath:{LOGIN}"));
        assert!(answer.status.success(), "the keychain should be locked: {answer:?}");
    }

    /// Ends the service and starts it anew, unlocked, as the next login would. What it keeps is on the disk.
    pub fn restart(&mut self) {
        end(self.service.take());
        self.wait_until("the service is gone", |keychain| keychain.read_alias().is_none());
        self.start_unlocked();
    }

    /// Stops the service in its tracks: it is there, and never answers.
    pub fn hang(&self) {
        let pid = self.service.as_ref().expect("a service should run").id();
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("the service should stop");
    }

    /// `program` in this session's environment, with no screen.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        private(program, self.folder.path())
    }

    fn daemon(&self) -> Command {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdout(Stdio::null());
        command
    }

    fn start_unlocked(&mut self) {
        let mut command = self.daemon();
        command.arg("--unlock");
        let service = self.service.insert(start(command));
        give_password(service);
        self.wait_until("the login collection is there", |keychain| {
            keychain.read_alias().is_some_and(|answer| answer.contains(LOGIN))
        });
    }

    /// What the service names as its default collection. `None` where no service answers.
    fn read_alias(&self) -> Option<String> {
        let answer = self.call("ReadAlias", "string:default");
        answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
    }

    fn call(&self, method: &str, argument: &str) -> Output {
        self.command("dbus-send")
            .args(["--session", "--print-reply", "--reply-timeout=5000", "--dest=org.freedesktop.secrets"])
            .args(["/org/freedesktop/secrets", &format!("org.freedesktop.Secret.Service.{method}"), argument])
            .output()
            .expect("dbus-send should run")
    }

    fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is(self) {
            assert!(begun.elapsed() < START, "{what} not within {START:?}");
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        end(self.service.take());
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn address(folder: &Path) -> String {
    format!("unix:path={}", folder.join("bus").display())
}

/// Everybody may talk to everybody, and there are no services to start.
fn bus_config(folder: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{}</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"#,
        address(folder)
    )
}

fn environment(folder: &Path) -> Vec<(&'static str, OsString)> {
    let below = |name: &str| folder.join(name).into_os_string();
    vec![
        ("HOME", below("home")),
        ("XDG_RUNTIME_DIR", below("run")),
        ("XDG_DATA_HOME", below("data")),
        ("XDG_CONFIG_HOME", below("config")),
        ("XDG_CACHE_HOME", below("cache")),
        ("DBUS_SESSION_BUS_ADDRESS", address(folder).into()),
    ]
}

fn private(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.envs(environment(folder)).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

fn start(mut command: Command) -> Child {
    let program = command.get_program().to_owned();
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{} should start: {error}", program.display()))
}

fn give_password(child: &mut Child) {
    let mut input = child.stdin.take().expect("its input should be a pipe");
    input.write_all(PASSWORD).expect("the password should be taken");
}

fn end(child: Option<Child>) {
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
}
