//! Delivery into the volumes of a real Docker Engine: what arrives, whose it is, what happens in volumes that mean no
//! good, and what is left behind.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod away;
mod carrying;
mod hostile;
mod leftovers;
mod owners;
mod parcels;
mod readers;
