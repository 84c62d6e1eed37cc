//! Formats in places: every pair of them, through the program, from the first delivery to the last trace.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod consent;
mod database;
mod exports;
mod folders;
mod litellm;
mod pairs;
mod place;
mod proofs;
mod readme;
mod scene;
#[path = "../kubernetes/stand_in/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of Kubernetes need more of it")]
mod stand_in;
