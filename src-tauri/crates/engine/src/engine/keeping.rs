//! The journey of a renewal on request.

use std::time::Duration;

use super::Engine;
use crate::account::AccountName;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::keeper::{KeepError, Need};
use crate::renewal;

/// How long a person or a script waits for a token whose renewal fails for the moment.
const TOKEN_PATIENCE: Duration = Duration::from_secs(20);

impl Engine {
    /// A token that lives, renewed where it must be. Waits up to 20 seconds where renewing fails for the moment.
    ///
    /// # Errors
    /// [`Error::Keep`]
    pub async fn token(&self, account: &AccountName) -> Result<Credentials, Error> {
        let give_up = renewal::later(self.clock.now(), TOKEN_PATIENCE);
        loop {
            match self.keeper().await?.fresh(account, Need::Living).await {
                Err(KeepError::Later { next, .. }) if next < give_up => {
                    tokio::time::sleep(renewal::wait(self.clock.now(), next)).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Renews at once, due or not.
    ///
    /// # Errors
    /// [`Error::Keep`]; also where there is nothing to renew, as with a one-year token or an API key.
    pub async fn refresh(&self, account: &AccountName) -> Result<Credentials, Error> {
        let keeper = self.keeper().await?;
        let current = keeper.read(account).await?.ok_or_else(|| Error::NoAccount(account.clone()))?;
        Ok(keeper.fresh(account, Need::After(current.version)).await?)
    }
}
