//! One host's deliveries: what the plan has for it, and what its watch found due.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::watch::Watch;
use crate::delivery::{Carried, Order, Plan, Way};
use crate::error::Error;
use crate::journal::Stage;
use crate::keeper::{KeepError, Need};
use crate::renewal;
use crate::settings::{Destination, DestinationName, Host, Place};

/// What came of a round.
#[derive(Default)]
pub(super) struct Round {
    /// What became of each delivery.
    pub(super) carried: Vec<Carried>,
    /// What was ordered.
    pub(super) orders: Vec<Order>,
    /// What was due and could not be tried.
    pub(super) untried: BTreeMap<DestinationName, Way>,
    /// When to make the next; none where nothing will be due by itself.
    pub(super) next: Option<Timestamp>,
    /// What stood in the way of everything.
    pub(super) trouble: Option<Error>,
}

impl<'a> Watch<'a> {
    /// The destinations on this host.
    pub(super) fn destinations(self) -> Result<Vec<Destination>, Error> {
        let mut destinations = self.engine.settings()?.destinations;
        let mut is_here = self.is_here();
        destinations.retain(|it| is_here(&it.place));
        Ok(destinations)
    }

    /// Whether a place is on this host; each name of a host is resolved once.
    pub(super) fn is_here(self) -> impl FnMut(&Place) -> bool + use<'a> {
        let mut known: BTreeMap<Host, bool> = BTreeMap::new();
        move |place| {
            let host = place.host();
            *known.entry(host).or_insert_with_key(|host| self.engine.delivery.address_of(host) == self.address)
        }
    }

    fn plan(self) -> Result<Plan, Error> {
        let mut copies = self.engine.journal.copies()?;
        let mut is_here = self.is_here();
        copies.retain(|copy| is_here(&copy.spot.place));
        self.engine.plan(&self.destinations()?, copies)
    }

    /// Delivers and takes away what is due here now: by the plan, and `due` besides. Those that are `waiting` are left out.
    pub(super) async fn round(self, due: BTreeMap<DestinationName, Way>, waiting: BTreeSet<DestinationName>) -> Round {
        let mut round = Round { untried: due.clone(), ..Round::default() };
        round.trouble = self.carry_out(due, &waiting, &mut round).await.err();
        round
    }

    async fn carry_out(
        self,
        due: BTreeMap<DestinationName, Way>,
        waiting: &BTreeSet<DestinationName>,
        round: &mut Round,
    ) -> Result<(), Error> {
        let mut plan = self.plan()?;
        let due = if self.engine.settings()?.paused {
            plan.deliver.clear();
            round.untried.clear();
            BTreeMap::new()
        } else {
            due
        };
        plan.deliver.retain(|it| !waiting.contains(&it.name) && !due.contains_key(&it.name));
        round.next = plan.next;
        let mut wanted = std::mem::take(&mut plan.deliver);
        // Who is signing out has nothing to give, and is not to be forgotten before the provider was told.
        let mut kept = self.engine.journal.accounts()?;
        kept.retain(|row| row.stage == Stage::Kept);
        let may_get = |it: &Destination| kept.iter().any(|row| row.name == it.account);
        wanted.extend(self.destinations()?.into_iter().filter(|it| due.contains_key(&it.name) && may_get(it)));
        round.orders = self.orders(wanted, &due, &mut round.untried).await?;
        let is_idle = round.orders.is_empty() && plan.withdraw.is_empty();
        let (delivered, withdrawn) =
            tokio::join!(self.engine.delivery.deliver(round.orders.clone()), self.engine.withdraw_unwanted(plan));
        if delivered.is_err() {
            round.untried = due;
        }
        withdrawn?;
        round.carried = delivered?.carried;
        if !is_idle {
            // What failed has a time of its own by now, which the next round finds.
            let soon = renewal::later(self.engine.clock.now(), super::BURST);
            round.next = Some(round.next.map_or(soon, |next| next.min(soon)));
        }
        Ok(())
    }

    async fn orders(
        self,
        wanted: Vec<Destination>,
        due: &BTreeMap<DestinationName, Way>,
        untried: &mut BTreeMap<DestinationName, Way>,
    ) -> Result<Vec<Order>, Error> {
        let (mut orders, without_token) = self.engine.orders(wanted, Need::Living, Way::Publish).await?;
        for order in &mut orders {
            order.way = due.get(&order.destination.name).copied().unwrap_or_default();
        }
        let mut for_want_of_a_token = BTreeMap::new();
        for (name, why) in without_token {
            tracing::debug!("nothing to deliver to {name}: {why}");
            match why {
                Error::Keep(KeepError::SignedOut(account)) => self.engine.journal.forget_account(&account)?,
                why if why.is_sign_in_needed() => {}
                _ => for_want_of_a_token.extend(due.get_key_value(&name).map(|(name, way)| (name.clone(), *way))),
            }
        }
        *untried = for_want_of_a_token;
        Ok(orders)
    }
}

/// The newest order of each destination, to be used where there is no time to ask the vault.
#[derive(Default)]
pub(super) struct Ready(BTreeMap<DestinationName, Order>);

impl Ready {
    pub(super) fn take_over(&mut self, orders: Vec<Order>) {
        self.0.extend(orders.into_iter().map(|order| (order.destination.name.clone(), order)));
    }

    /// Lets go of what the user wants otherwise by now.
    pub(super) fn keep(&mut self, destinations: &[Destination]) {
        self.0.retain(|_, order| destinations.contains(&order.destination));
    }

    pub(super) fn of(&self, names: &[DestinationName]) -> Vec<Order> {
        names.iter().filter_map(|name| self.0.get(name)).cloned().collect()
    }
}
