//! The journey of a sign-in to another owner, for good; see [`keeper`](crate::keeper) for its order.

use super::Engine;
use crate::account::AccountName;
use crate::delivery::Carried;
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::keeper::{HandedOver, Need};

impl Engine {
    /// Gives the whole sign-in out, with its refresh token. From now on it is used for nothing here, whatever happens. Once
    /// its new owner has it on the disk, call [`handed_over`](Self::handed_over); where that failed for certain,
    /// [`take_back`](Self::take_back). Until then the vault keeps it, and who calls this again is given the same.
    ///
    /// What is due to be renewed is renewed first, so that its new owner begins with a token that lives. Where that can't be
    /// had now it is given as it is: the new owner can renew it as well as we.
    ///
    /// # Errors
    /// [`Error::NoAccount`] and [`Error::Keep`] where there is none, or nothing of which there may be one owner only; the
    /// vault's, the lock's or the journal's. Then all is as it was.
    pub async fn hand_over(&self, account: &AccountName) -> Result<HandedOver, Error> {
        let keeper = self.keeper().await?;
        if let Err(why) = keeper.fresh(account, Need::NotDue).await {
            tracing::debug!("what is handed over was not renewed: {why}");
        }
        // A sign-in that was refused just now is known as such there.
        Ok(keeper.hand_over(account).await?)
    }

    /// Forgets here what was given out: its new owner has it. It is not ended at the provider. Every copy of its access
    /// token is taken away; what can't be reached stays on the list until it could. A person who has signed in anew
    /// meanwhile stays signed in.
    ///
    /// # Errors
    /// The vault's, the lock's or the journal's. Then call again; the sign-in is used for nothing here meanwhile.
    pub async fn handed_over(&self, given: HandedOver) -> Result<Vec<Carried>, Error> {
        if !self.keeper().await?.forget_handed_over(&given).await? {
            return Ok(Vec::new());
        }
        let account = &given.credentials().account;
        let text = format!("Handed the sign-in of {account} over to another owner.");
        self.journal.note(Event::new(self.clock.now(), Kind::HandedOver, text).to(account))?;
        // Only now: a delivery that is under way can't call it off any more.
        self.journal.withdraw_account(account)?;
        let copies = self.journal.copies()?.into_iter().filter(|copy| copy.account == *account).collect();
        Ok(self.delivery.withdraw(copies).await?)
    }

    /// Goes on using what was given out, since nobody has it: writing it failed, and nothing of it is left there. What was
    /// given out before as well stays unused, as somebody may have it from then.
    ///
    /// # Errors
    /// The vault's, the lock's or the journal's.
    pub async fn take_back(&self, given: HandedOver) -> Result<(), Error> {
        Ok(self.keeper().await?.take_back(&given).await?)
    }
}

#[cfg(test)]
mod tests;
