//! The real Claude Code CLI, from the npm registry, in containers with nothing pulled, signed in by volumes that
//! Tokenferry filled; the practice provider answers in place of Claude.
//!
//! Where the package can't be had, the tests that need it say so, loudly, and pass. See [`bed::npm`].
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod answers;
mod cli;
mod healing;
mod proof;
mod renewal;
mod scene;
mod terminal;
