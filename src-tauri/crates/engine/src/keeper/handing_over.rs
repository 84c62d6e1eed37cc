//! A sign-in that goes to another owner, with its refresh token.
//!
//! A refresh token has one owner, and what is given out can't be given and forgotten in one step: a process may end between
//! the two. So a sign-in is first marked, durably, as used for nothing here; then it is given out; and only when its new
//! owner has it on the disk is it forgotten. Wherever this is cut off, the sign-in lies in at least one place, and at most
//! one of them uses it:
//!
//! | cut off | here | there |
//! |---|---|---|
//! | before the mark | used as ever | nothing |
//! | after the mark | kept, used for nothing | nothing, or all of it |
//! | after it was forgotten | nothing | all of it |
//!
//! In the second case a person hands it over again, and is given the same sign-in; or signs in anew. Where writing it has
//! failed for certain, it is taken back. Forgetting first would leave no owner at all where the new one never got to write. Nothing
//! is revoked on the way: that would end what was given.

use super::{KeepError, Keeper};
use crate::account::AccountName;
use crate::credentials::Credentials;
use crate::journal::Stage;
use crate::vault::Entry;

/// A sign-in that was given out. It is kept here, and used for nothing, until it is forgotten or taken back.
#[derive(Debug)]
#[must_use = "the sign-in is used by nobody until it is forgotten here, or taken back"]
pub struct HandedOver {
    credentials: Credentials,
    given_before: bool,
}

impl HandedOver {
    /// The whole sign-in, with its refresh token.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether it was given out before, and neither forgotten nor taken back since: somebody may have it.
    pub fn was_given_before(&self) -> bool {
        self.given_before
    }
}

impl Keeper {
    /// Gives a whole sign-in out. From now on it is used for nothing here. What was given out and neither forgotten nor
    /// taken back is given again.
    ///
    /// # Errors
    /// [`KeepError::SignedOut`], [`KeepError::SignInNeeded`], or [`KeepError::NothingToHandOver`] where there is no refresh
    /// token; the vault's, the lock's or the journal's. Then all is as it was.
    pub async fn hand_over(&self, account: &AccountName) -> Result<HandedOver, KeepError> {
        let _turn = self.turn(account).await?;
        let mut credentials = self.read_or_forget(account).await?;
        if credentials.refresh_token.is_empty() || !credentials.kind.is_renewed() {
            return Err(KeepError::NothingToHandOver { account: account.clone(), kind: credentials.kind });
        }
        // A renewal that could not be stored has used the vault's refresh token up.
        if let Some(held) = self.held_after(&credentials) {
            self.store_or_hold(&held).await?;
            credentials = held;
        }
        let row = self.row_of(&credentials)?;
        match row.stage {
            Stage::Kept | Stage::HandingOver => {}
            Stage::Leaving => return Err(KeepError::SignedOut(account.clone())),
            Stage::Refused => {
                let why = row.trouble.map_or_else(String::new, |trouble| trouble.what);
                return Err(KeepError::SignInNeeded { account: account.clone(), why });
            }
        }
        self.journal.set_handing_over(account, true)?;
        Ok(HandedOver { credentials, given_before: row.stage == Stage::HandingOver })
    }

    /// Forgets what was given out: its new owner has it. False where somebody has signed in anew meanwhile, whose sign-in
    /// stays.
    ///
    /// # Errors
    /// The vault's, the lock's or the journal's; call again.
    pub async fn forget_handed_over(&self, given: &HandedOver) -> Result<bool, KeepError> {
        let account = &given.credentials.account;
        let _turn = self.turn(account).await?;
        if !self.is_still_given(given).await? {
            return Ok(false);
        }
        self.vault.delete(Entry::Account(account)).await?;
        self.journal.forget_account(account)?;
        Ok(true)
    }

    /// Takes back what was given out, where it is certain that nobody has it: not what was given before as well. What is
    /// here by now instead stays.
    ///
    /// # Errors
    /// The vault's, the lock's or the journal's; call again.
    pub async fn take_back(&self, given: &HandedOver) -> Result<(), KeepError> {
        let account = &given.credentials.account;
        let _turn = self.turn(account).await?;
        if !given.given_before && self.is_still_given(given).await? {
            self.journal.set_handing_over(account, false)?;
        }
        Ok(())
    }

    async fn is_still_given(&self, given: &HandedOver) -> Result<bool, KeepError> {
        let account = &given.credentials.account;
        let row = self.journal.account(account)?;
        let is_given = row.is_some_and(|row| row.stage == Stage::HandingOver);
        Ok(is_given && self.read(account).await?.is_some_and(|kept| kept.is_one_with(&given.credentials)))
    }
}
