//! What became of a delivery, noted in the inventory and told in the journal.

use std::time::Instant;

use jiff::Timestamp;

use super::healing::Damage;
use super::hosts::Turn;
use super::parcels::Laid;
use super::{Delivery, Order, healing};
use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::destinations::{DeliveryError, NextStep, Outcome, Receipt, Undelivered};
use crate::journal::{CopyRow, Event, JournalError, Kind, Trouble};
use crate::renewal::{Jitter, try_again};
use crate::settings::{Destination, Spot};

/// A place whose trouble needs a person is looked at as seldom as one that failed this often: after a minute, then less.
const PATIENT: u32 = 7;

impl Delivery {
    /// Notes what was read back of what was begun then; and where it had been harmed since the last time, how, and who was
    /// running.
    pub(super) async fn note_delivered(
        &self,
        order: &Order,
        receipt: &Receipt,
        laid: Option<Laid>,
        turn: Option<&Turn>,
        begun: Instant,
    ) -> Result<Timestamp, JournalError> {
        let Destination { name, account, .. } = &order.destination;
        let (spot, token) = (order.destination.spot(), order.credentials.fingerprint());
        let at = receipt.files.iter().map(|file| file.read_back_at).max().unwrap_or_else(|| self.clock.now());
        let known = self.journal.copy(&spot)?;
        let may_be_our_own = known.as_ref().is_some_and(|copy| copy.uncertain);
        let before = known.and_then(|copy| copy.confirmed);
        let owner_of = |token: &Fingerprint| self.journal.owner_of(token).ok().flatten();
        let damage = laid.and_then(|Laid { found, is_file }| {
            healing::judge(before.as_ref(), &found, !is_file && receipt.is_all_there_is(), account, owner_of)
        });
        // A courier that was cut off may have brought the older token.
        let damage = damage.filter(|damage| !(may_be_our_own && *damage == Damage::SetBack));
        let took = begun.elapsed();
        let event = |kind, text| Event::new(at, kind, text).to(account).at_destination(name).took(took);
        if receipt.files.iter().all(|file| file.outcome == Outcome::Kept) {
            self.journal.read_back(&spot, &token, at)?;
            return Ok(at);
        }
        self.journal.delivered(&spot, &token, at)?;
        self.journal.note(match damage {
            Some(damage) => {
                let running = match turn {
                    Some(turn) => turn.running_with(&spot.place.root()).await,
                    None => Vec::new(),
                };
                event(Kind::Healed, damage.told(name.as_str(), &running))
            }
            None => event(Kind::Delivered, format!("Delivered {account} to {name}, and read it back.")),
        })?;
        Ok(at)
    }

    pub(super) fn note_withdrawn(&self, copy: &CopyRow) -> Result<Timestamp, JournalError> {
        let now = self.clock.now();
        self.journal.copy_is_gone(&copy.spot)?;
        let text = format!("No copy of {} is left in {}.", copy.account, copy.spot);
        let event = Event::new(now, Kind::Withdrawn, text).to(&copy.account).at_destination(&copy.destination);
        self.journal.note(event)?;
        Ok(now)
    }

    /// Gives the error back, so that a face can tell it. What is no news is not told again.
    pub(super) fn note_failed(
        &self,
        destination: &str,
        account: &AccountName,
        spot: &Spot,
        undelivered: Undelivered,
    ) -> Result<DeliveryError, JournalError> {
        let Undelivered { error, files, uncertain } = undelivered;
        let now = self.clock.now();
        let known = self.journal.copy(spot)?;
        let failures = known.as_ref().map_or(0, |copy| copy.failures);
        let attempts = match error.next() {
            NextStep::TryAgain => failures + 1,
            NextStep::AskUser => failures + PATIENT,
        };
        let not_before = try_again(now, attempts, None, Jitter::of(account, failures.into()));
        let nothing_was_written = uncertain.is_empty() && files.iter().all(|file| file.outcome != Outcome::Written);
        let trouble = Trouble::from(&error);
        let news = known.and_then(|copy| copy.trouble).is_none_or(|before| before.code != trouble.code);
        self.journal.delivery_failed(spot, &trouble, nothing_was_written, now, not_before)?;
        if news {
            let text = format!("{destination}: {error}");
            self.journal.note(Event::new(now, Kind::DeliveryFailed, text).to(account).at_destination(destination))?;
        }
        Ok(error)
    }
}
