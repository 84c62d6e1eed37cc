//! `bench`: what Tokenferry costs, side by side with doing the same by hand, on the machine that it runs on. `make
//! bench` builds it and gives it an engine of its own.
//!
//! Ways that are compared take turns, round after round, so that a busy moment hits all of them; a ratio is the median
//! of the rounds' ratios. `BENCH_ROUNDS` sets how many rounds there are, `BENCH_ONLY` which of the questions below are
//! asked, as in `renewal,fleet`. It ends with 1 where a target is missed.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is a test's program, and a panic with its reason is how it ends"
)]

mod broker;
#[cfg(target_os = "linux")]
mod desktop;
mod fleet;
mod machine;
mod many_volumes;
mod one_volume;
mod renewal;
mod report;
mod scene;
mod shell;
mod token;
mod turns;

use std::{env, process::ExitCode};

use bed::TestEngine;

use crate::report::Target;

/// Enough for a median that stays the same from run to run on a quiet machine, in some ten minutes.
const ROUNDS: usize = 25;

#[tokio::main]
async fn main() -> ExitCode {
    let rounds = match env::var("BENCH_ROUNDS") {
        Ok(text) => text.parse().ok().filter(|rounds| *rounds > 0).expect("BENCH_ROUNDS should be a number above 0"),
        Err(_) => ROUNDS,
    };
    let only = env::var("BENCH_ONLY").unwrap_or_default();
    let is_wanted = |name: &str| only.is_empty() || only.split(',').any(|only| only == name);
    let engine = TestEngine::get();
    machine::describe(&engine, rounds).await;
    let mut targets = Vec::new();
    if is_wanted("one-volume") {
        targets.extend(one_volume::measure(&engine, rounds).await);
    }
    if is_wanted("many-volumes") {
        targets.extend(many_volumes::measure(&engine, rounds).await);
    }
    if is_wanted("renewal") {
        targets.extend(renewal::measure(&engine, rounds).await);
    }
    if is_wanted("token") {
        targets.extend(token::measure(rounds).await);
    }
    if is_wanted("fleet") {
        targets.extend(fleet::measure(rounds).await);
    }
    if is_wanted("broker") {
        targets.extend(broker::measure(&engine, rounds).await);
    }
    #[cfg(target_os = "linux")]
    if is_wanted("desktop") {
        targets.extend(desktop::measure(&engine, rounds).await);
    }
    report::targets(&targets);
    if targets.iter().all(Target::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
