//! That a Secret of a cluster is kept fresh: through real HTTP and TLS, against a strict stand-in of the API.
//!
//! No real cluster was at hand where these were written. What the stand-in does it does as the API server's own source
//! and documentation say, and it refuses whatever it doesn't know.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod bringing;
mod delivering;
mod manifests;
mod program;
mod reaching;
mod refusing;
mod removing;
mod stand_in;
