//! Talking to a person: words to standard error, data to standard output, questions on a terminal, a sign of life while
//! something takes time.

use std::fmt::{Arguments, Display};
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use engine::secret::SecretString;
use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::Failure;

/// Says a line to the person at the terminal.
pub(crate) fn say(line: Arguments<'_>) {
    // Nobody is there to be told that nobody is there.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Gives a line of data.
pub(crate) fn data(line: Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Whether a person can be asked.
pub(crate) fn is_somebody_there() -> bool {
    io::stdin().is_terminal()
}

/// Asks a question that is answered with yes or no; anything but a clear yes is a no.
///
/// # Errors
/// [`Failure::Declined`] where nobody is there to be asked; `fix` says how to answer beforehand.
pub(crate) async fn ask(question: impl Display, fix: &str) -> Result<bool, Failure> {
    if !is_somebody_there() {
        let what = format!("{question} Nobody is here to be asked.");
        return Err(Failure::Declined { what, fix: fix.to_owned() });
    }
    let answer = prompt(&format!("{question} [y/N] ")).await?;
    Ok(answer.is_some_and(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())))
}

/// Shows a prompt and reads a line; `None` where standard input is closed.
pub(crate) async fn prompt(words: &str) -> Result<Option<String>, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{words}")?;
    stderr.flush()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|read| (read > 0).then_some(line))
    });
    line.await.map_err(io::Error::other)?.map_err(Failure::from)
}

/// Shows a prompt and reads a line that is a secret: what is typed at a terminal is not shown. `None` where standard input
/// is closed.
#[cfg(unix)]
pub(crate) async fn secret(words: &str) -> Result<Option<SecretString>, Failure> {
    let _unseen = if is_somebody_there() { Some(Unseen::begin()?) } else { None };
    let words = if is_somebody_there() { words } else { "" };
    Ok(prompt(words).await?.map(SecretString::new))
}

/// As above; the terminal is asked by a library, key by key.
#[cfg(not(unix))]
pub(crate) async fn secret(words: &str) -> Result<Option<SecretString>, Failure> {
    if !is_somebody_there() {
        return Ok(prompt("").await?.map(SecretString::new));
    }
    say(format_args!("{words}"));
    let line = tokio::task::spawn_blocking(|| console::Term::stderr().read_secure_line());
    Ok(Some(SecretString::new(line.await.map_err(io::Error::other)??)))
}

/// A terminal that doesn't show what is typed, until this is dropped: also where somebody presses Ctrl-C meanwhile.
#[cfg(unix)]
struct Unseen(rustix::termios::Termios);

#[cfg(unix)]
impl Unseen {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown all the same, so that what follows begins on a line of its own.
        unseen.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // What was typed before the prompt is no secret that was asked for.
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

/// A sign of life while something takes time; none in pipes. Gone when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn of(words: impl Display) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(words.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
