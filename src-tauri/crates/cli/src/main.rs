//! `tokenferry`, the engine in a terminal.
//!
//! Data goes to standard output, talk to standard error. A command of a face is a few lines: the journeys are the
//! engine's.

mod args;
mod commands;
mod demo;
mod logging;
mod outcome;
mod talk;

use std::process::ExitCode;

use clap::Parser;
use engine::Surroundings;

use crate::args::{Args, Command};
use crate::outcome::Outcome;

fn main() -> ExitCode {
    let args = Args::parse();
    logging::begin();
    let mut runtime = match args.command {
        // Each thread has memory of its own, and the resident is always there.
        Command::Tray => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            talk::say(format_args!("The system gives no threads: {why}."));
            return Outcome::Failed.into();
        }
    };
    let json = args.json;
    let done = runtime.block_on(commands::carry_out(args, Surroundings::of_process()));
    let outcome = done.unwrap_or_else(|error| outcome::report(&error, json));
    // A prompt that still reads standard input must not hold up the end.
    runtime.shutdown_background();
    outcome.into()
}
