//! The resident of Linux, in a session of its own: a private D-Bus with a real keychain, a panel, and somebody who shows
//! notices. The test acts as a person: reads the menu, clicks, presses a notice's button.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod journey;
mod life;
mod notices;
mod panel;
mod scene;
