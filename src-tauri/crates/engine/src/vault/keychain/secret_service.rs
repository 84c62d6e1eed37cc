//! The Secret Service of Linux desktops: gnome-keyring, KWallet, KeePassXC.
//!
//! No call can hang the program: each has a deadline, also where a person is asked to unlock. Each makes a connection of
//! its own (some 15 ms), since one that is kept would outlive a restart of the keychain and fail then.

mod words;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secret_service::{EncryptionType, Error, Item, SecretService};
use tokio::time::timeout;
use zbus::{Connection, fdo};

use crate::secret::SecretBytes;
use crate::vault::{Entry, Vault, VaultError, VaultKind};
use words::meaning;

const SERVICE: &str = "org.freedesktop.secrets";

/// The longest that a call to an open keychain may take. D-Bus may have to start the service first; the rest is
/// milliseconds.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a person has to find the prompt and type the password.
const PROMPT: Duration = Duration::from_secs(60);

/// How long nobody is asked again after a prompt that came to nothing: a background process must not nag. An unlocked
/// keychain is noticed at once all the same.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// What a default collection is called that is made here, as where nobody has ever logged in with a password:
/// gnome-keyring's own name for it.
const NEW_COLLECTION: &str = "Login";

const CONTENT_TYPE: &str = "application/octet-stream";

/// The system's keychain, under one service name.
#[derive(Debug)]
pub(in crate::vault) struct Keychain {
    service: String,
    /// When a prompt last came to nothing.
    unanswered: Mutex<Option<Instant>>,
}

/// What a call needs of the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// The entry, if there is one.
    Present,
    /// The entry, or else a place for a new one.
    Room,
}

/// What lies open, without asking anybody.
enum Sight<'a> {
    Entry(Item<'a>),
    Nothing,
    /// As many for the same account.
    Several(usize),
    /// Something must be unlocked or made first.
    Closed,
}

impl Keychain {
    /// The keychain's entries of `service`. Asks nothing yet.
    pub(in crate::vault) fn new(service: &str) -> Self {
        Self { service: service.to_owned(), unanswered: Mutex::default() }
    }

    /// The entry, having unlocked, or made, what the call needs. `None` where there is none.
    async fn find<'a>(
        &self,
        keychain: &'a SecretService<'_>,
        user: &str,
        want: Want,
    ) -> Result<Option<Item<'a>>, VaultError> {
        let mut seen = answer(self.look(keychain, user, want)).await?;
        if matches!(seen, Sight::Closed) {
            self.ask(keychain, user).await?;
            seen = answer(self.look(keychain, user, want)).await?;
        }
        match seen {
            Sight::Entry(item) => Ok(Some(item)),
            Sight::Nothing => Ok(None),
            Sight::Several(entries) => Err(VaultError::Other(format!(
                "it holds {entries} entries for the same account; delete all but one with the system's keychain program"
            ))),
            Sight::Closed => Err(VaultError::Locked),
        }
    }

    /// Nothing found counts only while the default collection is open: some services hide what is locked.
    async fn look<'a>(&self, keychain: &'a SecretService<'_>, user: &str, want: Want) -> Result<Sight<'a>, Error> {
        let found = keychain.search_items(self.attributes(user)).await?;
        let mut open = found.unlocked;
        if open.len() > 1 {
            return Ok(Sight::Several(open.len()));
        }
        if let Some(item) = open.pop() {
            return Ok(Sight::Entry(item));
        }
        if !found.locked.is_empty() {
            return Ok(Sight::Closed);
        }
        Ok(match keychain.get_default_collection().await {
            Ok(collection) if collection.is_locked().await? => Sight::Closed,
            Ok(_) => Sight::Nothing,
            Err(Error::NoResult) if want == Want::Present => Sight::Nothing,
            Err(Error::NoResult) => Sight::Closed,
            Err(error) => return Err(error),
        })
    }

    /// Has a person open the keychain, unless nobody answered the last time.
    async fn ask(&self, keychain: &SecretService<'_>, user: &str) -> Result<(), VaultError> {
        if self.keeps_quiet() {
            return Err(VaultError::Locked);
        }
        let opened = match timeout(PROMPT, self.open(keychain, user)).await {
            Ok(opened) => opened.map_err(|error| meaning(&error)),
            Err(_) => Err(VaultError::Locked),
        };
        self.note(opened.is_err());
        opened
    }

    /// Unlocks the entry, or the default collection, or makes that; each may ask the person.
    async fn open(&self, keychain: &SecretService<'_>, user: &str) -> Result<(), Error> {
        let items = keychain.search_items(self.attributes(user)).await?;
        if !items.locked.is_empty() {
            return keychain.unlock_all(&items.locked.iter().collect::<Vec<_>>()).await;
        }
        match keychain.get_default_collection().await {
            Err(Error::NoResult) => keychain.create_collection(NEW_COLLECTION, "default").await.map(drop),
            Ok(collection) => collection.unlock().await,
            Err(error) => Err(error),
        }
    }

    /// By what an entry is found: as the stores of the keyring family would.
    fn attributes<'a>(&'a self, user: &'a str) -> HashMap<&'a str, &'a str> {
        HashMap::from([("service", self.service.as_str()), ("username", user)])
    }

    fn keeps_quiet(&self) -> bool {
        let unanswered = *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        unanswered.is_some_and(|at| at.elapsed() < QUIET)
    }

    fn note(&self, failed: bool) {
        *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner) = failed.then(Instant::now);
    }
}

#[async_trait]
impl Vault for Keychain {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        let keychain = connect().await?;
        match self.find(&keychain, &entry.to_string(), Want::Present).await? {
            Some(item) => answer(item.get_secret()).await.map(|secret| Some(SecretBytes::new(secret))),
            None => Ok(None),
        }
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        let (keychain, user) = (connect().await?, entry.to_string());
        if let Some(item) = self.find(&keychain, &user, Want::Room).await? {
            return answer(item.set_secret(content.expose(), CONTENT_TYPE)).await;
        }
        answer(async {
            let collection = keychain.get_default_collection().await?;
            let label = format!("Tokenferry ({user})");
            let made = collection.create_item(&label, self.attributes(&user), content.expose(), true, CONTENT_TYPE);
            made.await.map(drop)
        })
        .await
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        let keychain = connect().await?;
        match self.find(&keychain, &entry.to_string(), Want::Present).await? {
            Some(item) => answer(item.delete()).await,
            None => Ok(()),
        }
    }
}

/// A session with the service, encrypted, so that secrets don't show in a monitor of the bus.
async fn connect() -> Result<SecretService<'static>, VaultError> {
    let unreachable = |error| VaultError::Absent(format!("the D-Bus session can't be reached ({error})"));
    let bus = timeout(ANSWER, Connection::session()).await.map_err(|_| VaultError::TimedOut(ANSWER))?;
    let bus = bus.map_err(unreachable)?;
    answer(async {
        greet(&bus).await;
        SecretService::connect_with_existing(EncryptionType::Dh, bus).await
    })
    .await
}

/// gnome-keyring may end itself where a connection's first request opens a session: it races with noting who asks
/// (`gkd_secret_service_get_pkcs11_session: assertion 'client' failed`). So the first one asks for nothing.
async fn greet(bus: &Connection) {
    if let Ok(peer) = fdo::PeerProxy::new(bus, SERVICE, "/org/freedesktop/secrets").await {
        // What stands in the way of this stands in the way of the session, which tells it better.
        let _ = peer.ping().await;
    }
}

/// A call that asks nobody.
async fn answer<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, VaultError> {
    match timeout(ANSWER, call).await {
        Ok(answered) => answered.map_err(|error| meaning(&error)),
        Err(_) => Err(VaultError::TimedOut(ANSWER)),
    }
}
