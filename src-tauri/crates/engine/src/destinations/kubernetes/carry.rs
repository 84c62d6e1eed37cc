//! Carrying parcels into Secrets, and looking into them: read, compose, write for just that state, read back.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::api::Refusal;
use super::decision::{self, Changes, Want};
use super::stored::Stored;
use super::{Cluster, ClusterError, SecretPlace, key_of};
use crate::destinations::{
    DeliveryError, FileReceipt, Glance, Ids, Outcome, Parcel, Receipt, Seen, SeenFile, Undelivered,
};

/// Secrets under way at a time: enough to be quick, few enough not to be slowed down by the API's own fairness.
const SECRETS_AT_ONCE: usize = 8;
/// How often a Secret is looked at anew that others write to meanwhile.
const ATTEMPTS: usize = 5;
/// What a key counts as, which has neither an owner nor a mode: the pod that mounts it says those.
const NOBODY: Ids = Ids { uid: 0, gid: 0 };
const MODE: u32 = 0o600;

/// What became of a parcel.
type Settled = Result<Receipt, Undelivered>;

/// A parcel's file: the key that it has, or why it has none.
type Keyed = Vec<Result<String, ClusterError>>;

impl Cluster {
    /// Carries all parcels, each to the Secret that its root names, and says of each, by its destination's name and in
    /// the same order, what became of it. One that fails doesn't hold up the others.
    pub async fn carry(&self, parcels: Vec<Parcel>) -> Vec<(String, Result<Receipt, Undelivered>)> {
        let mut by_secret: BTreeMap<&str, Vec<(usize, &Parcel)>> = BTreeMap::new();
        for (number, parcel) in parcels.iter().enumerate() {
            by_secret.entry(&parcel.root).or_default().push((number, parcel));
        }
        // Those to one Secret go one after the other, or each would find it changed by the next.
        let visits: Vec<_> = by_secret
            .into_values()
            .map(async |parcels| {
                let mut settled = Vec::new();
                for (number, parcel) in parcels {
                    settled.push((number, self.deliver(parcel).await));
                }
                settled
            })
            .collect();
        let settled: BTreeMap<_, _> =
            stream::iter(visits).buffered(SECRETS_AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten().collect();
        parcels.iter().map(|parcel| parcel.destination.clone()).zip(settled.into_values()).collect()
    }

    /// Looks at files, and says of each destination, in the same order, what is there. Owner and mode are none of a
    /// Secret's: always 0:0 and 0600.
    pub async fn look(&self, glances: Vec<Glance>) -> Vec<(String, Result<Vec<Seen>, DeliveryError>)> {
        let looks: Vec<_> = glances
            .into_iter()
            .map(async |glance| {
                let seen = self.glance(&glance).await.map_err(DeliveryError::from);
                (glance.destination, seen)
            })
            .collect();
        stream::iter(looks).buffered(SECRETS_AT_ONCE).collect().await
    }

    async fn glance(&self, glance: &Glance) -> Result<Vec<Seen>, ClusterError> {
        let place = place_of(&glance.root)?;
        let stored = self.api.get(&place).await?;
        let seen = glance.paths.iter().map(|path| {
            let value = stored.as_ref().and_then(|stored| key_of(path).ok().and_then(|key| stored.value(&key)));
            let file = value.map(|value| SeenFile { owner: NOBODY, mode: MODE, content: Some(value.clone()) });
            Seen { path: path.clone(), file }
        });
        Ok(seen.collect())
    }

    /// Delivers one parcel, composing anew for as long as others change the Secret in between.
    async fn deliver(&self, parcel: &Parcel) -> Settled {
        let place = place_of(&parcel.root)?;
        let mut keys = keys_of(parcel, &place);
        for _ in 0..ATTEMPTS {
            let stored = self.api.get(&place).await?;
            let wanted: Vec<_> = decided(parcel, &keys, &place, stored.as_ref());
            let changes = changes_of(&keys, &wanted);
            let uncertain = || sent(parcel, &wanted);
            let changed = if changes.is_empty() {
                Ok(false)
            } else {
                self.change(&place, stored.as_ref(), &changes, &parcel.destination).await.map(|()| true)
            };
            match changed {
                Ok(has_changed) => {
                    let after = if has_changed { self.api.get(&place).await } else { Ok(stored) };
                    let after = after.map_err(|error| Undelivered {
                        error: error.into(),
                        files: Vec::new(),
                        uncertain: uncertain(),
                    })?;
                    let (files, failed) = settle(parcel, &keys, &place, wanted, after.as_ref());
                    return match failed {
                        None => Ok(Receipt { destination: parcel.destination.clone(), files }),
                        Some(error) => Err(Undelivered { error: error.into(), files, uncertain: Vec::new() }),
                    };
                }
                Err(Refusal::Changed) => {}
                Err(Refusal::Clash(clashes)) => {
                    for clash in clashes {
                        let key = decision::key_of_field(&clash.field).unwrap_or(&clash.field).to_owned();
                        let found = keys.iter_mut().find(|known| known.as_ref() == Ok(&key));
                        let error = ClusterError::Conflict { place: place.root(), key, manager: clash.manager };
                        match found {
                            // The others are tried without it.
                            Some(known) => *known = Err(error),
                            None => return Err(error.into()),
                        }
                    }
                }
                Err(Refusal::Failed { error, uncertain: maybe }) => {
                    let uncertain = if maybe { uncertain() } else { Vec::new() };
                    return Err(Undelivered { error: error.into(), files: Vec::new(), uncertain });
                }
            }
        }
        Err(ClusterError::KeepsChanging { place: place.root() }.into())
    }

    /// Changes a Secret that looks as it was seen; else nothing is done.
    async fn change(
        &self,
        place: &SecretPlace,
        stored: Option<&Stored>,
        changes: &Changes<'_>,
        destination: &str,
    ) -> Result<(), Refusal> {
        let installation = &self.installation;
        if !decision::fits(stored, changes) {
            return Err(ClusterError::TooLarge { place: place.root() }.into());
        }
        let Some(stored) = stored else {
            // An apply can't be told that there must be nothing. Of two processes that make the same Secret at the same
            // moment, the later takes the other's keys for its own that it no longer wants; so deliveries to a cluster
            // take turns by a lock, as those to an engine do.
            let body = decision::application(place, None, changes, destination, installation);
            return self.api.apply(place, &body, false).await.map(drop);
        };
        decision::may_change(stored, changes, place, installation)?;
        if decision::goes_altogether(stored, changes, installation) {
            match self.api.delete(place, stored).await {
                // Without that right it is left empty.
                Err(Refusal::Failed { error: ClusterError::Forbidden { .. }, .. }) => {}
                done => return done,
            }
        }
        let own = decision::own_keys(stored, installation);
        let mut after = None;
        if !changes.writes.is_empty() || changes.removals.iter().any(|key| own.contains(key)) {
            let body = decision::application(place, Some(stored), changes, destination, installation);
            after = Some(match self.api.apply(place, &body, false).await {
                Err(Refusal::Clash(clashes)) => {
                    let (_, theirs): (Vec<_>, Vec<_>) =
                        clashes.into_iter().partition(|clash| decision::may_take_back(stored, clash, installation));
                    if !theirs.is_empty() {
                        return Err(Refusal::Clash(theirs));
                    }
                    self.api.apply(place, &body, true).await?
                }
                applied => applied?,
            });
        }
        // What others keep as well is still there.
        let now = after.as_ref().unwrap_or(stored);
        let left: Vec<_> = changes.removals.iter().copied().filter(|key| now.value(key).is_some()).collect();
        if !left.is_empty() {
            self.api.merge(place, &decision::stripping(now, left.into_iter())).await?;
        }
        Ok(())
    }
}

fn place_of(root: &str) -> Result<SecretPlace, ClusterError> {
    root.parse().map_err(|why: crate::words::BadWord| ClusterError::BadPlace { reason: why.to_string() })
}

fn keys_of(parcel: &Parcel, place: &SecretPlace) -> Keyed {
    let mut taken = BTreeSet::new();
    let keys = parcel.files.iter().map(|file| {
        let key = key_of(&file.path)?;
        if taken.insert(key.clone()) { Ok(key) } else { Err(ClusterError::SameKey { place: place.root(), key }) }
    });
    keys.collect()
}

fn decided(
    parcel: &Parcel,
    keys: &Keyed,
    place: &SecretPlace,
    stored: Option<&Stored>,
) -> Vec<Result<Want, ClusterError>> {
    let decide = |(file, key): (_, &Result<String, ClusterError>)| {
        key.clone().and_then(|key| decision::decide(file, &key, place, stored))
    };
    parcel.files.iter().zip(keys).map(decide).collect()
}

fn changes_of<'a>(keys: &'a Keyed, wanted: &'a [Result<Want, ClusterError>]) -> Changes<'a> {
    let mut changes = Changes::default();
    for (key, want) in keys.iter().zip(wanted) {
        match (key, want) {
            (Ok(key), Ok(Want::Write(content))) => {
                changes.writes.insert(key, content);
            }
            (Ok(key), Ok(Want::Remove)) => {
                changes.removals.insert(key);
            }
            _ => {}
        }
    }
    changes
}

/// The paths of which a copy may lie there when no answer came.
fn sent(parcel: &Parcel, wanted: &[Result<Want, ClusterError>]) -> Vec<String> {
    let writes = parcel.files.iter().zip(wanted).filter(|(_, want)| matches!(want, Ok(Want::Write(_))));
    writes.map(|(file, _)| file.path.clone()).collect()
}

/// Holds what was read back against what was wanted: the files that are as they should be, and the first that isn't.
fn settle(
    parcel: &Parcel,
    keys: &Keyed,
    place: &SecretPlace,
    wanted: Vec<Result<Want, ClusterError>>,
    after: Option<&Stored>,
) -> (Vec<FileReceipt>, Option<ClusterError>) {
    let read_back_at = Timestamp::now();
    let entries = after.map_or(0, |after| after.values().count());
    let (mut files, mut failed) = (Vec::new(), None);
    for ((file, key), want) in parcel.files.iter().zip(keys).zip(wanted) {
        // A file that has no key was decided to fail by that.
        let (key, want) = match (key, want) {
            (Ok(key), Ok(want)) => (key, want),
            (_, Err(error)) => {
                failed.get_or_insert(error);
                continue;
            }
            (Err(_), Ok(_)) => continue,
        };
        let there = after.and_then(|after| after.value(key));
        let outcome = match &want {
            Want::Write(content) if there == Some(content) => Outcome::Written,
            Want::Remove if there.is_none() => Outcome::Removed,
            Want::Leave(outcome) => *outcome,
            Want::Write(_) | Want::Remove => {
                let error = ClusterError::NotAsWritten { place: place.root(), key: key.clone() };
                failed.get_or_insert(error);
                continue;
            }
        };
        files.push(FileReceipt {
            path: file.path.clone(),
            outcome,
            owner: there.map(|_| NOBODY),
            mode: there.map(|_| MODE),
            size: there.and_then(|content| u64::try_from(content.expose().len()).ok()),
            entries_at_top: u16::try_from(entries).unwrap_or(u16::MAX),
            read_back_at,
        });
    }
    (files, failed)
}
