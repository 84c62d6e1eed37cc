//! Containers that look after themselves: `tokenferry run` beside real engines, with containers and volumes that come, go and
//! are harmed. Each module is one kind of thing that happens by itself.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod engines;
mod healing;
mod labels;
mod loops;
mod pausing;
mod scene;
mod volumes;
