//! The journeys of a person, over the programs as they were built: a real Docker Engine, a real keychain, and the
//! practice provider in place of Claude. Each module is one journey, with what may go wrong on it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod accounts;
mod delivery;
mod discover;
mod doctor;
mod import;
mod kinds;
mod logout;
mod paste;
mod renewal;
mod servers;
mod sign_in;
mod snippets;
mod steps;
mod vault;
mod via_cli;
mod words;
