//! What every journey stands on: private homes, a Docker Engine, the practice provider and the built programs. All of
//! it is thrown away on drop, also when a test panics, and none of it can reach what belongs to the person who runs
//! the tests: not their sign-ins, not their keychain, not their volumes.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

pub mod canary;
pub mod claude_cli;
pub mod claude_hosts;
pub mod container;
#[cfg(target_os = "linux")]
pub mod display;
pub mod dockerd;
pub mod engine;
pub mod fetched;
pub mod home;
pub mod keychain;
#[cfg(target_os = "linux")]
pub mod notifications;
pub mod npm;
pub mod podman;
pub mod postgres;
pub mod practice;
pub mod programs;
pub mod pypi;
pub mod spent;
pub mod ssh_host;
pub mod steps;
#[cfg(target_os = "linux")]
pub mod tray_host;
pub mod volume;
#[cfg(target_os = "linux")]
pub mod webdriver;
pub mod witness;

pub use canary::Canary;
pub use claude_cli::ClaudeCli;
pub use claude_hosts::ClaudeHosts;
pub use container::{Container, Run};
#[cfg(target_os = "linux")]
pub use display::Display;
pub use dockerd::Dockerd;
pub use engine::TestEngine;
pub use home::{Home, Vault};
pub use keychain::Keychain;
#[cfg(target_os = "linux")]
pub use notifications::Notifications;
pub use podman::Podman;
pub use postgres::Cluster;
pub use practice::Provider;
pub use programs::{Output, Running, Tokenferry};
pub use ssh_host::SshHost;
#[cfg(target_os = "linux")]
pub use tray_host::{TrayHost, TrayIcon};
pub use volume::{Found, Volume};
pub use witness::Witness;
