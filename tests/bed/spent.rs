//! What a process costs: processor time, wake-ups and memory, as Linux counts them. Other systems tell nothing.

use std::{
    fs,
    iter::Sum,
    ops::{AddAssign, Sub},
    path::Path,
    time::Duration,
};

use rustix::process::Pid;

/// In what `stat` counts processor time: a hundredth of a second, wherever Linux runs.
const TICK: Duration = Duration::from_millis(10);

/// What a process has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Processor time of all its threads, in steps of 10 ms.
    pub processor: Duration,
    /// How often a thread went to sleep of its own accord, and so had to be woken. Threads that have ended are left out.
    pub wakes: u64,
}

impl Spent {
    /// Since its start.
    ///
    /// # Panics
    /// Where there is no such process.
    #[must_use]
    pub fn by(process: Pid) -> Self {
        let stat = read(process, "stat");
        // The name, in brackets, may hold anything; after it comes the third field.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u32 = fields[11..=12].iter().map(|field| field.parse::<u32>().expect("a number")).sum();
        let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process should be there").flatten();
        let status = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
        let wakes = status.filter_map(|status| number(&status, "voluntary_ctxt_switches:")).sum();
        Self { processor: TICK * ticks, wakes }
    }
}

impl Sum for Spent {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        each.fold(Self::default(), |mut sum, spent| {
            sum += spent;
            sum
        })
    }
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(before.processor),
            wakes: self.wakes.saturating_sub(before.wakes),
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.processor += other.processor;
        self.wakes += other.wakes;
    }
}

/// The memory that a process takes now, in bytes, with its share of what it has in common with others (PSS).
///
/// # Panics
/// Where there is no such process, or it is another user's.
#[must_use]
pub fn memory(process: Pid) -> u64 {
    1024 * number(&read(process, "smaps_rollup"), "Pss:").expect("Linux should tell")
}

/// The processes that work on this state: those that were started with its `TOKENFERRY_HOME`, and what these started. Each
/// with the path that it was called by.
#[cfg(target_os = "linux")]
#[must_use]
pub fn working_on(state: &Path) -> Vec<(Pid, String)> {
    let variable = [b"TOKENFERRY_HOME=", state.as_os_str().as_encoded_bytes()].concat();
    let processes = fs::read_dir("/proc").expect("Linux should tell").filter_map(|it| Some(it.ok()?.path()));
    let here = processes.filter_map(|process| {
        let pid = Pid::from_raw(process.file_name()?.to_str()?.parse().ok()?)?;
        let environment = fs::read(process.join("environ")).ok()?;
        let called = fs::read(process.join("cmdline")).ok()?;
        let called = String::from_utf8_lossy(called.split(|byte| *byte == 0).next()?).into_owned();
        environment.split(|byte| *byte == 0).any(|set| *set == variable).then_some((pid, called))
    });
    here.collect()
}

fn read(process: Pid, file: &str) -> String {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The number on the line that begins like this.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Spent, memory};
    use crate::Home;

    #[tokio::test]
    async fn who_works_and_who_wakes_is_told_from_who_sleeps() {
        let home = Home::new();
        let sleeps = home.program("sleep", ["60"]).spawn();
        let works = home.program("sh", ["-c", "while :; do :; done"]).spawn();
        let wakes = home.program("sh", ["-c", "while sleep 0.01; do :; done"]).spawn();
        tokio::time::sleep(Duration::from_millis(600)).await;
        let [sleeps, works, wakes] = [&sleeps, &works, &wakes].map(|running| Spent::by(running.pid()));
        assert!(sleeps.processor < Duration::from_millis(50) && sleeps.wakes < 10, "{sleeps:?}");
        assert!(works.processor > Duration::from_millis(50), "{works:?}");
        assert!(wakes.wakes > 10, "{wakes:?}");
    }

    #[test]
    fn memory_that_is_used_is_counted() {
        let this = rustix::process::getpid();
        let before = memory(this);
        let used = vec![1_u8; 32 << 20];
        let grown = memory(this) - before;
        assert!((30 << 20..40 << 20).contains(&grown), "{grown} for {}", used.len());
    }
}
