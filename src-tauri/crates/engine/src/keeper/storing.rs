//! From the provider's answer into the vault: tried again while that can help, and held on to where it can't.

use std::sync::PoisonError;
use std::time::Duration;

use super::{KeepError, Keeper};
use crate::account::AccountName;
use crate::credentials::Credentials;
use crate::vault;

/// How often storing is tried: the old refresh token is used up, so what is not stored is lost.
const ATTEMPTS: u32 = 8;
/// The pause before the second attempt; it doubles, to half a minute in all.
const PAUSE: Duration = Duration::from_millis(250);

impl Keeper {
    /// Stores, and tries again where that can help.
    pub(super) async fn store(&self, next: &Credentials) -> Result<(), KeepError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match vault::write_credentials(self.vault.as_ref(), next).await {
                Ok(()) => return Ok(()),
                Err(why) if !why.may_pass() => return Err(why.into()),
                Err(why) => tracing::warn!("storing {} failed, trying again: {why}", next.account),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(vault::write_credentials(self.vault.as_ref(), next).await?)
    }

    /// Stores; what can't be stored is held on to while this process lives, since it is all that is left of the sign-in.
    pub(super) async fn store_or_hold(&self, next: &Credentials) -> Result<(), KeepError> {
        let stored = self.store(next).await;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match stored {
            Ok(()) => held.remove(&next.account),
            Err(_) => held.insert(next.account.clone(), next.clone()),
        };
        stored
    }

    /// What could not be stored before, where it still follows on what the vault has.
    pub(super) fn held_after(&self, base: &Credentials) -> Option<Credentials> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&base.account).filter(|held| held.version == base.version + 1).cloned()
    }

    /// One more try before the end, for all that is still held.
    pub(super) async fn store_held(&self) {
        let held: Vec<(AccountName, Credentials)> =
            self.held.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        for (account, credentials) in held {
            let Ok(_turn) = self.turn(&account).await else { continue };
            let follows = self
                .read(&account)
                .await
                .is_ok_and(|base| base.is_some_and(|base| base.version + 1 == credentials.version));
            if follows && let Err(why) = vault::write_credentials(self.vault.as_ref(), &credentials).await {
                tracing::error!("the renewed sign-in of {account} could not be stored: {why}");
            }
        }
    }
}
