//! The packages as a person meets them: installed by the real dpkg into a copy of this system, used there, brought up to
//! date, removed. The system itself is only read from.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod copy;
mod installed;
mod packed;
mod validity;

use std::process::Command;

/// The version that the workspace has.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?} should start: {why}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{said}",
        output.status,
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}
