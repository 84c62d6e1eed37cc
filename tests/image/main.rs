//! The image of nothing but the program, as `setup/server/Dockerfile` makes it, run by a real engine as
//! `docs/servers.md` says. Nothing is pulled: what its first stages would build comes from `setup/static`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod beside;
mod compose;
mod made;
mod run;
mod serve;
