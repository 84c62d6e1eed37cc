//! Engines elsewhere: over SSH, with TLS, podman's, by the names of the programs that bring them, and a list of them
//! all. Each is a real one, started for the test.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod contexts;
mod list;
#[path = "../delivery/parcels.rs"]
#[expect(dead_code, reason = "the tests of deliveries need more of it")]
mod parcels;
mod podman;
mod ssh;
mod tls;
