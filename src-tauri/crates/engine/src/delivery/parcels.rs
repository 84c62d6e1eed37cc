//! Orders and withdrawals as parcels: which files, and what shall become of each.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Order, Way};
use crate::credentials::Fingerprint;
use crate::destinations::{Change, ComposeError, OwnerChoice, Parcel, ParcelFile};
use crate::formats::{Format, Found, TakerFile, claude_code};
use crate::journal::CopyRow;
use crate::settings::{Place, Spot};

/// What lay in the place of an order's credentials when it was last decided what to do there.
#[derive(Clone, Default)]
pub(super) struct Lay(Arc<Mutex<Option<Laid>>>);

/// What lay there.
#[derive(Clone)]
pub(super) struct Laid {
    pub(super) found: Found,
    pub(super) is_file: bool,
}

impl Lay {
    fn note(&self, format: Format, existing: Option<&[u8]>) {
        let laid = Laid { found: format.found(existing), is_file: existing.is_some() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(laid);
    }

    pub(super) fn laid(&self) -> Option<Laid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Brings the files of an order's format, and tells what lay there before.
pub(super) fn bringing(order: &Order) -> (Parcel, Lay) {
    let Order { destination, credentials, way } = order;
    let (place, format, lay) = (&destination.place, destination.format, Lay::default());
    let mut files = Vec::new();
    for (number, taken) in format.files().iter().enumerate() {
        let (credentials, way) = (credentials.clone(), *way);
        let noted = (number == 0).then(|| lay.clone());
        files.push(file(place, taken, move |existing| {
            if let Some(lay) = &noted {
                lay.note(format, existing);
            }
            match (way, existing) {
                (Way::Check, Some(existing)) if format.holds(taken, &credentials, existing) => Ok(Change::Settle),
                (way, _) => format.with_token(taken, &credentials, existing, way == Way::Replace),
            }
        }));
    }
    if destination.ready_to_use && format == Format::default() {
        files.push(file(place, &claude_code::ONBOARDING_FILE, claude_code::onboarded));
    }
    let parcel =
        Parcel { destination: destination.name.to_string(), root: place.root(), owner: destination.owner, files };
    (parcel, lay)
}

/// What these orders would bring.
pub fn parcels(orders: &[Order]) -> Vec<Parcel> {
    orders.iter().map(|order| bringing(order).0).collect()
}

/// Takes our token away; the parcel is known by its number.
pub(super) fn taking_away(number: usize, copy: &CopyRow, ours: &Arc<HashSet<Fingerprint>>) -> Parcel {
    let Spot { place, format } = copy.spot.clone();
    let root = place.root();
    let files = format.files().iter().map(|taken| {
        let ours = ours.clone();
        file(&place, taken, move |existing| format.without_token(taken, existing, &|token| ours.contains(token)))
    });
    Parcel { destination: number.to_string(), root, owner: OwnerChoice::Auto, files: files.collect() }
}

fn file(
    place: &Place,
    taken: &TakerFile,
    compose: impl Fn(Option<&[u8]>) -> Result<Change, ComposeError> + Send + Sync + 'static,
) -> ParcelFile {
    ParcelFile { path: place.path(taken.path), mode: taken.mode, compose: Box::new(compose) }
}
