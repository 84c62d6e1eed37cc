//! Looking without changing anything, for places that only know how to deliver: a parcel of which every file is kept.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Change, Glance, OwnerChoice, Parcel, ParcelFile, Receipt, Seen, SeenFile};
use crate::secret::SecretBytes;

/// Where the bytes go that were seen.
pub(super) type Caught = Arc<Mutex<Option<SecretBytes>>>;

/// A parcel that keeps each file, and what catches their bytes, in their order.
pub(super) fn into_parcel(glance: Glance) -> (Parcel, Vec<Caught>) {
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

/// What was seen, from that parcel's receipt and what was caught.
pub(super) fn seen(receipt: Receipt, caught: &[Caught]) -> Vec<Seen> {
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
