//! Accounts are renewed when that is due, each for itself.

use jiff::Timestamp;

use super::{Changed, Engine, RENEWALS, Troubles};
use crate::error::Error;
use crate::journal::{AccountRow, Stage};
use crate::keeper::{KeepError, Need};
use crate::renewal;

impl Engine {
    /// Renews what is due, for ever. Tells when something was renewed, before the file system does.
    pub(super) async fn keep_renewed(&self, changed: &Changed, troubles: &Troubles<'_>) {
        let mut changes = changed.subscribe();
        loop {
            let round = self.renew_all().await;
            troubles.tell(RENEWALS, &round.troubles, self.clock.now());
            if round.did_something {
                changed.send_modify(|number| *number += 1);
            }
            tokio::select! {
                () = tokio::time::sleep(renewal::wait(self.clock.now(), round.next)) => {}
                _ = changes.changed() => {}
            }
        }
    }

    async fn renew_all(&self) -> Round {
        let mut round = Round { next: Timestamp::MAX, did_something: false, troubles: Vec::new() };
        if let Err(why) = self.renew_each(&mut round).await {
            round.troubles.push(why);
        }
        round
    }

    async fn renew_each(&self, round: &mut Round) -> Result<(), Error> {
        self.forget_late_sign_ins().await?;
        if let Err(why) = self.keeper().await?.reconcile_all().await {
            tracing::debug!("the journal could not be held against the vault yet: {why}");
        }
        let renewals = self.journal.accounts()?.into_iter().map(|row| self.renew_if_due(row));
        for done in futures_util::future::join_all(renewals).await {
            match done {
                Ok(Looked { again, did_something }) => {
                    round.next = round.next.min(again);
                    round.did_something |= did_something;
                }
                Err(why) => round.troubles.push(why),
            }
        }
        Ok(())
    }

    /// Renews the account where that is due.
    async fn renew_if_due(&self, row: AccountRow) -> Result<Looked, Error> {
        let keeper = self.keeper().await?;
        let now = self.clock.now();
        if let Some(not_before) = row.not_before.filter(|next| renewal::is_put_off(now, *next)) {
            return Ok(Looked::again(not_before));
        }
        match row.stage {
            Stage::Refused => return Ok(Looked::again(Timestamp::MAX)),
            Stage::Leaving => return self.tell_provider(&row).await,
            Stage::Kept => {}
        }
        let due = keeper.due(&row.name, row.version, row.updated, row.access_token_ends);
        if due > now {
            return Ok(Looked::again(due));
        }
        let again = match keeper.fresh(&row.name, Need::NotDue).await {
            Ok(fresh) => {
                keeper.reconcile(&row, &fresh)?;
                keeper.due(&fresh.account, fresh.version, fresh.updated, fresh.access_token_ends)
            }
            Err(KeepError::Later { next, .. }) => next,
            Err(KeepError::SignInNeeded { .. }) => Timestamp::MAX,
            Err(KeepError::SignedOut(account)) => {
                self.journal.forget_account(&account)?;
                Timestamp::MAX
            }
            Err(other) => return Err(other.into()),
        };
        Ok(Looked { again, did_something: true })
    }

    /// Tells the provider of a sign-out that it could not be told of before.
    async fn tell_provider(&self, row: &AccountRow) -> Result<Looked, Error> {
        let keeper = self.keeper().await?;
        if let Some(newer) = keeper.read(&row.name).await?.filter(|it| it.version != row.version) {
            keeper.reconcile(row, &newer)?;
            return Ok(Looked::again(self.clock.now()));
        }
        let again = match keeper.end(&row.name).await {
            Ok(()) | Err(KeepError::SignedOut(_)) => Timestamp::MAX,
            // The journal has it when to try again; looking there is due at once.
            Err(KeepError::Provider(_)) => self.clock.now(),
            Err(other) => return Err(other.into()),
        };
        Ok(Looked { again, did_something: true })
    }
}

/// What came of looking at one account.
struct Looked {
    /// When to look again.
    again: Timestamp,
    /// Whether something was tried, well or not.
    did_something: bool,
}

impl Looked {
    fn again(again: Timestamp) -> Self {
        Self { again, did_something: false }
    }
}

/// What came of looking at all.
struct Round {
    /// When to look again.
    next: Timestamp,
    did_something: bool,
    /// What failed as a whole; what failed at one account is in the journal.
    troubles: Vec<Error>,
}
