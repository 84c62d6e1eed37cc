//! The journey of a renewal: on request, and by the standing work of whoever has the keeper's lock.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::account::AccountName;
use crate::changes::Changes;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::journal::{AccountRow, Event, Kind, Stage};
use crate::keeper::{KeepError, Need};
use crate::renewal;
use crate::vault::{VaultError, lock};

/// How long a person or a script waits for a token whose renewal fails for the moment.
const TOKEN_PATIENCE: Duration = Duration::from_secs(20);
/// Changes come in bursts; looking again after this much takes a whole burst at once.
const BURST: Duration = Duration::from_millis(100);

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
    /// [`Error::Keep`]
    pub async fn refresh(&self, account: &AccountName) -> Result<Credentials, Error> {
        let keeper = self.keeper().await?;
        let current = keeper.read(account).await?.ok_or_else(|| Error::NoAccount(account.clone()))?;
        Ok(keeper.fresh(account, Need::After(current.version)).await?)
    }

    /// Keeps everything fresh until `stop`: renews what is due, delivers what is new, takes away what shall go. Where
    /// another process does that already, stands by and takes over. `tell` is given each event as it happens.
    ///
    /// # Errors
    /// [`Error`] where the state can't be used at all; what fails for a while is noted and tried again.
    pub async fn run(&self, stop: CancellationToken, tell: impl Fn(&Event) + Send) -> Result<(), Error> {
        let late = self.keeper().await.err();
        let _lock = match lock::try_keeper(self.home.state())? {
            Some(lock) => lock,
            None => {
                let text = "Another Tokenferry keeps everything fresh. Standing by.";
                tell(&Event::new(self.clock.now(), Kind::Started, text));
                tokio::select! {
                    lock = lock::keeper(self.home.state()) => lock?,
                    () = stop.cancelled() => return Ok(()),
                }
            }
        };
        let mut troubles = Troubles::default();
        match late {
            // It will be unlocked in a while, at login for instance.
            Some(Error::Vault(why @ (VaultError::Locked | VaultError::TimedOut(_)))) => {
                troubles.tell(vec![Error::Vault(why)], self.clock.now(), &tell);
            }
            Some(why) => return Err(why),
            None => {}
        }
        let changes = Changes::of(&self.home);
        let mut told = self.journal.newest_event()?;
        self.journal.note(Event::new(self.clock.now(), Kind::Started, "Keeping everything fresh."))?;
        while !stop.is_cancelled() {
            // What a stop cuts short is a delivery, which is made anew; a renewal goes on, and is waited for below.
            let round = tokio::select! {
                round = self.round() => round,
                () = stop.cancelled() => break,
            };
            for (number, event) in self.journal.events_since(told, u32::MAX)? {
                tell(&event);
                told = number;
            }
            troubles.tell(round.troubles, self.clock.now(), &tell);
            let pause = renewal::wait(self.clock.now(), round.next);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = changes.next() => tokio::time::sleep(BURST).await,
                () = stop.cancelled() => {}
            }
        }
        self.finish().await;
        let stopped = Event::new(self.clock.now(), Kind::Stopped, "Stopped.");
        tell(&stopped);
        Ok(self.journal.note(stopped)?)
    }

    /// Does what is due now. What fails holds up nothing else.
    async fn round(&self) -> Round {
        let mut round = Round { next: Timestamp::MAX, troubles: Vec::new() };
        if let Err(why) = self.renew_all(&mut round).await {
            round.troubles.push(why);
        }
        if let Err(why) = self.deliver_all(&mut round).await {
            round.troubles.push(why);
        }
        round
    }

    async fn renew_all(&self, round: &mut Round) -> Result<(), Error> {
        self.forget_late_sign_ins().await?;
        if let Err(why) = self.keeper().await?.reconcile_all().await {
            tracing::debug!("the journal could not be held against the vault yet: {why}");
        }
        let renewals = self.journal.accounts()?.into_iter().map(|row| self.renew_if_due(row));
        for due in futures_util::future::join_all(renewals).await {
            match due {
                Ok(due) => round.look_at(due),
                Err(why) => round.troubles.push(why),
            }
        }
        Ok(())
    }

    async fn deliver_all(&self, round: &mut Round) -> Result<(), Error> {
        let plan = self.plan(self.journal.copies()?)?;
        round.look_at(plan.next.unwrap_or(Timestamp::MAX));
        if plan.deliver.is_empty() && plan.withdraw.is_empty() {
            return Ok(());
        }
        if self.carry_out(plan).await? {
            // What failed has a time of its own by now, which the next round finds.
            round.look_at(renewal::later(self.clock.now(), BURST));
        }
        Ok(())
    }

    /// Renews the account where that is due, and says when to look at it again.
    async fn renew_if_due(&self, row: AccountRow) -> Result<Timestamp, Error> {
        let keeper = self.keeper().await?;
        let now = self.clock.now();
        if let Some(not_before) = row.not_before.filter(|next| renewal::is_put_off(now, *next)) {
            return Ok(not_before);
        }
        match row.stage {
            Stage::Refused => return Ok(Timestamp::MAX),
            Stage::Leaving => return self.tell_provider(&row).await,
            Stage::Kept => {}
        }
        let due = keeper.due(&row.name, row.version, row.updated, row.access_token_ends);
        if due > now {
            return Ok(due);
        }
        match keeper.fresh(&row.name, Need::NotDue).await {
            Ok(fresh) => {
                keeper.reconcile(&row, &fresh)?;
                Ok(keeper.due(&fresh.account, fresh.version, fresh.updated, fresh.access_token_ends))
            }
            Err(KeepError::Later { next, .. }) => Ok(next),
            Err(KeepError::SignInNeeded { .. }) => Ok(Timestamp::MAX),
            Err(KeepError::SignedOut(account)) => {
                self.journal.forget_account(&account)?;
                Ok(Timestamp::MAX)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Tells the provider of a sign-out that it could not be told of before.
    async fn tell_provider(&self, row: &AccountRow) -> Result<Timestamp, Error> {
        let keeper = self.keeper().await?;
        if let Some(newer) = keeper.read(&row.name).await?.filter(|it| it.version != row.version) {
            keeper.reconcile(row, &newer)?;
            return Ok(self.clock.now());
        }
        match keeper.end(&row.name).await {
            Ok(()) | Err(KeepError::SignedOut(_)) => Ok(Timestamp::MAX),
            // The journal has it when to try again; looking there is due at once.
            Err(KeepError::Provider(_)) => Ok(self.clock.now()),
            Err(other) => Err(other.into()),
        }
    }
}

/// What came of a round.
struct Round {
    /// When to look again.
    next: Timestamp,
    /// What failed as a whole; what failed at one account or destination is in the journal.
    troubles: Vec<Error>,
}

impl Round {
    fn look_at(&mut self, time: Timestamp) {
        self.next = self.next.min(time);
    }
}

/// What was told already, so that it is told once.
#[derive(Default)]
struct Troubles(Vec<String>);

impl Troubles {
    fn tell(&mut self, troubles: Vec<Error>, now: Timestamp, tell: impl Fn(&Event)) {
        let lines: Vec<String> =
            troubles.iter().map(|why| format!("{why} {}", why.fix()).trim_end().to_owned()).collect();
        for line in lines.iter().filter(|line| !self.0.contains(line)) {
            tell(&Event::new(now, Kind::Trouble, line));
        }
        self.0 = lines;
    }
}
