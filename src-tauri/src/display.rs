//! Whether there is a screen to show a window on.

use std::ffi::OsString;

/// What is said where there is none.
pub(crate) const NO_DISPLAY: &str = "There is no screen here to show a window on (neither DISPLAY nor WAYLAND_DISPLAY is set).
Tokenferry works without one: sign in with `tokenferry login --paste`, and keep everything fresh with `tokenferry run`.";

/// Whether a window can be shown. Without a screen GTK would end the process.
pub(crate) fn is_there(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
