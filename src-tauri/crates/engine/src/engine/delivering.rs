//! The journey of a delivery: on request, as the plan has it, and what a destination is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use crate::account::AccountName;
use crate::credentials::{Credentials, fits};
use crate::delivery::{Carried, Delivered, Order, Plan, Way, plan};
use crate::error::Error;
use crate::journal::{AccountRow, CopyRow, Event, Kind};
use crate::keeper::{KeepError, Need};
use crate::settings::{self, Destination, DestinationName, Place};
use crate::vault::lock;

/// How often a delivery that a renewal overtook is made anew: once is rare already.
const OVERTAKEN_ROUNDS: u32 = 3;

/// What became of a sync.
#[derive(Debug, Default)]
pub struct Synced {
    /// What became of each delivery.
    pub delivered: Vec<Carried>,
    /// What became of each copy that was to be taken away.
    pub withdrawn: Vec<Carried>,
    /// Destinations that got nothing, since their account has nothing to give, and why.
    pub without_token: Vec<(DestinationName, Error)>,
}

impl Engine {
    /// Delivers now: to the named destinations, or to all. What is not due is delivered again and read back. With all, the
    /// copies that shall go are taken away as well. `replace` lets a sign-in of somebody else's be replaced.
    ///
    /// # Errors
    /// [`Error::NoDestinations`], or a name that is none; the journal's. What fails at a destination is in its outcome.
    pub async fn sync(&self, names: &[String], replace: bool) -> Result<Synced, Error> {
        let settings = self.settings()?;
        let mut chosen = match names {
            [] => settings.destinations.clone(),
            names => names.iter().map(|name| settings.destination(name).cloned()).collect::<Result<_, _>>()?,
        };
        let way = if replace { Way::Replace } else { Way::Publish };
        let mut synced = Synced::default();
        for _ in 0..OVERTAKEN_ROUNDS {
            let (orders, without_token) = self.orders(chosen, Need::NotDue, way).await?;
            let Delivered { carried, overtaken } = self.delivery.deliver(orders).await?;
            synced.delivered.extend(carried);
            synced.without_token.extend(without_token);
            chosen = overtaken;
            if chosen.is_empty() {
                break;
            }
        }
        if names.is_empty() {
            // Who asks in person does not wait for what was put off.
            let at_once = self.journal.copies()?.into_iter().map(|copy| CopyRow { not_before: None, ..copy }).collect();
            synced.withdrawn = self.withdraw_unwanted(self.plan(&settings.destinations, at_once)?).await?;
        }
        let Synced { delivered, withdrawn, without_token } = &synced;
        if delivered.is_empty() && withdrawn.is_empty() && without_token.is_empty() {
            return Err(Error::NoDestinations);
        }
        Ok(synced)
    }

    /// Approves of a place: from now on it is kept fresh. Nothing is delivered yet.
    ///
    /// # Errors
    /// [`Error::Settings`] where it clashes; [`Error::Engine`] where `engine` names none.
    pub async fn add_destination(&self, destination: Destination, engine: Option<&str>) -> Result<Destination, Error> {
        self.add_for_reason(destination, engine, "").await
    }

    /// As [`add_destination`](Self::add_destination), where somebody may wonder why it is there.
    pub(super) async fn add_for_reason(
        &self,
        destination: Destination,
        engine: Option<&str>,
        reason: &str,
    ) -> Result<Destination, Error> {
        destination.place.takes(destination.format).map_err(Error::OddPair)?;
        let mut destination = destination;
        if let Place::Volume(place) = &mut destination.place {
            place.engine = self.delivery.engine_named(engine)?;
        }
        let _lock = lock::settings(self.home.state()).await?;
        settings::add_destination(self.home.settings(), &destination)?;
        let text = format!("Added destination {}: {}. {reason}", destination.name, destination.spot());
        let text = text.trim_end();
        let event = Event::new(self.clock.now(), Kind::DestinationChanged, text).to(&destination.account);
        self.journal.note(event.at_destination(&destination.name))?;
        Ok(destination)
    }

    /// Takes a destination out of the settings, and its copy away. What can't be reached stays on the list.
    ///
    /// # Errors
    /// [`Error::Settings`] where there is none of this name.
    pub async fn remove_destination(&self, name: &str) -> Result<Vec<Carried>, Error> {
        let lock = lock::settings(self.home.state()).await?;
        let destination = self.settings()?.destination(name)?.clone();
        settings::remove_destination(self.home.settings(), name)?;
        drop(lock);
        let spot = destination.spot();
        self.journal.withdraw_spot(&spot)?;
        let text = format!("Removed destination {name}: {spot}.");
        let event = Event::new(self.clock.now(), Kind::DestinationChanged, text).to(&destination.account);
        self.journal.note(event.at_destination(name))?;
        let copies = self.journal.copies()?.into_iter().filter(|copy| copy.spot == spot).collect();
        Ok(self.delivery.withdraw(copies).await?)
    }

    /// What is due now at these destinations, where these copies lie.
    pub(super) fn plan(&self, destinations: &[Destination], copies: Vec<CopyRow>) -> Result<Plan, Error> {
        let address = |engine: &str| self.delivery.engine_address(engine);
        Ok(plan(destinations, &self.journal.accounts()?, &copies, address, self.clock.now()))
    }

    /// Takes away what the plan wants away.
    pub(super) async fn withdraw_unwanted(&self, plan: Plan) -> Result<Vec<Carried>, Error> {
        for spot in &plan.withdraw {
            self.journal.withdraw_spot(spot)?;
        }
        let copies = self.journal.copies()?.into_iter().filter(|copy| plan.withdraw.contains(&copy.spot)).collect();
        Ok(self.delivery.withdraw(copies).await?)
    }

    /// Orders for destinations: each with its account's token, which is read once.
    pub(super) async fn orders(
        &self,
        destinations: Vec<Destination>,
        need: Need,
        way: Way,
    ) -> Result<(Vec<Order>, Vec<(DestinationName, Error)>), Error> {
        let rows = self.journal.accounts()?;
        let mut tokens: BTreeMap<AccountName, Arc<Credentials>> = BTreeMap::new();
        let (mut orders, mut without) = (Vec::new(), Vec::new());
        for destination in destinations {
            let credentials = match tokens.get(&destination.account) {
                Some(known) => known.clone(),
                None => match self.deliverable(&destination.account, need, &rows).await {
                    Ok(fresh) => tokens.entry(destination.account.clone()).or_insert(Arc::new(fresh)).clone(),
                    Err(why) => {
                        without.push((destination.name, why));
                        continue;
                    }
                },
            };
            match fits(credentials.kind, destination.format.name()) {
                Ok(()) => orders.push(Order { destination, credentials, way }),
                Err(misfit) => without.push((destination.name, misfit.into())),
            }
        }
        Ok((orders, without))
    }

    /// A token to be delivered. One that lives is delivered even where renewing it fails.
    async fn deliverable(&self, account: &AccountName, need: Need, rows: &[AccountRow]) -> Result<Credentials, Error> {
        let keeper = self.keeper().await?;
        let fresh = match keeper.fresh(account, need).await {
            Err(KeepError::Later { .. }) => keeper.fresh(account, Need::Living).await?,
            done => done?,
        };
        if let Some(row) = rows.iter().find(|row| row.name == *account) {
            keeper.reconcile(row, &fresh)?;
        }
        Ok(fresh)
    }
}
