//! Whether Tokenferry starts when the person logs in, where that can be set: on Linux it is the resident that does.

use page::{Answer, Told};

/// Whether it does; none where that can't be set here.
pub(crate) fn is_set() -> Option<bool> {
    #[cfg(target_os = "linux")]
    return autostart().map(|autostart| autostart.is_on());
    #[cfg(not(target_os = "linux"))]
    None
}

/// Has it start at login, or not.
pub(crate) fn set(on: bool) -> Answer<()> {
    #[cfg(target_os = "linux")]
    if let Some(autostart) = autostart() {
        return autostart.set(on).map_err(|why| {
            let what = format!("Starting at login could not be set: {why}.");
            Told::new("autostart", what, "Check who owns ~/.config/autostart, and try again.")
        });
    }
    let _ = on;
    Err(Told::not_here("Starting at login can't be set here."))
}

#[cfg(target_os = "linux")]
fn autostart() -> Option<tray::autostart::Autostart> {
    tray::autostart::Autostart::of_process(crate::resident::program())
}
