//! The desktop app as a person has it: its window on a real screen, the practice provider, a real keychain.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod google;
mod journey;
mod person;
mod places;
mod session;
mod settings;
mod signing_in;
mod strangers;
mod tauri_tray;
mod window;
