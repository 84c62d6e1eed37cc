//! The Secret Service of Linux desktops: gnome-keyring, KWallet, KeePassXC.
//!
//! The store would unlock by itself, and wait for the person without an end. So the gate looks first, unlocks with a
//! deadline, and lets the store through only to what is open.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyring_core::CredentialStore;
use secret_service::{EncryptionType, SecretService};
use tokio::time::timeout;
use zbus::fdo;
use zbus_secret_service_keyring_store::Store;

use super::{Found, VaultError, Want};

const SERVICE: &str = "org.freedesktop.secrets";

/// The longest that a call to an open keychain may take. D-Bus may have to start the service first; the rest is
/// milliseconds.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// How long a person has to find the prompt and type the password.
const PROMPT: Duration = Duration::from_secs(60);

/// How long nobody is asked again after a prompt that came to nothing: a background process must not nag. An unlocked
/// keychain is noticed at once all the same.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// What a default collection is called that is made here, as where nobody has ever logged in with a password:
/// gnome-keyring's own name for it.
const NEW_COLLECTION: &str = "Login";

/// Secrets pass through this store alone; its session is encrypted, so that they don't show in a monitor of the bus.
pub(super) fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

pub(super) fn modifiers(label: &str) -> HashMap<&'static str, &str> {
    HashMap::from([("label", label)])
}

/// Sees to it that a call finds the keychain open.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// When a prompt last came to nothing.
    unanswered: Mutex<Option<Instant>>,
}

impl Gate {
    /// Says whether there is such an entry, having unlocked, or made, what the call needs.
    pub(super) async fn pass(&self, service: &str, user: &str, want: Want) -> Result<Found, VaultError> {
        let unreachable = |error| VaultError::Absent(format!("the D-Bus session can't be reached ({error})"));
        let bus = timeout(ANSWER, zbus::Connection::session()).await.map_err(|_| VaultError::TimedOut(ANSWER))?;
        let bus = bus.map_err(unreachable)?;
        let keychain = answer(async {
            greet(&bus).await;
            // No secret passes through this session, so it saves the negotiation.
            SecretService::connect_with_existing(EncryptionType::Plain, bus).await
        })
        .await?;
        if let Some(found) = look(&keychain, service, user, want).await? {
            return Ok(found);
        }
        if self.keeps_quiet() {
            return Err(VaultError::Locked);
        }
        let opened = match timeout(PROMPT, open(&keychain, service, user)).await {
            Ok(opened) => opened.map_err(|error| meaning(&error)),
            Err(_) => Err(VaultError::Locked),
        };
        self.note(opened.is_err());
        opened?;
        look(&keychain, service, user, want).await?.ok_or(VaultError::Locked)
    }

    fn keeps_quiet(&self) -> bool {
        let unanswered = *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        unanswered.is_some_and(|at| at.elapsed() < QUIET)
    }

    fn note(&self, failed: bool) {
        *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner) = failed.then(Instant::now);
    }
}

/// gnome-keyring may end itself where a connection's first request opens a session: it races with noting who asks
/// (`gkd_secret_service_get_pkcs11_session: assertion 'client' failed`). So the first one asks for nothing.
async fn greet(bus: &zbus::Connection) {
    if let Ok(peer) = fdo::PeerProxy::new(bus, SERVICE, "/org/freedesktop/secrets").await {
        // What stands in the way of this stands in the way of the session, which tells it better.
        let _ = peer.ping().await;
    }
}

/// What lies open, without asking anybody. `None` where something must be unlocked or made first.
///
/// Nothing found counts only while the default collection is open: some services hide what is locked.
async fn look(
    keychain: &SecretService<'_>,
    service: &str,
    user: &str,
    want: Want,
) -> Result<Option<Found>, VaultError> {
    answer(async {
        let items = keychain.search_items(attributes(service, user)).await?;
        if !items.unlocked.is_empty() {
            return Ok(Some(Found::Something));
        }
        if !items.locked.is_empty() {
            return Ok(None);
        }
        Ok(match keychain.get_default_collection().await {
            Ok(collection) if collection.is_locked().await? => None,
            Ok(_) => Some(Found::Nothing),
            Err(secret_service::Error::NoResult) if want == Want::Present => Some(Found::Nothing),
            Err(secret_service::Error::NoResult) => None,
            Err(error) => return Err(error),
        })
    })
    .await
}

/// Unlocks the entry, or the default collection, or makes that; each may ask the person.
async fn open(keychain: &SecretService<'_>, service: &str, user: &str) -> Result<(), secret_service::Error> {
    let items = keychain.search_items(attributes(service, user)).await?;
    if !items.locked.is_empty() {
        return keychain.unlock_all(&items.locked.iter().collect::<Vec<_>>()).await;
    }
    match keychain.get_default_collection().await {
        Err(secret_service::Error::NoResult) => keychain.create_collection(NEW_COLLECTION, "default").await.map(drop),
        Ok(collection) => collection.unlock().await,
        Err(error) => Err(error),
    }
}

/// By what the store, too, finds an entry.
fn attributes<'a>(service: &'a str, user: &'a str) -> HashMap<&'a str, &'a str> {
    HashMap::from([("service", service), ("username", user)])
}

/// A call that asks nobody.
async fn answer<T>(call: impl Future<Output = Result<T, secret_service::Error>>) -> Result<T, VaultError> {
    match timeout(ANSWER, call).await {
        Ok(answered) => answered.map_err(|error| meaning(&error)),
        Err(_) => Err(VaultError::TimedOut(ANSWER)),
    }
}

/// What an error of the store means.
pub(super) fn explain(cause: &(dyn Error + Send + Sync + 'static)) -> VaultError {
    match cause.downcast_ref() {
        Some(error) => meaning(error),
        None => VaultError::Other(cause.to_string()),
    }
}

fn meaning(error: &secret_service::Error) -> VaultError {
    use secret_service::Error as Said;
    match error {
        Said::Unavailable => absent_service(),
        // A prompt that can't be shown counts as dismissed. Where there is a screen, a person did it.
        Said::Prompt if has_screen() => VaultError::Denied,
        Said::Prompt | Said::PromptDisconnected | Said::Locked | Said::NoResult => VaultError::Locked,
        Said::Zbus(zbus::Error::FDO(error)) => bus(error),
        Said::ZbusFdo(fdo::Error::ZBus(error)) | Said::Zbus(error) => method(error),
        Said::ZbusFdo(error) => bus(error),
        other => VaultError::Other(other.to_string()),
    }
}

/// What the bus itself says.
fn bus(error: &fdo::Error) -> VaultError {
    match error {
        fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_) => absent_service(),
        fdo::Error::AccessDenied(_) | fdo::Error::AuthFailed(_) => VaultError::Denied,
        fdo::Error::ZBus(error) => method(error),
        other => VaultError::Other(other.to_string()),
    }
}

/// What the service, or the way to it, says.
fn method(error: &zbus::Error) -> VaultError {
    match error {
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => VaultError::Locked,
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                absent_service()
            }
            "org.freedesktop.DBus.Error.AccessDenied" => VaultError::Denied,
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => {
                VaultError::Absent("its service could not be started".to_owned())
            }
            _ => VaultError::Other(error.to_string()),
        },
        other => VaultError::Other(other.to_string()),
    }
}

fn absent_service() -> VaultError {
    VaultError::Absent("nothing on the D-Bus session offers org.freedesktop.secrets".to_owned())
}

fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
