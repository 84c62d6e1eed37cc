//! Accounts are renewed when that is due, each for itself; of what is never renewed, the end is told in time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Changed, Engine, RENEWALS, Troubles};
use crate::error::Error;
use crate::journal::{AccountRow, Event, Kind, Stage};
use crate::keeper::{KeepError, Need};
use crate::renewal;
use crate::status::moment;

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
            Stage::Refused | Stage::HandingOver => return Ok(Looked::again(Timestamp::MAX)),
            Stage::Leaving => return self.tell_provider(&row).await,
            Stage::Kept if !row.kind.is_renewed() => return self.tell_of_end(&row),
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

    /// Tells, once, that what is never renewed ends soon, or has ended.
    fn tell_of_end(&self, row: &AccountRow) -> Result<Looked, Error> {
        let (Some(ends), now) = (row.ends(), self.clock.now()) else { return Ok(Looked::again(Timestamp::MAX)) };
        let AccountRow { name, kind, fingerprint, .. } = row;
        let did_something = match renewal::notice(ends, now) {
            None => false,
            Some(days) => {
                let another = format!("get another with `{} --account {name}`", kind.command());
                let (event, text) = if days == 0 {
                    (Kind::Ended, format!("The {kind} of {name} has ended: {another}."))
                } else {
                    let when = moment(ends, now, &TimeZone::system());
                    (Kind::EndsSoon, format!("The {kind} of {name} ends {when}: {another}."))
                };
                self.journal.notice(name, fingerprint, days, &Event::new(now, event, text).to(name))?
            }
        };
        let again = renewal::next_notice(ends, now).unwrap_or(Timestamp::MAX);
        Ok(Looked { again, did_something })
    }

    /// Tells the provider of a sign-out that it could not be told of before.
    async fn tell_provider(&self, row: &AccountRow) -> Result<Looked, Error> {
        let keeper = self.keeper().await?;
        if let Some(newer) = keeper.read(&row.name).await?.filter(|it| it.version != row.version) {
            keeper.reconcile(row, &newer)?;
            return Ok(Looked::again(self.clock.now()));
        }
        let again = match keeper.end(&row.name).await {
            Ok(_) | Err(KeepError::SignedOut(_)) => Timestamp::MAX,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::SignedDuration;

    use super::*;
    use crate::account::Identity;
    use crate::clock::Clock;
    use crate::credentials;
    use crate::keeper::SignedIn;
    use crate::secret::SecretString;
    use crate::{Engine, Surroundings};

    const BEGIN: &str = "2026-01-01T00:00:00Z";

    /// A process over this home, in which so many hours have passed.
    fn engine(home: &tempfile::TempDir, hours: &Arc<AtomicI64>) -> Engine {
        let (hours, begin): (_, Timestamp) = (hours.clone(), BEGIN.parse().unwrap());
        let surroundings = Surroundings {
            home: Some(home.path().into()),
            provider: Some("http://127.0.0.1:9".to_owned()),
            vault: Some("file".to_owned()),
            clock: Clock::told_by(move || begin + SignedDuration::from_hours(hours.load(Ordering::SeqCst))),
            ..Surroundings::default()
        };
        Engine::open(surroundings).unwrap()
    }

    #[tokio::test]
    async fn a_year_is_told_of_five_times_and_a_key_never() {
        let (home, hours) = (tempfile::tempdir().unwrap(), Arc::new(AtomicI64::new(0)));
        let first = engine(&home, &hours);
        for (name, kind, ends) in [
            ("ci", credentials::Kind::OneYear, "2027-01-01T00:00:00Z".parse().unwrap()),
            ("key", credentials::Kind::ApiKey, credentials::NEVER),
        ] {
            let sign_in = SignedIn {
                kind,
                access_token: SecretString::new(name),
                refresh_token: SecretString::new(""),
                access_token_ends: ends,
                sign_in_ends: None,
                scopes: Vec::new(),
                identity: Identity::default(),
            };
            first.keeper().await.unwrap().adopt(&name.parse().unwrap(), sign_in).await.unwrap();
        }
        // Each stop of the year is visited twice, by another process each time.
        let mut next = first.renew_all().await.next;
        let mut stops = 0;
        while next != Timestamp::MAX {
            stops += 1;
            let since = next.duration_since(BEGIN.parse().unwrap());
            hours.store(since.as_hours(), Ordering::SeqCst);
            for new in [true, false] {
                let round = engine(&home, &hours).renew_all().await;
                assert_eq!((round.did_something, round.troubles.len()), (new, 0), "{next}");
                next = round.next;
            }
        }
        let told = first.activity(100).unwrap();
        let days: Vec<_> = told.iter().map(|event| (event.kind, event.at.to_string())).collect();
        let at = |kind, day: &str| (kind, format!("{day}T00:00:00Z"));
        assert_eq!(
            days,
            [
                at(Kind::EndsSoon, "2026-12-02"),
                at(Kind::EndsSoon, "2026-12-25"),
                at(Kind::EndsSoon, "2026-12-29"),
                at(Kind::EndsSoon, "2026-12-31"),
                at(Kind::Ended, "2027-01-01"),
            ]
        );
        assert_eq!(stops, 5);
        assert!(told.iter().all(|event| event.account.as_deref() == Some("ci")));
        assert!(told[4].text.contains("`tokenferry login --one-year --account ci`"), "{}", told[4].text);
    }
}
