//! One renewal: judged once more in its turn, asked for, stored, and only then used.

use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{KeepError, Keeper, Need, Turn};
use crate::account::AccountName;
use crate::credentials::Credentials;
use crate::journal::{AccountRow, Event, Kind, Stage, Trouble};
use crate::provider::{ProviderError, Tokens, Unrenewed};
use crate::renewal::{Jitter, is_put_off, later, try_again};
use crate::status::moment;
use crate::vault;

impl Keeper {
    /// `before` is the journal's row as it was before the turn was waited for.
    pub(super) async fn renew(
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
        let Credentials { kind, access_token_ends, .. } = base;
        if !kind.is_renewed() {
            let account = account.clone();
            return Err(match access_token_ends > self.clock.now() {
                true => KeepError::NothingToRenew { account, kind },
                false => KeepError::Ended { account, kind },
            });
        }
        if base.provider != self.provider.endpoints().name {
            return Err(KeepError::OtherProvider { account: account.clone(), provider: base.provider });
        }
        let row = self.row_of(&base)?;
        // Who wants a later token at any price asks all the same, unless somebody has just been told no.
        let may_ask = matches!(need, Need::After(_)) && before.as_ref() == Some(&row);
        let why = || row.trouble.as_ref().map_or_else(String::new, |it| it.what.clone());
        match (row.stage, row.not_before) {
            (Stage::Leaving | Stage::HandingOver, _) => return Err(KeepError::SignedOut(account.clone())),
            (Stage::Refused, _) if !may_ask => {
                return Err(KeepError::SignInNeeded { account: account.clone(), why: why() });
            }
            (Stage::Kept, Some(next)) if !may_ask && is_put_off(self.clock.now(), next) => {
                return Err(KeepError::Later { account: account.clone(), why: why(), next });
            }
            _ => {}
        }
        if let Some(held) = self.held_after(&base) {
            return self.keep(held, None).await;
        }
        // A vault that takes nothing is better known before the refresh token is used up.
        vault::write_credentials(self.vault.as_ref(), &base).await?;
        let asked = (self.clock.now(), Instant::now());
        match self.provider.renew(&base.refresh_token, &base.scopes).await {
            Ok(tokens) => self.commit(base, tokens, asked, turn).await,
            Err(Unrenewed { why, successor }) => {
                if let Some(refresh_token) = successor {
                    let version = base.version + 1;
                    self.store_or_hold(&Credentials { refresh_token, version, ..base }).await?;
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
        (asked, begun): (Timestamp, Instant),
        _turn: Turn,
    ) -> Result<Credentials, KeepError> {
        // From here to the store, an end of the process loses the sign-in: the journal is asked, since it is the quicker.
        let known = self.journal.account(&base.account).ok().flatten();
        if known.is_none_or(|row| row.version != base.version) {
            match self.read(&base.account).await {
                Ok(Some(newer)) if newer.version != base.version => return Ok(newer),
                Ok(None) => return Err(KeepError::SignedOut(base.account)),
                // What can't be read now can perhaps be written in a moment; giving up here would lose the sign-in.
                Ok(Some(_)) | Err(_) => {}
            }
        }
        let next = Credentials {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.unwrap_or(base.refresh_token),
            access_token_ends: later(asked, tokens.access_token_lives),
            scopes: if tokens.scopes.is_empty() { base.scopes } else { tokens.scopes },
            version: base.version + 1,
            updated: self.clock.now(),
            refresh_count: base.refresh_count + 1,
            identity: base.identity.or(tokens.identity),
            ..base
        };
        self.keep(next, Some(begun)).await
    }

    /// Stores, and only then tells anybody. What was begun now is told with how long it took.
    async fn keep(&self, next: Credentials, begun: Option<Instant>) -> Result<Credentials, KeepError> {
        self.store_or_hold(&next).await?;
        self.journal.keep_account(&next)?;
        let until = moment(next.access_token_ends, next.updated, &TimeZone::system());
        let text = format!("Renewed {}: fresh until {until}.", next.account);
        let event = Event::new(next.updated, Kind::Renewed, text).to(&next.account);
        self.journal.note(match begun {
            Some(begun) => event.took(begun.elapsed()),
            None => event,
        })?;
        Ok(next)
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
    pub(super) fn put_off(&self, row: &AccountRow, why: &ProviderError) -> Result<Timestamp, KeepError> {
        let jitter = Jitter::of(&row.name, row.version + u64::from(row.failures));
        let next = try_again(self.clock.now(), row.failures + 1, why.retry_after(), jitter);
        self.journal.renewal_failed(&row.name, &trouble(why), next)?;
        Ok(next)
    }
}

fn trouble(why: &ProviderError) -> Trouble {
    Trouble { code: why.code().to_owned(), what: why.to_string(), fix: String::new() }
}
