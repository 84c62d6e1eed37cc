//! The system's keychain as a vault: the Secret Service on Linux, the stores of the keyring family elsewhere.

#[cfg(any(test, not(target_os = "linux")))]
mod detached;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(not(target_os = "linux"))]
mod store;

#[cfg(target_os = "linux")]
pub(super) use secret_service::Keychain;
#[cfg(not(target_os = "linux"))]
pub(super) use store::Keychain;
