//! The only writer of credentials: one renewal at a time, stored before it is used.
//!
//! A renewal takes the gate of this process, then the lock between processes, then reads the vault again, since somebody
//! may have renewed meanwhile; only then is the provider asked. Once it has been asked, nothing but the end of the
//! process stops the answer from being stored: not the caller who gave up, not a shutdown.

mod error;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{OnceCell, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

pub use error::KeepError;

use crate::account::{AccountName, Identity};
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::journal::{AccountRow, Event, Journal, Kind, Stage, Trouble};
use crate::provider::{Provider, ProviderError, Tokens, Unrenewed};
use crate::renewal::{Jitter, Policy, is_put_off, later, try_again};
use crate::secret::{SecretBytes, SecretString};
use crate::sign_in::PendingId;
use crate::status::moment;
use crate::vault::{self, Entry, Vault};

/// How long a sign-in lasts where the provider names no end, as the official CLI counts it.
const SIGN_IN_LIVES: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often storing is tried: the old refresh token is used up, so what is not stored is lost.
const STORE_ATTEMPTS: u32 = 8;
/// The pause before the second attempt at storing; it doubles, to half a minute in all.
const STORE_PAUSE: Duration = Duration::from_millis(250);

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
        let (gates, reconciled, tasks) = (Mutex::default(), OnceCell::new(), TaskTracker::new());
        Self { vault, provider, journal, state, clock, policy, gates, reconciled, tasks }
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
            if before.as_ref().is_some_and(|row| row.stage == Stage::Leaving && row.version == current.version) {
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

    /// Takes the tokens of a new sign-in in, in place of an earlier one under the same name. The earlier one, where there
    /// is one, comes back, so that it can be ended at the provider.
    ///
    /// # Errors
    /// [`KeepError::Vault`], [`KeepError::Lock`] or [`KeepError::Journal`]; then nothing has changed.
    pub async fn adopt(
        self: &Arc<Self>,
        account: &AccountName,
        sign_in: SignedIn,
    ) -> Result<(Credentials, Option<Credentials>), KeepError> {
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            let _turn = keeper.turn(&account).await?;
            let earlier = keeper.read(&account).await?;
            let now = keeper.clock.now();
            let next = Credentials {
                provider: keeper.provider.endpoints().name.clone(),
                access_token: sign_in.access_token,
                refresh_token: sign_in.refresh_token,
                access_token_ends: sign_in.access_token_ends,
                sign_in_ends: sign_in.sign_in_ends.unwrap_or_else(|| later(now, SIGN_IN_LIVES)),
                scopes: sign_in.scopes,
                identity: sign_in.identity,
                version: earlier.as_ref().map_or(0, |it| it.version) + 1,
                created: now,
                updated: now,
                refresh_count: 0,
                account,
            };
            // A new name stands in the journal before the vault has it: should this process end in between, nothing lies
            // in the vault that nobody knows of.
            if earlier.is_none() {
                keeper.journal.keep_account(&next)?;
            }
            if let Err(why) = keeper.store(&next).await {
                if earlier.is_none() {
                    keeper.journal.forget_account(&next.account)?;
                }
                return Err(why);
            }
            keeper.journal.keep_account(&next)?;
            Ok((next, earlier))
        });
        work.await.unwrap_or(Err(KeepError::Stopped))
    }

    /// Ends a sign-in: at the provider, then here. Where the provider can't be told, the sign-in stays in the vault for
    /// that alone and is used for nothing else; call again later.
    ///
    /// # Errors
    /// [`KeepError::Provider`] where the provider could not be told; [`KeepError::SignedOut`] where there is none.
    pub async fn end(self: &Arc<Self>, account: &AccountName) -> Result<(), KeepError> {
        let (keeper, account) = (self.clone(), account.clone());
        let work = self.tasks.spawn(async move {
            let _turn = keeper.turn(&account).await?;
            let current = keeper.read_or_forget(&account).await?;
            let row = keeper.row_of(&current)?;
            if let Err(why) = keeper.revoke(&current).await {
                keeper.journal.set_stage(&account, Stage::Leaving, None)?;
                keeper.put_off(&row, &why)?;
                return Err(why.into());
            }
            keeper.vault.delete(Entry::Account(&account)).await?;
            keeper.journal.forget_account(&account)?;
            Ok(())
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

    /// Ends, at the provider, a sign-in that is kept nowhere any more. One of another provider is left to end by itself.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn revoke(&self, credentials: &Credentials) -> Result<(), ProviderError> {
        if credentials.provider != self.provider.endpoints().name {
            return Ok(());
        }
        self.provider.revoke(&credentials.refresh_token).await
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

    /// `before` is the journal's row as it was before the turn was waited for.
    async fn renew(
        &self,
        turn: Turn,
        account: &AccountName,
        need: Need,
        before: Option<AccountRow>,
    ) -> Result<Credentials, KeepError> {
        let base = self.read_or_forget(account).await?;
        if self.fits(&base, need) {
            return Ok(base);
        }
        if base.provider != self.provider.endpoints().name {
            return Err(KeepError::OtherProvider { account: account.clone(), provider: base.provider });
        }
        let row = self.row_of(&base)?;
        // Who wants a later token at any price asks all the same, unless somebody has just been told no.
        let may_ask = matches!(need, Need::After(_)) && before.as_ref() == Some(&row);
        let why = || row.trouble.as_ref().map_or_else(String::new, |it| it.what.clone());
        match (row.stage, row.not_before) {
            (Stage::Leaving, _) => return Err(KeepError::SignedOut(account.clone())),
            (Stage::Refused, _) if !may_ask => {
                return Err(KeepError::SignInNeeded { account: account.clone(), why: why() });
            }
            (Stage::Kept, Some(next)) if !may_ask && is_put_off(self.clock.now(), next) => {
                return Err(KeepError::Later { account: account.clone(), why: why(), next });
            }
            _ => {}
        }
        let asked = self.clock.now();
        match self.provider.renew(&base.refresh_token, &base.scopes).await {
            Ok(tokens) => self.commit(base, tokens, asked, turn).await,
            Err(Unrenewed { why, successor }) => {
                if let Some(refresh_token) = successor {
                    self.store(&Credentials { refresh_token, ..base }).await?;
                }
                Err(self.failed(&row, &why)?)
            }
        }
    }

    /// Stores what the provider answered, unless the vault has something newer by now: a late answer never wins.
    async fn commit(
        &self,
        base: Credentials,
        tokens: Tokens,
        asked: Timestamp,
        _turn: Turn,
    ) -> Result<Credentials, KeepError> {
        match self.read(&base.account).await {
            Ok(Some(newer)) if newer.version != base.version => return Ok(newer),
            Ok(None) => return Err(KeepError::SignedOut(base.account)),
            // What can't be read now can perhaps be written in a moment; giving up here would lose the sign-in.
            Ok(Some(_)) | Err(_) => {}
        }
        let next = Credentials {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.unwrap_or(base.refresh_token),
            access_token_ends: later(asked, tokens.access_token_lives),
            scopes: if tokens.scopes.is_empty() { base.scopes } else { tokens.scopes },
            version: base.version + 1,
            updated: self.clock.now(),
            refresh_count: base.refresh_count + 1,
            ..base
        };
        self.store(&next).await?;
        self.journal.keep_account(&next)?;
        let until = moment(next.access_token_ends, next.updated, &TimeZone::system());
        let text = format!("Renewed {}: fresh until {until}.", next.account);
        self.journal.note(Event::new(next.updated, Kind::Renewed, text).to(&next.account))?;
        Ok(next)
    }

    async fn store(&self, next: &Credentials) -> Result<(), KeepError> {
        let mut pause = STORE_PAUSE;
        for _ in 1..STORE_ATTEMPTS {
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

    /// Notes a failed renewal, and says what it means.
    fn failed(&self, row: &AccountRow, why: &ProviderError) -> Result<KeepError, KeepError> {
        let (account, now) = (&row.name, self.clock.now());
        if let ProviderError::Refused { .. } = why {
            let fix = format!("Sign in again: `tokenferry login --account {account}`.");
            self.journal.set_stage(account, Stage::Refused, Some(&Trouble { fix, ..trouble(why) }))?;
            self.journal
                .note(Event::new(now, Kind::Refused, format!("{account} must sign in again: {why}")).to(account))?;
            return Ok(KeepError::SignInNeeded { account: account.clone(), why: why.to_string() });
        }
        let next = self.put_off(row, why)?;
        if row.failures == 0 {
            let text = format!("Renewing {account} failed, and is tried again: {why}");
            self.journal.note(Event::new(now, Kind::RenewalFailed, text).to(account))?;
        }
        Ok(KeepError::Later { account: account.clone(), why: why.to_string(), next })
    }

    /// Notes one more failure, and says when to try again.
    fn put_off(&self, row: &AccountRow, why: &ProviderError) -> Result<Timestamp, KeepError> {
        let jitter = Jitter::of(&row.name, row.version + u64::from(row.failures));
        let next = try_again(self.clock.now(), row.failures + 1, why.retry_after(), jitter);
        self.journal.renewal_failed(&row.name, &trouble(why), next)?;
        Ok(next)
    }
}

fn trouble(why: &ProviderError) -> Trouble {
    Trouble { code: why.code().to_owned(), what: why.to_string(), fix: String::new() }
}

/// Whether the journal's row is of this very record of the vault. It is not where a process ended between the two.
fn is_of(row: &AccountRow, truth: &Credentials) -> bool {
    (row.version, &row.fingerprint) == (truth.version, &truth.fingerprint())
}

/// What a new sign-in brings.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What takers are given.
    pub access_token: SecretString,
    /// What stays here.
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub access_token_ends: Timestamp,
    /// When the sign-in ends, where that was told.
    pub sign_in_ends: Option<Timestamp>,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// Who it is.
    pub identity: Identity,
}
