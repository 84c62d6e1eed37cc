//! How the demo speaks: numbered steps, each with what was done, how long it took, and a few quiet facts. The story is
//! the demo's data, so it goes to standard output; the signs of life between its lines go where all talk goes.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::outcome::Failure;
use crate::talk::{self, Progress};

/// Columns of a line: what every terminal has.
const WIDTH: usize = 80;
/// Columns before a step's words; its number stands in them.
const INDENT: usize = 4;
/// Columns for the time at the right.
const TIME: usize = 8;
/// Before what the app says, as `docker compose` shows it; and before what is left of it in the next line.
const APP: &str = "app | ";
const APP_GOES_ON: &str = "    | ";

/// The story so far.
pub(super) struct Telling {
    told: usize,
    colours: bool,
    stop: CancellationToken,
}

/// A step that is under way.
#[must_use = "a step that is begun has to be told"]
pub(super) struct Step(Progress);

impl Telling {
    /// Nothing is told yet. It ends early where `stop` is cancelled.
    pub(super) fn new(stop: CancellationToken) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { told: 0, colours: !plain && io::stdout().is_terminal(), stop }
    }

    /// A paragraph beside the steps.
    pub(super) fn say(&self, words: impl Display) -> Result<(), Failure> {
        for line in wrapped(&words.to_string(), WIDTH) {
            talk::data(format_args!("{line}"))?;
        }
        Ok(())
    }

    /// A command that the person may type.
    pub(super) fn command(&self, command: &str, comment: &str) -> Result<(), Failure> {
        if comment.is_empty() {
            return talk::data(format_args!("{:INDENT$}{command}", ""));
        }
        let comment = format!("# {comment}");
        talk::data(format_args!("{:INDENT$}{command:<34}{}", "", self.quiet(&comment)))
    }

    /// Begins a step, unless the demo is to stop. Between its steps nothing is half done.
    pub(super) fn begin(&self, doing: &str) -> Result<Step, Failure> {
        if self.stop.is_cancelled() { Err(Failure::Interrupted) } else { Ok(Step(Progress::of(doing))) }
    }

    /// Tells a step that is done: what it did, how long that took, a few facts, and what the app said in the end.
    pub(super) fn done(
        &mut self,
        Step(progress): Step,
        what: &str,
        took: Duration,
        facts: &[String],
        said: Option<&str>,
    ) -> Result<(), Failure> {
        drop(progress);
        self.told += 1;
        let number = format!("{:>2}  ", self.told);
        let gap = (WIDTH - INDENT - TIME).saturating_sub(what.chars().count());
        let time = format!("{:gap$}{:>TIME$}", "", time(took));
        talk::data(format_args!("\n{}{}{}", self.quiet(&number), self.strong(what), self.quiet(&time)))?;
        for line in facts.iter().flat_map(|fact| wrapped(fact, WIDTH - INDENT)) {
            talk::data(format_args!("{:INDENT$}{}", "", self.quiet(&line)))?;
        }
        let mut margin = APP;
        for line in said.into_iter().flat_map(|said| wrapped(said, WIDTH - INDENT - APP.len())) {
            talk::data(format_args!("{:INDENT$}{}{line}", "", self.quiet(margin)))?;
            margin = APP_GOES_ON;
        }
        Ok(())
    }

    fn strong(&self, text: &str) -> String {
        self.dyed(text, "1")
    }

    fn quiet(&self, text: &str) -> String {
        self.dyed(text, "2")
    }

    /// In a style of ECMA-48's SGR, where there is a terminal to show it.
    fn dyed(&self, text: &str, style: &str) -> String {
        if self.colours { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A duration as a person would say it: `7 ms`, `1.2 s`.
pub(super) fn time(took: Duration) -> String {
    match took.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

/// The words in lines of `width` columns at the most; a longer word has a line for itself.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible is", 7), ["incomprehensible", "is"]);
        assert_eq!(wrapped("dass süß", 8), ["dass süß"], "letters are counted, not bytes");
    }

    #[test]
    fn times_are_short() {
        let said = |millis| time(Duration::from_millis(millis));
        assert_eq!([said(0), said(999), said(1000), said(12_340)], ["0 ms", "999 ms", "1.0 s", "12.3 s"]);
    }
}
