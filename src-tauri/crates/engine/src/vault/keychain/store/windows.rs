//! The Credential Manager of Windows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::CredentialStore;
use windows_native_keyring_store::Store;

use crate::vault::VaultError;
use crate::vault::keychain::detached::Cause;

/// The longest that a call may take. Credential Manager asks nobody, so anything slower is broken.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// Kept on this machine: one that roamed with the profile would be renewed in two places, and end.
pub(super) fn modifiers() -> HashMap<&'static str, &'static str> {
    HashMap::from([("persistence", "Local")])
}

/// What an error of Windows means. The store tells one apart by its words alone: a session without a user's own keys,
/// such as one over the network.
pub(super) fn explain(cause: &Cause) -> VaultError {
    let words = cause.to_string();
    if words.contains("ERROR_NO_SUCH_LOGON_SESSION") { VaultError::Absent(words) } else { VaultError::Other(words) }
}
