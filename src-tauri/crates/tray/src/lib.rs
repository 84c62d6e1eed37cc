//! The icon in the panel: its menu and its notices as pure models, which every system draws in its own way; the resident that
//! keeps everything fresh and shows them; and the light one of Linux, which needs no window.

pub mod click;
pub mod icon;
pub mod lock;
pub mod menu;
pub mod notices;
mod notifying;
pub mod resident;
#[cfg(test)]
mod samples;
#[cfg_attr(not(target_os = "linux"), path = "toasts.rs")]
mod showing;
mod words;

#[cfg(target_os = "linux")]
pub mod autostart;
#[cfg(target_os = "linux")]
mod drawing;
#[cfg(target_os = "linux")]
mod lean;
#[cfg(target_os = "linux")]
mod panel;
#[cfg(target_os = "linux")]
mod programs;

#[cfg(target_os = "linux")]
pub use panel::{Failed, run};
