//! Looking at what lies in volumes, changing nothing: a delivery in which every file is kept.

use super::Docker;
use crate::destinations::look::{into_parcel, seen};
use crate::destinations::{DeliveryError, Glance, Seen};

impl Docker {
    /// Looks at files, and says of each destination, in the same order, what is there.
    pub async fn look(&self, glances: Vec<Glance>) -> Vec<(String, Result<Vec<Seen>, DeliveryError>)> {
        let (parcels, caught): (Vec<_>, Vec<_>) = glances.into_iter().map(into_parcel).unzip();
        let carried = self.carry_only(parcels).await;
        let seen = carried.into_iter().zip(caught).map(|((destination, settled), caught)| {
            let seen = settled.map(|receipt| seen(receipt, &caught)).map_err(|undelivered| undelivered.error);
            (destination, seen)
        });
        seen.collect()
    }
}
