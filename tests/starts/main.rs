//! That a container's very first instruction finds its credentials: however it is started, and over many starts. Also
//! that a volume which was delivered to before its first container is filled from the image as if it had not been.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod filling;
mod images;
mod often;
mod watch;
mod ways;
