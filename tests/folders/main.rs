//! Delivery into plain folders of this machine: what readers see, what a kill leaves, what two writers do to each other,
//! and folders that can't be delivered into.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod killed;
mod parcels;
mod readers;
mod refusals;
mod writers;
