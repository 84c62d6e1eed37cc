//! New sign-ins, and such as are taken over from somebody else: into the vault, in place of an earlier one.

use std::sync::Arc;

use jiff::Timestamp;

use super::{KeepError, Keeper, Turn};
use crate::account::{AccountName, Identity};
use crate::credentials::{Credentials, Kind};
use crate::journal::Stage;
use crate::provider::Unrenewed;
use crate::renewal::later;
use crate::secret::SecretString;

/// How long a sign-in lasts where the provider names no end, as the official CLI counts it.
const SIGN_IN_LIVES: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// What a new sign-in brings.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What it is.
    pub kind: Kind,
    /// What takers are given.
    pub access_token: SecretString,
    /// What stays here; empty where there is none.
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub access_token_ends: Timestamp,
    /// When the sign-in ends, where that was told. What is never renewed ends with its token.
    pub sign_in_ends: Option<Timestamp>,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// Who it is.
    pub identity: Identity,
}

impl SignedIn {
    /// When it is over, as seen at `now`.
    fn ends(&self, now: Timestamp) -> Timestamp {
        if !self.kind.is_renewed() {
            return self.access_token_ends;
        }
        self.sign_in_ends.unwrap_or_else(|| later(now, SIGN_IN_LIVES))
    }
}

/// What is kept now, and what it replaces, to be ended at the provider. Not what was being handed over: another has it.
pub type Adopted = (Credentials, Option<Credentials>);

impl Keeper {
    /// Takes the tokens of a new sign-in in, in place of an earlier one under the same name.
    ///
    /// # Errors
    /// [`KeepError::Vault`], [`KeepError::Lock`] or [`KeepError::Journal`]; then nothing has changed.
    pub async fn adopt(self: &Arc<Self>, account: &AccountName, sign_in: SignedIn) -> Result<Adopted, KeepError> {
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            let turn = keeper.turn(&account).await?;
            keeper.adopt_in(turn, account, sign_in).await
        });
        work.await.unwrap_or(Err(KeepError::Stopped))
    }

    /// Takes a sign-in of another owner's over: renews it, so that no other copy is good any more, and keeps what came of
    /// that.
    ///
    /// # Errors
    /// [`KeepError::Provider`] where it can't be renewed, as it is used up for instance: then all is as it was. Otherwise as
    /// [`Self::adopt`].
    pub async fn take_over(self: &Arc<Self>, account: &AccountName, sign_in: SignedIn) -> Result<Adopted, KeepError> {
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            // The turn and a vault that answers come first: from the renewal on, what is not stored is lost.
            let turn = keeper.turn(&account).await?;
            keeper.read(&account).await?;
            let asked = keeper.clock.now();
            let renewed = match keeper.provider.renew(&sign_in.refresh_token, &sign_in.scopes).await {
                Ok(tokens) => SignedIn {
                    access_token: tokens.access_token,
                    refresh_token: tokens.refresh_token.unwrap_or(sign_in.refresh_token),
                    access_token_ends: later(asked, tokens.access_token_lives),
                    scopes: if tokens.scopes.is_empty() { sign_in.scopes } else { tokens.scopes },
                    identity: sign_in.identity.or(tokens.identity),
                    ..sign_in
                },
                // What the other owner has is used up all the same.
                Err(Unrenewed { successor: Some(refresh_token), .. }) => SignedIn { refresh_token, ..sign_in },
                Err(Unrenewed { why, .. }) => return Err(why.into()),
            };
            keeper.adopt_in(turn, account, renewed).await
        });
        work.await.unwrap_or(Err(KeepError::Stopped))
    }

    async fn adopt_in(&self, _turn: Turn, account: AccountName, sign_in: SignedIn) -> Result<Adopted, KeepError> {
        let earlier = self.read(&account).await?;
        let now = self.clock.now();
        let next = Credentials {
            kind: sign_in.kind,
            sign_in_ends: sign_in.ends(now),
            provider: self.provider.endpoints().name.clone(),
            access_token: sign_in.access_token,
            refresh_token: sign_in.refresh_token,
            access_token_ends: sign_in.access_token_ends,
            scopes: sign_in.scopes,
            identity: sign_in.identity,
            version: earlier.as_ref().map_or(0, |it| it.version) + 1,
            created: now,
            updated: now,
            refresh_count: 0,
            account,
        };
        let row = self.journal.account(&next.account)?;
        let is_anothers = row.is_some_and(|row| row.stage == Stage::HandingOver);
        // A new name stands in the journal before the vault has it: should this process end in between, nothing lies in
        // the vault that nobody knows of.
        if earlier.is_none() {
            self.journal.keep_account(&next)?;
        }
        if let Err(why) = self.store(&next).await {
            if earlier.is_none() {
                self.journal.forget_account(&next.account)?;
            }
            return Err(why);
        }
        self.journal.keep_account(&next)?;
        Ok((next, earlier.filter(|_| !is_anothers)))
    }
}
