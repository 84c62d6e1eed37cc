//! `tokenferry serve` as the real program: what it answers to whom, and each attack that it stands against.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod broker;
mod checking;
mod clients;
mod contract;
mod crowd;
mod door;
mod ending;
mod listening;
mod oauth;
mod page;
mod proxy;
mod scene;
mod strangers;
mod told;
