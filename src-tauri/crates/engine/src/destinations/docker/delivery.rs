//! Carrying parcels: which volumes go with one courier, and what to do when the engine can't start it.
//!
//! Volumes that are plain folders of the engine go together: those can always be mounted. The others (bind, NFS,
//! plugins) go together too, but apart from these, as one that can't be mounted fails its courier's start.

use std::collections::BTreeMap;

use super::hire::HireError;
use super::visit::Visit;
use super::volumes::VolumeFacts;
use super::{CALLS_AT_ONCE, Docker, EngineError, decision, gather};
use crate::destinations::{DeliveryError, Parcel, Receipt, Undelivered};

/// Couriers under way at a time where each volume has one to itself.
const COURIERS_AT_ONCE: usize = 4;

/// What became of a parcel.
type Settled = Result<Receipt, Undelivered>;

/// A parcel whose volume is known to be there.
pub(super) struct Errand<'a> {
    /// Its place among the parcels.
    number: usize,
    pub(super) parcel: &'a Parcel,
    pub(super) facts: VolumeFacts,
}

impl Docker {
    /// Carries all parcels, and says of each, by its destination's name and in the same order, what became of it. One
    /// that fails doesn't hold up the others.
    pub async fn carry(&self, parcels: Vec<Parcel>) -> Vec<(String, Result<Receipt, Undelivered>)> {
        let (_, facts) = tokio::join!(self.tidy_before(), self.facts_of(&parcels));
        self.carry_into(&parcels, facts).await
    }

    /// As [`carry`](Self::carry), leaving alone what earlier runs left.
    pub(super) async fn carry_only(&self, parcels: Vec<Parcel>) -> Vec<(String, Settled)> {
        let facts = self.facts_of(&parcels).await;
        self.carry_into(&parcels, facts).await
    }

    async fn carry_into(
        &self,
        parcels: &[Parcel],
        facts: Vec<Result<VolumeFacts, DeliveryError>>,
    ) -> Vec<(String, Settled)> {
        let mut settled = BTreeMap::new();
        let (mut plain, mut special) = (Vec::new(), Vec::new());
        for (number, (parcel, facts)) in parcels.iter().zip(facts).enumerate() {
            match facts {
                Ok(facts) if facts.plain => plain.push(Errand { number, parcel, facts }),
                Ok(facts) => special.push(Errand { number, parcel, facts }),
                Err(error) => {
                    settled.insert(number, Err(error.into()));
                }
            }
        }
        let (plain, special) = tokio::join!(self.together(plain), self.together(special));
        settled.extend(plain.into_iter().chain(special));
        parcels.iter().map(|parcel| parcel.destination.clone()).zip(settled.into_values()).collect()
    }

    /// Looks up each parcel's volume.
    async fn facts_of(&self, parcels: &[Parcel]) -> Vec<Result<VolumeFacts, DeliveryError>> {
        let listed = self.facts_of_many(parcels.len()).await;
        let looked_up = parcels.iter().map(async |parcel| {
            if let Some(file) = parcel.files.iter().find(|file| !decision::is_path(&file.path)) {
                return Err(DeliveryError::BadPath { path: file.path.clone() });
            }
            match listed.get(&parcel.root) {
                Some(facts) => Ok(facts.clone()),
                None => self.facts(&parcel.root).await,
            }
        });
        gather(looked_up, CALLS_AT_ONCE).await
    }

    /// Delivers with one courier for all, and if the engine can't start it, with one for each volume.
    async fn together(&self, errands: Vec<Errand<'_>>) -> Vec<(usize, Settled)> {
        if errands.is_empty() {
            return Vec::new();
        }
        let mut by_volume: BTreeMap<&str, Vec<Errand<'_>>> = BTreeMap::new();
        match self.deliver(&errands).await {
            Ok(settled) => return settled,
            Err(HireError::Engine(error)) => return all_failed(&errands, &error.into()),
            Err(HireError::Start(_)) => {}
        }
        for errand in errands {
            by_volume.entry(&errand.parcel.root).or_default().push(errand);
        }
        let alone = by_volume.into_values().map(|errands| self.alone(errands));
        gather(alone, COURIERS_AT_ONCE).await.into_iter().flatten().collect()
    }

    /// Delivers into one volume with a courier of its own.
    async fn alone(&self, errands: Vec<Errand<'_>>) -> Vec<(usize, Settled)> {
        let error = match self.deliver(&errands).await {
            Ok(settled) => return settled,
            Err(HireError::Engine(error)) => error.into(),
            Err(HireError::Start(error)) => match errands.first() {
                Some(errand) => self.blame(errand, error).await,
                None => error.into(),
            },
        };
        all_failed(&errands, &error)
    }

    /// Whether it is the volume that a courier could not start with, or the engine that can't start any.
    async fn blame(&self, errand: &Errand<'_>, error: EngineError) -> DeliveryError {
        let volume = errand.parcel.root.as_str();
        match self.hire(&[]).await {
            Ok(courier) => {
                self.dismiss(courier).await;
                // podman, asked to remove a volume just as we came, can keep our accident's name and take its folder away.
                if self.is_accident(volume, &errand.facts).await && self.has_no_folder(volume).await {
                    self.undo_accident(volume).await;
                }
                if let Err(gone @ DeliveryError::VolumeMissing { .. }) = self.facts(volume).await {
                    // Its folder goes before podman forgets its name.
                    return gone;
                }
                let detail = match error {
                    EngineError::Refused { reason, .. } => reason,
                    other => other.to_string(),
                };
                DeliveryError::Unmountable { volume: volume.to_owned(), detail }
            }
            Err(HireError::Engine(error) | HireError::Start(error)) => error.into(),
        }
    }

    async fn deliver(&self, errands: &[Errand<'_>]) -> Result<Vec<(usize, Settled)>, HireError> {
        let names = self.temporary_names().map_err(HireError::Engine)?;
        let mut visit = Visit::plan(self, names, errands);
        let mut courier = self.hire(visit.volumes()).await?;
        visit.work(&mut courier).await;
        self.dismiss(courier).await;
        for volume in visit.accidents() {
            self.undo_accident(volume).await;
        }
        visit.check_memory().await;
        Ok(errands.iter().map(|errand| errand.number).zip(visit.settle()).collect())
    }
}

fn all_failed(errands: &[Errand<'_>], error: &DeliveryError) -> Vec<(usize, Settled)> {
    errands.iter().map(|errand| (errand.number, Err(error.clone().into()))).collect()
}
