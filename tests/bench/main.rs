//! `bench`: what Tokenferry costs, side by side with doing the same by hand, on the machine that it runs on. `make
//! bench` builds it and gives it an engine of its own.
//!
//! Ways that are compared take turns, round after round, so that a busy moment hits all of them; a ratio is the median
//! of the rounds' ratios. `BENCH_ROUNDS` sets how many rounds there are. It ends with 1 where a target is missed.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is a test's program, and a panic with its reason is how it ends"
)]

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
    let engine = TestEngine::get();
    machine::describe(&engine, rounds).await;
    let targets: Vec<Target> = [
        one_volume::measure(&engine, rounds).await,
        many_volumes::measure(&engine, rounds).await,
        renewal::measure(&engine, rounds).await,
        token::measure(rounds).await,
        fleet::measure(rounds).await,
    ]
    .into_iter()
    .flatten()
    .collect();
    report::targets(&targets);
    if targets.iter().all(Target::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
