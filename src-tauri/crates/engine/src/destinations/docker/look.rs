//! Looking at what lies in volumes, changing nothing: a delivery in which every file is kept.

use std::sync::{Arc, Mutex, PoisonError};

use super::Docker;
use crate::destinations::{Change, DeliveryError, Glance, OwnerChoice, Parcel, ParcelFile, Receipt, Seen, SeenFile};
use crate::secret::SecretBytes;

/// Where the bytes go that were seen.
type Caught = Arc<Mutex<Option<SecretBytes>>>;

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

fn into_parcel(glance: Glance) -> (Parcel, Vec<Caught>) {
    let (files, caught) = glance
        .paths
        .into_iter()
        .map(|path| {
            let caught = Caught::default();
            let catch = caught.clone();
            let compose = move |bytes: Option<&[u8]>| {
                *catch.lock().unwrap_or_else(PoisonError::into_inner) =
                    bytes.map(|bytes| SecretBytes::new(bytes.to_vec()));
                Ok(Change::Keep)
            };
            (ParcelFile { path, mode: 0, compose: Box::new(compose) }, caught)
        })
        .unzip();
    let Glance { destination, root, .. } = glance;
    (Parcel { destination, root, owner: OwnerChoice::Auto, files }, caught)
}

fn seen(receipt: Receipt, caught: &[Caught]) -> Vec<Seen> {
    receipt
        .files
        .into_iter()
        .zip(caught)
        .map(|(file, caught)| Seen {
            path: file.path,
            file: file.owner.zip(file.mode).map(|(owner, mode)| SeenFile {
                owner,
                mode,
                content: caught.lock().unwrap_or_else(PoisonError::into_inner).take(),
            }),
        })
        .collect()
}
