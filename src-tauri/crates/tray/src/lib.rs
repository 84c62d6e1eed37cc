//! The icon in the panel: its menu and its notices as pure models, which every system draws in its own way; and the light
//! resident of Linux, which keeps everything fresh without a window.

pub mod click;
pub mod icon;
pub mod menu;
pub mod notices;
#[cfg(test)]
mod samples;
mod words;

#[cfg(target_os = "linux")]
pub mod autostart;
#[cfg(target_os = "linux")]
mod drawing;
#[cfg(target_os = "linux")]
mod lock;
#[cfg(target_os = "linux")]
mod notifying;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
mod resident;
#[cfg(target_os = "linux")]
mod showing;

#[cfg(target_os = "linux")]
pub use resident::{Failed, run};
