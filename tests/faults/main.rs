//! Every way in which the provider can fail, against every request that is made to it: a sign-in ends by the provider's
//! clear no alone, nobody is asked more often than is polite, and `status` tells how things stand.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod clocks;
mod lost_answers;
mod politeness;
mod renewing;
mod scene;
mod signing_in;
mod signing_out;
mod strange_answers;
