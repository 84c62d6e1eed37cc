//! How much of an account's plan is used, where the provider tells.

use super::Engine;
use crate::account::AccountName;
use crate::error::Error;
use crate::keeper::Need;
use crate::provider::UsageWindow;

impl Engine {
    /// How much of the plan's windows is used. Nothing is renewed that is not due.
    ///
    /// # Errors
    /// [`Error::Keep`]; [`Error::Provider`], with `NotAllowed` for a token that is for inference alone.
    pub async fn usage(&self, account: &AccountName) -> Result<Vec<UsageWindow>, Error> {
        let fresh = self.keeper().await?.fresh(account, Need::Living).await?;
        Ok(self.provider.usage(&fresh.access_token).await?)
    }
}
