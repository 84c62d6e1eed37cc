//! Docker Engines of a test's own, beside the one that all tests share: for fleets, and to be stopped, killed and held
//! still. Each is private as `setup/with-engine` makes them, and ends with its [`Dockerd`], or with the test's process.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader},
    ops::Deref,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Signal, geteuid};
use tokio::{task::spawn_blocking, time::sleep};

use crate::TestEngine;

/// An engine starts within a second or two; this is for a machine on which everything is built at once.
const START: Duration = Duration::from_secs(60);
/// An engine gives each container 10 s to end before it ends itself.
const STOP: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// A private engine. It is used as a [`TestEngine`]; all that is made in it is gone with it.
#[derive(Debug)]
pub struct Dockerd {
    engine: TestEngine,
    folder: PathBuf,
    /// How it is started, program first.
    command: Vec<OsString>,
    /// Keeps what the engine needs, and clears all of it away when its input is closed.
    keeper: Child,
    /// The engine's process, where it was started anew.
    anew: Option<Child>,
    held: bool,
}

impl Deref for Dockerd {
    type Target = TestEngine;

    fn deref(&self) -> &TestEngine {
        &self.engine
    }
}

impl Dockerd {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// Where none can be started: that takes Linux, and root or sudo.
    pub async fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/with-engine");
        let mut keeper = Command::new(&script)
            .args(["--further", "sh", "-c", "echo \"$DOCKER_HOST\"; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} should start: {error}", script.display()));
        let said = keeper.stdout.take().expect("it was piped");
        let first_line = move || BufReader::new(said).lines().find_map(|line| line.ok().filter(|line| is_host(line)));
        let host = spawn_blocking(first_line).await.expect("no panic").expect("a further engine, and says why not");
        let socket = Path::new(host.trim_start_matches("unix://"));
        let folder = socket.parent().expect("it lies in a folder").to_owned();
        let engine = TestEngine::at(&host);
        let mut dockerd = Self { engine, folder, command: Vec::new(), keeper, anew: None, held: false };
        dockerd.command = dockerd.command_line();
        dockerd
    }

    /// The engine as a test has it.
    #[must_use]
    pub fn engine(&self) -> &TestEngine {
        &self.engine
    }

    /// A folder of this engine's own, gone with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Lets it end, as a system does that shuts down; its containers end first.
    pub async fn stop(&mut self) {
        self.end(Signal::TERM).await;
    }

    /// Kills it. Its containers stay, with nobody to look after them.
    pub async fn kill(&mut self) {
        self.end(Signal::KILL).await;
        // Its containerd died with it. Where one of them is still being buried, the next engine would take it for alive.
        let notes = ["pid", "exec/containerd/containerd.pid"].map(|note| self.folder.join(note));
        let removed = as_root("rm").arg("-f").args(notes).status();
        assert!(removed.is_ok_and(|status| status.success()), "the pid files should go");
    }

    /// Holds it still: it takes connections, and answers nothing.
    pub fn pause(&mut self) {
        signal(self.pid(), Signal::STOP);
        self.held = true;
    }

    /// Lets it go on.
    pub fn resume(&mut self) {
        signal(self.pid(), Signal::CONT);
        self.held = false;
    }

    /// Starts it again at the same place, after stopping it where it still runs, and waits until it answers.
    pub async fn restart(&mut self) {
        self.restart_with([] as [&str; 0]).await;
    }

    /// The same with further options from now on, such as another `--host`.
    pub async fn restart_with(&mut self, options: impl IntoIterator<Item = impl Into<OsString>>) {
        if !self.is_gone() {
            self.stop().await;
        }
        self.command.extend(options.into_iter().map(Into::into));
        let log = OpenOptions::new().append(true).open(self.folder.join("log")).expect("the log should be there");
        let (program, options) = self.command.split_first().expect("it ran before");
        // In a session of its own, so that a Ctrl-C leaves it to its keeper.
        let mut command = as_root("setsid");
        command.arg(program).args(options).stdin(Stdio::null()).stderr(log.try_clone().expect("a file")).stdout(log);
        self.anew = Some(command.spawn().expect("dockerd should start"));
        let begun = Instant::now();
        while self.engine.docker().ping().await.is_err() {
            assert!(begun.elapsed() < START && !self.has_ended(), "dockerd did not come back:\n{}", self.log());
            sleep(LOOK).await;
        }
    }

    async fn end(&mut self, by: Signal) {
        if self.held {
            self.resume();
        }
        signal(self.pid(), by);
        let begun = Instant::now();
        while !self.is_gone() {
            assert!(begun.elapsed() < STOP, "dockerd did not end:\n{}", self.log());
            sleep(LOOK).await;
        }
    }

    fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.folder.join("pid")).expect("the engine should run");
        pid.trim().parse().expect("a number")
    }

    fn command_line(&self) -> Vec<OsString> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid())).expect("the engine should run");
        let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        words.map(|word| OsString::from_vec(word.to_vec())).collect()
    }

    /// Whether its latest start came to an end.
    fn has_ended(&mut self) -> bool {
        self.anew.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)) | Err(_)))
    }

    fn is_gone(&mut self) -> bool {
        // Ours has to be waited for, or it stays as a zombie.
        let _ = self.has_ended();
        let Ok(pid) = fs::read_to_string(self.folder.join("pid")) else { return true };
        let command = fs::read(format!("/proc/{}/cmdline", pid.trim()));
        !command.is_ok_and(|line| line.windows(7).any(|part| part == b"dockerd"))
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Some(mut anew) = self.anew.take() {
            // The keeper ends it; ours is to take note.
            let _ = anew.wait();
        }
        match self.keeper.wait() {
            Ok(status) if status.success() => {}
            ended => eprintln!("a private engine was not cleared away: {ended:?}"),
        }
    }
}

fn is_host(line: &str) -> bool {
    line.starts_with("unix://")
}

fn signal(pid: u32, signal: Signal) {
    let status = as_root("kill").arg(format!("-{}", signal.as_raw())).arg(pid.to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "dockerd should be there to get {signal:?}");
}

/// A program of the system's, with root's rights.
pub fn as_root(program: impl AsRef<OsStr>) -> Command {
    if geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    // It was asked for a password, if it needs one, when the first engine started.
    command.arg("-n").arg(program);
    command
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Dockerd;
    use crate::{Run, TestEngine};

    /// Whatever the test does, nothing of the engine may stay.
    fn is_cleared_away(folder: &std::path::Path) -> bool {
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        let named = folder.to_str().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        !folder.exists()
            && !mounts.contains(named)
            && !lines.any(|line| String::from_utf8_lossy(&line).contains(&format!("{named}/exec")))
    }

    #[tokio::test]
    async fn it_is_another_engine_and_leaves_nothing_also_after_a_panic() {
        let dockerd = Dockerd::start().await;
        let folder = dockerd.folder().to_owned();
        assert_ne!(dockerd.host(), TestEngine::get().host());
        let volume = dockerd.volume().await;
        let app = dockerd.run(Run::app(["sleep"]).mount(&volume, "/data")).await;
        assert!(app.is_running().await);
        std::mem::forget((app, volume));
        let panicked = tokio::spawn(async move {
            assert!(dockerd.containers().await.is_empty(), "there is one");
        });
        panicked.await.unwrap_err();
        assert!(is_cleared_away(&folder));
    }

    #[tokio::test]
    async fn it_stops_is_killed_is_held_and_comes_back() {
        let mut dockerd = Dockerd::start().await;
        let folder = dockerd.folder().to_owned();
        let volume = dockerd.volume().await;
        volume.write("file", b"stays", (0, 0, 0o600)).await;

        dockerd.stop().await;
        assert!(dockerd.docker().ping().await.is_err());
        dockerd.restart().await;
        assert_eq!(volume.read("file").await.contents(), b"stays");

        let app = dockerd.run(Run::app(["sleep"]).mount(&volume, "/data")).await;
        dockerd.kill().await;
        assert!(dockerd.docker().ping().await.is_err());
        dockerd.restart().await;
        assert!(volume.exists().await);

        dockerd.pause();
        let held = tokio::time::timeout(Duration::from_millis(300), dockerd.docker().ping());
        assert!(held.await.is_err(), "it answers nothing");
        dockerd.resume();
        dockerd.docker().ping().await.unwrap();

        // Killed with a container left, and held: also then nothing stays.
        drop(app);
        std::mem::forget(dockerd.run(Run::app(["sleep"]).mount(&volume, "/data")).await);
        dockerd.kill().await;
        std::mem::forget(volume);
        let begun = Instant::now();
        drop(dockerd);
        assert!(is_cleared_away(&folder));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
