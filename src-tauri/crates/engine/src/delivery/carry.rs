//! One host's turn: what is still wanted goes there, to an engine by one courier, and each outcome is noted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Carried, Delivered, Delivery, Order, parcels};
use crate::destinations::docker::EngineError;
use crate::destinations::{DeliveryError, Parcel, Receipt, Undelivered};
use crate::journal::{CopyRow, Intent, JournalError};
use crate::settings::Host;

impl Delivery {
    /// Delivers to one host.
    pub(super) async fn deliver_on_host(&self, orders: Vec<Order>) -> Result<Delivered, JournalError> {
        let Some(host) = orders.first().map(|order| order.destination.place.host()) else {
            return Ok(Delivered::default());
        };
        let begun = Instant::now();
        let turn = self.engines.turn(&host).await;
        // In the turn, and at once with the intent: what was signed out of or renewed while waiting is not sent.
        let intents: Vec<Intent> = orders.iter().map(intent).collect();
        let wanted = self.journal.about_to_send(&intents)?;
        let (wanted, overtaken): (Vec<_>, Vec<_>) = orders.into_iter().zip(wanted).partition(|(_, wanted)| *wanted);
        let (parcels, lay): (Vec<_>, Vec<_>) = wanted.iter().map(|(order, _)| parcels::bringing(order)).unzip();
        let mut results = match &turn {
            Ok(turn) => by_name(turn.carry(parcels).await),
            Err(why) => nowhere(parcels.into_iter(), why),
        };
        let mut carried = Vec::new();
        for ((order, _), lay) in wanted.into_iter().zip(lay) {
            let name = order.destination.name.to_string();
            let spot = order.destination.spot();
            let (result, seen) = match results.remove(&name).unwrap_or_else(|| Err(unanswered(&host))) {
                Ok(receipt) => {
                    let noted = self.note_delivered(&order, &receipt, lay.laid(), turn.as_ref().ok(), begun).await?;
                    (Ok(noted), Some(receipt))
                }
                Err(undelivered) => {
                    (Err(self.note_failed(&name, &order.destination.account, &spot, undelivered)?), None)
                }
            };
            carried.push(Carried { destination: name, spot, result, seen });
        }
        Ok(Delivered { carried, overtaken: overtaken.into_iter().map(|(order, _)| order.destination).collect() })
    }

    /// Notes that an order's files are about to be put where a container starts, and says whether they may be.
    pub(crate) fn may_go(&self, order: &Order) -> bool {
        let noted = self.journal.about_to_send(&[intent(order)]);
        let noted = noted.inspect_err(|error| tracing::debug!(%error, "what is about to be sent could not be noted"));
        noted.is_ok_and(|wanted| wanted == [true])
    }

    /// Takes copies away from one host.
    pub(super) async fn withdraw_from_host(&self, copies: Vec<CopyRow>) -> Result<Vec<Carried>, JournalError> {
        let Some(host) = copies.first().map(|copy| copy.spot.place.host()) else { return Ok(Vec::new()) };
        let turn = self.engines.turn(&host).await;
        let mut unwanted = Vec::new();
        for copy in copies {
            unwanted.extend(self.journal.copy(&copy.spot)?.filter(|copy| copy.withdraw));
        }
        let ours = Arc::new(self.journal.fingerprints()?);
        // By number, since a destination's name may have been given anew since.
        let parcels = unwanted.iter().enumerate().map(|(number, copy)| parcels::taking_away(number, copy, &ours));
        let mut results = match &turn {
            Ok(turn) => by_name(turn.carry(parcels.collect()).await),
            Err(why) => nowhere(parcels, why),
        };
        let mut carried = Vec::new();
        for (number, copy) in unwanted.into_iter().enumerate() {
            let result = match results.remove(&number.to_string()).unwrap_or_else(|| Err(unanswered(&host))) {
                Ok(_) => Ok(self.note_withdrawn(&copy)?),
                Err(undelivered) if holds_none_of_ours(&undelivered) => Ok(self.note_withdrawn(&copy)?),
                Err(undelivered) => Err(self.note_failed(&copy.destination, &copy.account, &copy.spot, undelivered)?),
            };
            carried.push(Carried { destination: copy.destination, spot: copy.spot, result, seen: None });
        }
        if let Ok(turn) = &turn
            && !self.has_copies_on(&host)?
        {
            turn.leave().await;
        }
        Ok(carried)
    }

    /// With no copy left there, not even the courier's image stays; another installation imports it anew.
    fn has_copies_on(&self, host: &Host) -> Result<bool, JournalError> {
        let address = self.address_of(host);
        Ok(self.journal.copies()?.iter().any(|copy| self.address_of(&copy.spot.place.host()) == address))
    }
}

fn intent(order: &Order) -> Intent {
    let destination = &order.destination;
    Intent {
        spot: destination.spot(),
        destination: destination.name.to_string(),
        account: destination.account.clone(),
        fingerprint: order.credentials.fingerprint(),
    }
}

/// What has gone with its volume need not be taken away; what is no file of the format's is none of our copies.
fn holds_none_of_ours(undelivered: &Undelivered) -> bool {
    match &undelivered.error {
        DeliveryError::Folder(error) => error.is_without_copy(),
        DeliveryError::Postgres(error) => error.is_without_copy(),
        DeliveryError::Cluster(error) => error.is_without_copy(),
        error => matches!(
            error,
            DeliveryError::VolumeMissing { .. }
                | DeliveryError::NotUnderstood { .. }
                | DeliveryError::FolderInPlace { .. }
                | DeliveryError::FileInTheWay { .. }
                | DeliveryError::NoFileInPlace { .. }
        ),
    }
}

type Results = BTreeMap<String, Result<Receipt, Undelivered>>;

fn by_name(results: Vec<(String, Result<Receipt, Undelivered>)>) -> Results {
    results.into_iter().collect()
}

fn nowhere(parcels: impl Iterator<Item = Parcel>, why: &DeliveryError) -> Results {
    parcels.map(|parcel| (parcel.destination, Err(why.clone().into()))).collect()
}

/// A parcel that no answer came for may have arrived.
fn unanswered(host: &Host) -> Undelivered {
    let error = EngineError::Broken { shown: host.to_string(), reason: "the delivery got no answer".to_owned() };
    Undelivered { error: error.into(), files: Vec::new(), uncertain: vec![String::new()] }
}
