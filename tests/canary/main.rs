//! With everything logged that can be logged, no token, code or verifier shows anywhere but where it belongs: not in what
//! the programs print, log and leave in their home, not in the arguments and environment of any process, not in anything
//! that the Docker Engine knows. Every secret that the provider ever gave or got is searched for, in every writing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod journey;
mod planted;
mod processes;
