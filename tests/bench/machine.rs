//! What the figures were measured on.

use std::{fs, thread, time::Duration};

use bed::TestEngine;

use crate::report::remark;

/// A load for each core above which something else is at work too.
const QUIET: f64 = 0.25;

/// In what Linux counts processor time.
const TICK: Duration = Duration::from_millis(10);

/// Prints what the figures depend on.
pub(crate) async fn describe(engine: &TestEngine, rounds: usize) {
    let info = engine.docker().info().await.expect("the engine should tell of itself");
    let said = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("What it costs: {rounds} rounds of each, in turns");
    remark(&format!("{cores} cores, {}, Linux {}", system(), said(info.kernel_version)));
    remark(&format!("Docker Engine {}, storage {}", said(info.server_version), said(info.driver)));
    if let Some(load) = load().filter(|load| *load > QUIET * cores as f64) {
        remark(&format!("The machine is busy (load {load:.1}): trust the ratios, not the milliseconds."));
    }
}

/// The system's own name for itself.
fn system() -> String {
    let names = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = names.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

/// How many programs wanted to run at a time, on the average of the last minute.
fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The processor time that all programs and the system itself have used since the start, in steps of 10 ms.
pub(crate) fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").expect("Linux should tell");
    let ticks = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u32> = ticks.map(|ticks| ticks.parse().expect("a number")).collect();
    // user, nice, system, idle, waiting for a disk, interrupts of two kinds; what follows is of virtual machines.
    let [user, nice, system, _, _, hard, soft, ..] = ticks[..] else { panic!("seven numbers are expected") };
    TICK * (user + nice + system + hard + soft)
}
