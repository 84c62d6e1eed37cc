//! The only writer of credentials: one renewal at a time, stored before it is used.
//!
//! A renewal takes the gate of this process, then the lock between processes, then reads the vault again, since somebody
//! may have renewed meanwhile; only then is the provider asked. Once it has been asked, nothing but the end of the
//! process stops the answer from being stored: not the caller who gave up, not a shutdown.

mod adopting;
mod error;
mod handing_over;
mod renewing;
mod storing;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{OnceCell, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

pub use adopting::{Adopted, SignedIn};
pub use error::KeepError;
pub use handing_over::HandedOver;

use crate::account::AccountName;
use crate::clock::Clock;
use crate::credentials::{Credentials, Kind};
use crate::journal::{AccountRow, Journal, Stage};
use crate::provider::{Provider, ProviderError};
use crate::renewal::{Jitter, Policy};
use crate::secret::SecretBytes;
use crate::sign_in::PendingId;
use crate::vault::{self, Entry, Vault};

/// Keeps the credentials of all accounts.
#[derive(Debug)]
pub struct Keeper {
    vault: Arc<dyn Vault>,
    provider: Arc<Provider>,
    journal: Arc<Journal>,
    state: PathBuf,
    clock: Clock,
    policy: Policy,
    gates: Mutex<HashMap<AccountName, Arc<tokio::sync::Mutex<()>>>>,
    /// Renewed, and not stored yet.
    held: Mutex<HashMap<AccountName, Credentials>>,
    reconciled: OnceCell<()>,
    tasks: TaskTracker,
}

/// What the caller needs of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// One that still lives.
    Living,
    /// One that is not due to be renewed.
    NotDue,
    /// One of a later version than this, whatever its age.
    After(u64),
}

/// What became, at the provider, of credentials that were ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// They are good for nothing any more.
    Ended,
    /// They are good there until their end, where they have one, or until their owner deletes them.
    Outlived(Kind, Option<Timestamp>),
}

/// The right to change one account's credentials: the gate and the lock, both held.
struct Turn {
    _lock: vault::lock::Lock,
    _gate: OwnedMutexGuard<()>,
}

impl Keeper {
    /// A keeper over this vault and provider. `state` is the folder that has the locks.
    pub fn new(
        vault: Arc<dyn Vault>,
        provider: Arc<Provider>,
        journal: Arc<Journal>,
        state: PathBuf,
        clock: Clock,
        policy: Policy,
    ) -> Self {
        let (gates, held, reconciled, tasks) =
            (Mutex::default(), Mutex::default(), OnceCell::new(), TaskTracker::new());
        Self { vault, provider, journal, state, clock, policy, gates, held, reconciled, tasks }
    }

    /// What the vault has of an account.
    ///
    /// # Errors
    /// [`KeepError::Vault`]
    pub async fn read(&self, account: &AccountName) -> Result<Option<Credentials>, KeepError> {
        Ok(vault::read_credentials(self.vault.as_ref(), account).await?)
    }

    /// Credentials that fit the need, renewed if they must be. Only one process at a time asks the provider, and whoever
    /// waited meanwhile takes what it has stored.
    ///
    /// # Errors
    /// See [`KeepError`]; `SignInNeeded` alone is final.
    pub async fn fresh(self: &Arc<Self>, account: &AccountName, need: Need) -> Result<Credentials, KeepError> {
        let before = self.journal.account(account)?;
        if let Some(current) = self.read(account).await? {
            if before.as_ref().is_some_and(|row| row.stage.is_over() && row.version == current.version) {
                return Err(KeepError::SignedOut(account.clone()));
            }
            if self.fits(&current, need) {
                return Ok(current);
            }
        }
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            let turn = keeper.turn(&account).await?;
            keeper.renew(turn, &account, need, before).await
        });
        work.await.unwrap_or(Err(KeepError::Stopped))
    }

    /// Ends a sign-in: at the provider, then here. Where the provider can't be told, the sign-in stays in the vault for
    /// that alone and is used for nothing else; call again later. One that was being handed over is forgotten here alone:
    /// somebody else may have it, and only that owner ends it.
    ///
    /// # Errors
    /// [`KeepError::Provider`] where the provider could not be told; [`KeepError::SignedOut`] where there is none.
    pub async fn end(self: &Arc<Self>, account: &AccountName) -> Result<Farewell, KeepError> {
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            let _turn = keeper.turn(&account).await?;
            let current = keeper.read_or_forget(&account).await?;
            let row = keeper.row_of(&current)?;
            // A sign-in whose own end has come needs nobody's word any more.
            let over = current.sign_in_ends <= keeper.clock.now();
            let is_anothers = row.stage == Stage::HandingOver;
            let told = if is_anothers { Ok(false) } else { keeper.revoke(&current).await };
            if let Err(why) = &told
                && !over
            {
                keeper.journal.set_stage(&account, Stage::Leaving, None)?;
                keeper.put_off(&row, why)?;
                return Err(why.clone().into());
            }
            keeper.vault.delete(Entry::Account(&account)).await?;
            keeper.journal.forget_account(&account)?;
            // A refresh token that is refused has ended before; a token alone, or a key, may well live on.
            let outlives = matches!(told, Ok(false)) && !current.kind.is_renewed() && !over;
            Ok(if outlives { Farewell::Outlived(current.kind, current.ends()) } else { Farewell::Ended })
        });
        work.await.unwrap_or(Err(KeepError::Stopped))
    }

    /// Removes a sign-in here alone: one that can't be read any more can't be ended at the provider either.
    ///
    /// # Errors
    /// [`KeepError::Vault`], [`KeepError::Lock`] or [`KeepError::Journal`]
    pub async fn remove(&self, account: &AccountName) -> Result<(), KeepError> {
        let _turn = self.turn(account).await?;
        self.vault.delete(Entry::Account(account)).await?;
        Ok(self.journal.forget_account(account)?)
    }

    /// Ends, at the provider, what is kept nowhere any more. What is of another provider is left to end by itself, and an
    /// API key to its owner. False where it was not ended.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn revoke(&self, credentials: &Credentials) -> Result<bool, ProviderError> {
        match credentials.grant() {
            Some(grant) if credentials.provider == self.provider.endpoints().name => self.provider.revoke(&grant).await,
            _ => Ok(false),
        }
    }

    /// Keeps a sign-in that waits for its code.
    ///
    /// # Errors
    /// [`KeepError::Vault`], here and below.
    pub async fn keep_pending(&self, id: &PendingId, record: &SecretBytes) -> Result<(), KeepError> {
        Ok(self.vault.write(Entry::PendingSignIn(&id.0), record).await?)
    }

    /// The record of a sign-in that waits.
    pub async fn pending(&self, id: &PendingId) -> Result<Option<SecretBytes>, KeepError> {
        Ok(self.vault.read(Entry::PendingSignIn(&id.0)).await?)
    }

    /// Forgets a sign-in that waited.
    pub async fn forget_pending(&self, id: &PendingId) -> Result<(), KeepError> {
        Ok(self.vault.delete(Entry::PendingSignIn(&id.0)).await?)
    }

    /// Brings the journal's row up to what the vault has, which is the truth: a process may have ended between the two.
    ///
    /// # Errors
    /// [`KeepError::Journal`]
    pub fn reconcile(&self, row: &AccountRow, truth: &Credentials) -> Result<(), KeepError> {
        if !is_of(row, truth) {
            self.journal.catch_up(truth)?;
        }
        Ok(())
    }

    /// As [`Self::reconcile`], once, for every account of the journal; one that the vault has nothing of is forgotten.
    ///
    /// # Errors
    /// [`KeepError`]; call again.
    pub async fn reconcile_all(&self) -> Result<(), KeepError> {
        let reconcile = async || {
            for AccountRow { name, .. } in self.journal.accounts()? {
                let _turn = self.turn(&name).await?;
                match self.read_or_forget(&name).await {
                    Ok(truth) => self.row_of(&truth).map(drop)?,
                    Err(KeepError::SignedOut(_)) => {}
                    Err(why) => return Err(why),
                }
            }
            Ok(())
        };
        self.reconciled.get_or_try_init(reconcile).await.copied()
    }

    /// When the account's token is due to be renewed.
    pub fn due(&self, account: &AccountName, version: u64, made: Timestamp, ends: Timestamp) -> Timestamp {
        self.policy.due(self.clock.now(), made, ends, Jitter::of(account, version))
    }

    /// Waits until all that was begun has been stored. Nothing new is begun by this keeper's owner meanwhile.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
        self.store_held().await;
    }

    async fn turn(&self, account: &AccountName) -> Result<Turn, KeepError> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.entry(account.clone()).or_default().clone()
        };
        let gate = gate.lock_owned().await;
        let lock = vault::lock::account(&self.state, account).await?;
        Ok(Turn { _lock: lock, _gate: gate })
    }

    fn fits(&self, credentials: &Credentials, need: Need) -> bool {
        let now = self.clock.now();
        let living = credentials.access_token_ends > now;
        match need {
            Need::Living => living,
            Need::NotDue if !credentials.kind.is_renewed() => living,
            Need::NotDue => {
                let Credentials { account, version, updated, access_token_ends, .. } = credentials;
                living && self.policy.due(now, *updated, *access_token_ends, Jitter::of(account, *version)) > now
            }
            Need::After(version) => living && credentials.version > version,
        }
    }

    /// What the vault has of an account. Where it has nothing, the journal forgets it too. Takes a [`Turn`].
    async fn read_or_forget(&self, account: &AccountName) -> Result<Credentials, KeepError> {
        if let Some(current) = self.read(account).await? {
            return Ok(current);
        }
        self.journal.forget_account(account)?;
        Err(KeepError::SignedOut(account.clone()))
    }

    /// The journal's row of what the vault has, brought up to it.
    fn row_of(&self, truth: &Credentials) -> Result<AccountRow, KeepError> {
        let account = &truth.account;
        if let Some(row) = self.journal.account(account)?.filter(|row| is_of(row, truth)) {
            return Ok(row);
        }
        self.journal.keep_account(truth)?;
        self.journal.account(account)?.ok_or_else(|| KeepError::SignedOut(account.clone()))
    }
}

/// Whether the journal's row is of this very record of the vault. It is not where a process ended between the two.
fn is_of(row: &AccountRow, truth: &Credentials) -> bool {
    (row.version, &row.fingerprint) == (truth.version, &truth.fingerprint())
}
