//! The login keychain of macOS.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apple_native_keyring_store::keychain::Store;
use keyring_core::CredentialStore;

use crate::vault::VaultError;
use crate::vault::keychain::detached::Cause;

/// The longest that a call may take. The system's own prompt is part of it, so a person must be able to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(60);

pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// The login keychain is the store's own choice, and its entries have no labels apart.
pub(super) fn modifiers() -> HashMap<&'static str, &'static str> {
    HashMap::new()
}

/// What an error of the Security framework means. The numbers are those of its `SecBase.h`.
pub(super) fn explain(cause: &Cause) -> VaultError {
    let code = cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code());
    match code {
        // errSecInteractionNotAllowed: locked, and nobody can be asked.
        Some(-25308) => VaultError::Locked,
        // errSecUserCanceled, errSecAuthFailed, errSecInvalidOwnerEdit, wrPermErr, errSecReadOnly.
        Some(-128 | -25293 | -25244 | -61 | -25292) => VaultError::Denied,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain.
        Some(-25291 | -25294 | -25295 | -25307) => VaultError::Absent(cause.to_string()),
        _ => VaultError::Other(cause.to_string()),
    }
}
