//! `kill -9` at random moments of a sign-in, a renewal and a delivery: whatever the moment, the next start works, a volume
//! holds a whole file, nothing piles up, and a sign-in is lost only where the provider had used its refresh token up and
//! the answer was not stored yet. And of the engine, while `run` delivers into it.
//!
//! Each test prints its seed; `TOKENFERRY_KILL_SEED` repeats one, as far as a machine's own timing allows.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod deliveries;
mod engines;
mod forwarder;
mod killing;
mod renewals;
mod sign_ins;
