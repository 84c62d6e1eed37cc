//! Whether Tokenferry starts when the person logs in, where that can be set.

use crate::told::Told;

/// Whether it does; none where that can't be set here.
pub(crate) fn is_set() -> Option<bool> {
    None
}

/// Has it start at login, or not.
pub(crate) fn set(_on: bool) -> Result<(), Told> {
    Err(Told::new("not_here", "Starting at login can't be set here.", ""))
}
