//! Orders and withdrawals as parcels: which files, and what shall become of each.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Order, Way};
use crate::credentials::Fingerprint;
use crate::destinations::{Change, ComposeError, OwnerChoice, Parcel, ParcelFile};
use crate::formats::claude_code::{self, Found};
use crate::journal::CopyRow;
use crate::settings::Place;

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
    fn note(&self, existing: Option<&[u8]>) {
        let laid = Laid { found: claude_code::found(existing), is_file: existing.is_some() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(laid);
    }

    pub(super) fn laid(&self) -> Option<Laid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Brings the files of an order's format, and tells what lay there before.
pub(super) fn bringing(order: &Order) -> (Parcel, Lay) {
    let Order { destination, credentials, way } = order;
    let place = destination.place();
    let (credentials, way, lay) = (credentials.clone(), *way, Lay::default());
    let noted = lay.clone();
    let mut files = vec![file(&place, claude_code::CREDENTIALS, move |existing| {
        noted.note(existing);
        match way {
            Way::Publish => claude_code::with_token(&credentials, existing, false),
            Way::Replace => claude_code::with_token(&credentials, existing, true),
            Way::Check => claude_code::with_token_if_other(&credentials, existing),
        }
    })];
    if destination.ready_to_use {
        files.push(file(&place, claude_code::ONBOARDING, claude_code::onboarded));
    }
    let parcel = Parcel {
        destination: destination.name.to_string(),
        volume: destination.volume.to_string(),
        owner: destination.owner,
        files,
    };
    (parcel, lay)
}

/// What these orders would bring.
pub fn parcels(orders: &[Order]) -> Vec<Parcel> {
    orders.iter().map(|order| bringing(order).0).collect()
}

/// Takes our token away; the parcel is known by its number.
pub(super) fn taking_away(number: usize, copy: &CopyRow, ours: &Arc<HashSet<Fingerprint>>) -> Parcel {
    let ours = ours.clone();
    Parcel {
        destination: number.to_string(),
        volume: copy.place.volume.clone(),
        owner: OwnerChoice::Auto,
        files: vec![file(&copy.place, claude_code::CREDENTIALS, move |existing| {
            claude_code::without_token(existing, |token| ours.contains(token))
        })],
    }
}

fn file(
    place: &Place,
    name: &str,
    compose: impl Fn(Option<&[u8]>) -> Result<Change, ComposeError> + Send + Sync + 'static,
) -> ParcelFile {
    ParcelFile { path: place.path(name), mode: claude_code::MODE, compose: Box::new(compose) }
}
