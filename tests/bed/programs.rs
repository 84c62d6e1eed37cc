//! The programs under test, as they were built: where they are, how they are run with a deadline, and what they said.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use crate::home::Printed;

/// How long a program may take unless a test says otherwise: far beyond what any takes on a busy machine, so that only
/// one that hangs is ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long an output may stay open after its program has ended, because a program that it started holds it.
const LEFTOVER: Duration = Duration::from_secs(2);

/// Where one of our programs was built.
///
/// # Panics
/// Where it is missing; says how to build it.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.is_file(),
        "{} is missing. Build it with `cargo build --workspace --bins`, or run `make test`.",
        path.display()
    );
    path
}

/// Where one of our programs was built as one static file, for images of nothing else.
///
/// # Panics
/// Where it is missing; says how to build it.
#[must_use]
pub fn built_static(name: &str) -> PathBuf {
    let target = folder().join("..").canonicalize().expect("a program should lie in a folder of the target folder");
    let path = target.join(format!("{}-unknown-linux-musl/debug", env::consts::ARCH)).join(name);
    assert!(path.is_file(), "{} is missing. Build it with `setup/static`, or run `make test`.", path.display());
    path
}

/// The folder of the built programs.
pub(crate) fn folder() -> PathBuf {
    let this = env::current_exe().expect("a program should know where it is");
    let folder = this.parent().expect("a program should lie in a folder");
    // Tests lie in target/<profile>/deps, programs one above.
    if folder.ends_with("deps") { folder.join("..") } else { folder.to_owned() }
}

/// The user who runs the tests, by the name that the system has.
pub(crate) fn user_name() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("the system should know");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}

/// The stand-in for a browser, for the environment variable `BROWSER`.
#[must_use]
pub fn browser() -> PathBuf {
    built("practice-browser")
}

/// A program, ready to run in its [`crate::Home`].
#[derive(Debug)]
#[must_use = "a program does nothing until it is run"]
pub struct Tokenferry {
    command: Command,
    input: Option<Vec<u8>>,
    input_stays_open: bool,
    patience: Duration,
    printed: Printed,
    prints_a_secret: bool,
}

impl Tokenferry {
    /// One of our programs by its name, or one of the system's.
    pub(crate) fn new(name: &str, environment: &BTreeMap<OsString, OsString>, printed: Printed) -> Self {
        let ours = name.starts_with("tokenferry") || name.starts_with("practice");
        let mut command = Command::new(if ours { built(name) } else { name.into() });
        command.env_clear().envs(environment).kill_on_drop(true);
        Self { command, input: None, input_stays_open: false, patience: PATIENCE, printed, prints_a_secret: false }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// Sets a variable for this run.
    pub fn set(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away for this run.
    pub fn unset(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Types this, then closes the input. Without it the input is closed from the start.
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Leaves the input open, for [`Running::types`].
    pub fn input_stays_open(mut self) -> Self {
        self.input_stays_open = true;
        self
    }

    /// Gives it this long instead of a minute.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Standard output is meant to hold a secret, as that of `token` is, so it is left out of the home's search.
    pub fn prints_a_secret(mut self) -> Self {
        self.prints_a_secret = true;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it doesn't end in time.
    pub async fn run(self) -> Output {
        self.spawn().finish().await
    }

    /// Starts it and goes on.
    #[must_use = "the program is ended when this is dropped"]
    pub fn spawn(mut self) -> Running {
        let is_typed = self.input.is_some() || self.input_stays_open;
        self.command.stdin(if is_typed { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = Shown::of(&self.command);
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{shown} should start: {error}"));
        if let Some(input) = self.input
            && let Some(mut stdin) = child.stdin.take()
        {
            // A program may end without reading it all.
            tokio::spawn(async move { stdin.write_all(&input).await });
        }
        let kept = |secret: bool| (!secret).then(|| Arc::clone(&self.printed));
        Running {
            stdout: Stream::read(child.stdout.take().expect("it was piped"), kept(self.prints_a_secret)),
            stderr: Stream::read(child.stderr.take().expect("it was piped"), kept(false)),
            stdin: child.stdin.take(),
            child,
            shown,
            patience: self.patience,
        }
    }
}

/// A program that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
    shown: Shown,
    patience: Duration,
}

impl Running {
    /// Its process id.
    ///
    /// # Panics
    /// Where it has ended and was waited for.
    #[must_use]
    pub fn pid(&self) -> Pid {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).unwrap_or_else(|| panic!("{} has ended", self.shown))
    }

    /// Waits until it has printed this text on standard error, and returns what it printed there so far.
    ///
    /// # Panics
    /// Where it ends, or its time is over, before that.
    pub async fn says(&mut self, text: &str) -> String {
        Self::prints(&mut self.stderr, text, self.patience, &self.shown).await
    }

    /// Waits until it has printed this text on standard output, and returns what it printed there so far.
    ///
    /// # Panics
    /// Where it ends, or its time is over, before that.
    pub async fn gives(&mut self, text: &str) -> String {
        Self::prints(&mut self.stdout, text, self.patience, &self.shown).await
    }

    /// Waits for the line of this number on standard output, the first being 0, and gives it without its end.
    ///
    /// # Panics
    /// Where it ends, or its time is over, before that.
    pub async fn gives_line(&mut self, number: usize) -> String {
        let is_there = |printed: &Vec<u8>| printed.iter().filter(|byte| **byte == b'\n').count() > number;
        let printed = timeout(self.patience, self.stdout.seen.wait_for(is_there)).await;
        let found = matches!(printed, Ok(Ok(_)));
        drop(printed);
        let (so_far, said) = (self.stdout.so_far(), self.stderr.so_far());
        assert!(found, "{} should print line {number}, but printed:\n{}", self.shown, both(&so_far, &said));
        so_far.lines().nth(number).expect("it is there").to_owned()
    }

    async fn prints(stream: &mut Stream, text: &str, patience: Duration, shown: &Shown) -> String {
        let printed = timeout(patience, stream.seen.wait_for(|printed| contains(printed, text.as_bytes()))).await;
        let found = matches!(printed, Ok(Ok(_)));
        drop(printed);
        let so_far = stream.so_far();
        assert!(found, "{shown} should print {text:?}, but printed:\n{so_far}");
        so_far
    }

    /// Types this; the input stays open.
    ///
    /// # Panics
    /// Where the input was not left open, or the program reads no more.
    pub async fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("the input should have been left open");
        stdin.write_all(text.as_bytes()).await.expect("the program should read on");
    }

    /// Sends a signal, such as that of Ctrl-C.
    ///
    /// # Panics
    /// Where it has ended already.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("{} should be there: {error}", self.shown));
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it doesn't end in time.
    pub async fn finish(mut self) -> Output {
        let Ok(status) = timeout(self.patience, self.child.wait()).await else {
            let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
            panic!("{} did not end within {:?}\n{}", self.shown, self.patience, both(&stdout, &stderr));
        };
        let status = status.expect("a child should be waited for");
        Output { status, stdout: self.stdout.rest().await, stderr: self.stderr.rest().await, shown: self.shown }
    }
}

/// What a program left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed as data.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    shown: Shown,
}

impl Output {
    /// Expects 0.
    ///
    /// # Panics
    /// Where it ended otherwise; shows what it said.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    /// Expects this exit code.
    ///
    /// # Panics
    /// Where it ended otherwise; shows what it said.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "{self}\nwas expected to end with {code}");
        self
    }

    /// Expects it to have been ended by this signal.
    ///
    /// # Panics
    /// Where it ended otherwise; shows what it said.
    #[track_caller]
    pub fn ended_by(self, signal: Signal) -> Self {
        assert!(self.status.signal() == Some(signal.as_raw()), "{self}\nwas expected to end by {signal:?}");
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{self}\nshould print JSON: {error}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended with {}\n{}", self.shown, self.status, both(&self.stdout, &self.stderr))
    }
}

fn both(stdout: &str, stderr: &str) -> String {
    format!("--- standard output\n{stdout}\n--- standard error\n{stderr}\n---")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// A program's name and arguments, for messages.
#[derive(Debug)]
struct Shown(String);

impl Shown {
    fn of(command: &Command) -> Self {
        let command = command.as_std();
        let name = PathBuf::from(command.get_program()).file_name().unwrap_or_default().to_owned();
        let words: Vec<_> =
            std::iter::once(name.as_os_str()).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
        Self(format!("`{}`", words.join(" ")))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of a program's two outputs, read as it comes.
#[derive(Debug)]
struct Stream {
    seen: watch::Receiver<Vec<u8>>,
    reading: JoinHandle<()>,
    /// Where to keep what came; None for what is meant to hold secrets.
    kept: Option<Printed>,
}

impl Stream {
    fn read(mut from: impl AsyncRead + Unpin + Send + 'static, kept: Option<Printed>) -> Self {
        let (sender, seen) = watch::channel(Vec::new());
        let reading = tokio::spawn(async move {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                sender.send_modify(|seen| seen.extend_from_slice(&buffer[..count]));
            }
        });
        Self { seen, reading, kept }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.seen.borrow()).into_owned()
    }

    async fn rest(&mut self) -> String {
        let _ = timeout(LEFTOVER, &mut self.reading).await;
        self.so_far()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reading.abort();
        if let Some(kept) = &self.kept {
            keep(kept, &self.seen.borrow());
        }
    }
}

/// One output after the other, not mixed line by line: a secret that is broken by another program's line would be missed.
fn keep(kept: &Mutex<Vec<u8>>, output: &[u8]) {
    let mut kept = kept.lock().expect("no other reader panicked");
    kept.extend_from_slice(output);
    kept.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::Signal;

    use crate::Home;

    #[tokio::test]
    async fn both_outputs_and_the_code_are_collected() {
        let output =
            Home::new().program("sh", ["-c", "cat; echo talk >&2; exit 3"]).input("data").run().await.ends_with(3);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("data", "talk\n"));
    }

    #[tokio::test]
    async fn a_running_program_is_listened_to_and_signalled() {
        let mut running = Home::new().program("sh", ["-c", "echo ready >&2; exec sleep 60"]).spawn();
        assert_eq!(running.says("ready").await, "ready\n");
        running.signal(Signal::KILL);
        running.finish().await.ended_by(Signal::KILL);
    }

    #[tokio::test]
    #[should_panic(expected = "did not end within")]
    async fn a_program_that_hangs_ends_the_test() {
        Home::new().program("sleep", ["60"]).within(Duration::from_millis(100)).run().await;
    }

    #[tokio::test]
    #[should_panic(expected = "talk of the failure")]
    async fn a_failure_shows_what_was_said() {
        Home::new().program("sh", ["-c", "echo talk of the failure >&2; exit 1"]).run().await.succeeds();
    }
}
