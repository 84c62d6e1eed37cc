//! One engine's turn: what is still wanted goes by one courier, and each outcome is noted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Carried, Delivered, Delivery, Order, parcels};
use crate::destinations::docker::EngineError;
use crate::destinations::{DeliveryError, Parcel, Receipt, Undelivered};
use crate::journal::{CopyRow, Intent, JournalError};

impl Delivery {
    /// Delivers to one engine.
    pub(super) async fn deliver_on_engine(&self, orders: Vec<Order>) -> Result<Delivered, JournalError> {
        let Some(engine) = orders.first().map(|order| order.destination.engine.clone()) else {
            return Ok(Delivered::default());
        };
        let turn = self.engines.turn(&engine).await;
        // In the turn, and at once with the intent: what was signed out of or renewed while waiting is not sent.
        let intents: Vec<Intent> = orders.iter().map(intent).collect();
        let wanted = self.journal.about_to_send(&intents)?;
        let (wanted, overtaken): (Vec<_>, Vec<_>) = orders.into_iter().zip(wanted).partition(|(_, wanted)| *wanted);
        let (parcels, lay): (Vec<_>, Vec<_>) = wanted.iter().map(|(order, _)| parcels::bringing(order)).unzip();
        let mut results = match &turn {
            Ok((_lock, docker)) => by_name(docker.carry(parcels).await),
            Err(why) => nowhere(parcels.into_iter(), why),
        };
        let mut carried = Vec::new();
        for ((order, _), lay) in wanted.into_iter().zip(lay) {
            let name = order.destination.name.to_string();
            let place = order.destination.place();
            let (result, seen) = match results.remove(&name).unwrap_or_else(|| Err(unanswered(&engine))) {
                Ok(receipt) => {
                    let docker = turn.as_ref().ok().map(|(_lock, docker)| docker.as_ref());
                    (Ok(self.note_delivered(&order, &receipt, lay.laid(), docker).await?), Some(receipt))
                }
                Err(undelivered) => {
                    (Err(self.note_failed(&name, &order.destination.account, &place, undelivered)?), None)
                }
            };
            carried.push(Carried { destination: name, place, result, seen });
        }
        Ok(Delivered { carried, overtaken: overtaken.into_iter().map(|(order, _)| order.destination).collect() })
    }

    /// Notes that an order's files are about to be put where a container starts, and says whether they may be.
    pub(crate) fn may_go(&self, order: &Order) -> bool {
        let noted = self.journal.about_to_send(&[intent(order)]);
        let noted = noted.inspect_err(|error| tracing::debug!(%error, "what is about to be sent could not be noted"));
        noted.is_ok_and(|wanted| wanted == [true])
    }

    /// Takes copies away from one engine.
    pub(super) async fn withdraw_from_engine(&self, copies: Vec<CopyRow>) -> Result<Vec<Carried>, JournalError> {
        let Some(engine) = copies.first().map(|copy| copy.place.engine.clone()) else { return Ok(Vec::new()) };
        let turn = self.engines.turn(&engine).await;
        let mut unwanted = Vec::new();
        for copy in copies {
            unwanted.extend(self.journal.copy(&copy.place)?.filter(|copy| copy.withdraw));
        }
        let ours = Arc::new(self.journal.fingerprints()?);
        // By number, since a destination's name may have been given anew since.
        let parcels = unwanted.iter().enumerate().map(|(number, copy)| parcels::taking_away(number, copy, &ours));
        let mut results = match &turn {
            Ok((_lock, docker)) => by_name(docker.carry(parcels.collect()).await),
            Err(why) => nowhere(parcels, why),
        };
        let mut carried = Vec::new();
        for (number, copy) in unwanted.into_iter().enumerate() {
            let result = match results.remove(&number.to_string()).unwrap_or_else(|| Err(unanswered(&engine))) {
                Ok(_) => Ok(self.note_withdrawn(&copy)?),
                Err(undelivered) if holds_none_of_ours(&undelivered) => Ok(self.note_withdrawn(&copy)?),
                Err(undelivered) => {
                    Err(self.note_failed(&copy.destination, &copy.account, &copy.place, undelivered)?)
                }
            };
            carried.push(Carried { destination: copy.destination, place: copy.place, result, seen: None });
        }
        if let Ok((_lock, docker)) = &turn
            && !self.has_copies_on(&engine)?
            && let Err(why) = docker.leave().await
        {
            tracing::debug!("the courier's image stays: {why}");
        }
        Ok(carried)
    }

    /// With no copy left there, not even the courier's image stays; another installation imports it anew.
    fn has_copies_on(&self, engine: &str) -> Result<bool, JournalError> {
        let address = self.engines.address(engine);
        Ok(self.journal.copies()?.iter().any(|copy| self.engines.address(&copy.place.engine) == address))
    }
}

fn intent(order: &Order) -> Intent {
    let destination = &order.destination;
    Intent {
        place: destination.place(),
        destination: destination.name.to_string(),
        account: destination.account.clone(),
        format: destination.format,
        fingerprint: order.credentials.fingerprint(),
    }
}

/// What has gone with its volume need not be taken away; what is no file of the format's is none of our copies.
fn holds_none_of_ours(undelivered: &Undelivered) -> bool {
    matches!(
        undelivered.error,
        DeliveryError::VolumeMissing { .. }
            | DeliveryError::NotUnderstood { .. }
            | DeliveryError::FolderInPlace { .. }
            | DeliveryError::FileInTheWay { .. }
            | DeliveryError::NoFileInPlace { .. }
    )
}

type Results = BTreeMap<String, Result<Receipt, Undelivered>>;

fn by_name(results: Vec<(String, Result<Receipt, Undelivered>)>) -> Results {
    results.into_iter().collect()
}

fn nowhere(parcels: impl Iterator<Item = Parcel>, why: &DeliveryError) -> Results {
    parcels.map(|parcel| (parcel.destination, Err(why.clone().into()))).collect()
}

/// A parcel that no answer came for may have arrived.
fn unanswered(engine: &str) -> Undelivered {
    let error = EngineError::Broken { shown: engine.to_owned(), reason: "the delivery got no answer".to_owned() };
    Undelivered { error: error.into(), files: Vec::new(), uncertain: vec![String::new()] }
}
