//! What was measured, in aligned plain text: a table for each question, and at the end what was aimed for.

use std::{fmt::Display, time::Duration};

use crate::turns::Times;

/// The width of a table's first column.
const NAME: usize = 52;

/// What is aimed for, and what it came to.
#[derive(Debug)]
pub(crate) struct Target {
    what: &'static str,
    unit: Unit,
    at_most: f64,
    measured: f64,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Times,
    Milliseconds,
    Mebibytes,
    PercentOfACore,
    ASecond,
}

impl Target {
    /// At most so many times as much.
    pub(crate) fn ratio(what: &'static str, at_most: f64, measured: f64) -> Self {
        Self { what, unit: Unit::Times, at_most, measured }
    }

    /// At most so long.
    pub(crate) fn time(what: &'static str, at_most: Duration, measured: Duration) -> Self {
        let [at_most, measured] = [at_most, measured].map(|time| time.as_secs_f64() * 1000.0);
        Self { what, unit: Unit::Milliseconds, at_most, measured }
    }

    /// At most so much memory, in bytes.
    pub(crate) fn memory(what: &'static str, at_most: u64, measured: u64) -> Self {
        Self { what, unit: Unit::Mebibytes, at_most: mebi(at_most), measured: mebi(measured) }
    }

    /// At most so much of a core.
    pub(crate) fn share(what: &'static str, at_most: f64, measured: f64) -> Self {
        Self { what, unit: Unit::PercentOfACore, at_most: at_most * 100.0, measured: measured * 100.0 }
    }

    /// At most so often a second.
    pub(crate) fn rate(what: &'static str, at_most: f64, measured: f64) -> Self {
        Self { what, unit: Unit::ASecond, at_most, measured }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.measured <= self.at_most
    }
}

/// Prints the heading of [figures](figure) alone.
pub(crate) fn title(question: &str) {
    println!("\n{question}");
}

/// Prints a table's heading. `against` names what the ratios are taken to, if there are any.
pub(crate) fn heading(question: &str, against: &str) {
    title(question);
    let columns = format!("  {:NAME$}{:>11}{:>11}{:>11}   {against}", "", "median", "shortest", "longest");
    println!("{}", columns.trim_end());
}

/// Prints a line of a table.
pub(crate) fn line(name: impl Display, times: &Times, ratio: Option<f64>) {
    let ratio = ratio.map(|ratio| format!("   {ratio:.0$}", if ratio < 0.1 { 4 } else { 2 })).unwrap_or_default();
    let [median, shortest, longest] = [times.median(), times.shortest(), times.longest()].map(milliseconds);
    println!("  {:NAME$}{median:>11}{shortest:>11}{longest:>11}{ratio}", name.to_string());
}

/// Prints a line of a table that is no time.
pub(crate) fn figure(name: &str, value: impl Display) {
    println!("  {name:NAME$}   {value}");
}

/// Prints a remark below a table.
pub(crate) fn remark(words: &str) {
    println!("  {words}");
}

/// Prints, for each target, whether it is met.
pub(crate) fn targets(targets: &[Target]) {
    println!("\nTargets");
    for target in targets {
        let verdict = if target.is_met() { "met" } else { "MISSED" };
        let [measured, at_most] = [target.measured, target.at_most].map(|number| match target.unit {
            Unit::Times => format!("{number:.0$} times", if number < 0.1 { 4 } else { 2 }),
            Unit::Milliseconds => format!("{number:.0} ms"),
            Unit::Mebibytes => format!("{number:.1} MiB"),
            Unit::PercentOfACore => format!("{number:.2} % of a core"),
            Unit::ASecond => format!("{number:.2} a second"),
        });
        println!("  {verdict:<8}{}: {measured}, at most {at_most}", target.what);
    }
}

/// Bytes in MiB.
#[allow(clippy::cast_precision_loss, reason = "no memory is that large")]
pub(crate) fn mebi(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A time in milliseconds; a very long one in seconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds >= 10_000.0 {
        return format!("{:.1} s", milliseconds / 1000.0);
    }
    // Three digits say all that was measured.
    let digits = match milliseconds {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{milliseconds:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Target, milliseconds};

    #[test]
    fn times_are_shown_with_the_digits_that_mean_something() {
        let shown = [123, 12_345, 234_567, 109_608_000].map(|micros| milliseconds(Duration::from_micros(micros)));
        assert_eq!(shown, ["0.12 ms", "12.3 ms", "235 ms", "109.6 s"]);
    }

    #[test]
    fn a_target_is_met_up_to_its_limit() {
        assert!(Target::ratio("", 2.0, 2.0).is_met());
        assert!(!Target::time("", Duration::from_millis(850), Duration::from_millis(851)).is_met());
    }
}
