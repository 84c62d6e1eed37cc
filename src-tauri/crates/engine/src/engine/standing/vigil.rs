//! What is known of one engine, and what its events call for: pure, with the time told from outside.
//!
//! A destination is *due* when something may have become of its copy. A volume that was created anew waits for its first
//! container for a moment: the engine fills an empty volume from that container's image, and one that holds something it
//! leaves as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::delivery::Way;
use crate::destinations::Receipt;
use crate::destinations::docker::{Happening, Look, Presence, VolumeMount};
use crate::settings::{Destination, DestinationName};

/// How long a volume that was created anew waits for its first container: compose takes some hundred milliseconds. Also how
/// long one that was removed is not missed, as it may be made anew.
const FIRST_CONTAINER: Duration = Duration::from_secs(2);
/// How long after it was created a container is given to start before its volumes are seen to all the same.
const START: Duration = Duration::from_secs(1);
/// How long after its last container ended a volume is checked: whoever takes everything down removes the volume next, and a
/// courier in it would be in the way.
const AFTER_THE_LAST: Duration = Duration::from_secs(2);
/// After how long to try again what could not be tried, as where a keychain is locked.
const UNTRIED: Duration = Duration::from_secs(5);
/// How often files in volumes of running containers are looked at: what was done to one shall be put right within 5 s.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a container has to run before anything is looked at through it. A look mounts its root file system for a moment,
/// and an engine can't remove a container while it does: most of those that end soon are gone by then.
const SETTLED: Duration = Duration::from_secs(2);
/// How many files are looked at each time, in turns where there are more: the engine takes 2 ms for each.
const LOOKS_AT_ONCE: usize = 16;

/// What is known of an engine.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    places: BTreeMap<DestinationName, Watched>,
    containers: BTreeMap<String, Known>,
    /// Containers that are being looked up, and whether they have started meanwhile.
    meeting: BTreeMap<String, bool>,
    /// Volumes that came to be, or went, and when to see to them whatever happens.
    changed: BTreeMap<String, Instant>,
    due: BTreeMap<DestinationName, (Instant, Way)>,
    /// When to look from outside.
    look_at: Option<Instant>,
}

/// A container on this engine.
#[derive(Debug)]
struct Known {
    presence: Presence,
    /// Since when it is known to run.
    runs_since: Option<Instant>,
}

impl Known {
    fn new(presence: Presence, now: Instant) -> Self {
        let runs_since = presence.running.then_some(now);
        Self { presence, runs_since }
    }

    fn mount(&self, volume: &str) -> Option<&VolumeMount> {
        self.presence.mounts.iter().find(|mount| mount.volume == volume)
    }

    /// From when on it may be looked through.
    fn settles_at(&self) -> Option<Instant> {
        self.runs_since.map(|since| since + SETTLED)
    }
}

/// A destination on this engine.
#[derive(Debug)]
struct Watched {
    volume: String,
    /// The file that the token lies in, from the volume's root.
    path: String,
    /// Its size and mode when it was last read back.
    read_back: Option<(u64, u32)>,
    /// What it looks like from outside while it is as it should be.
    seen: Option<Look>,
    /// Whether it looked otherwise than it was read back, and how far that is with: such a thing is checked once.
    doubt: Doubt,
    /// Whether the volume is there. Engines say that a volume is created whenever a container is that mounts it.
    exists: bool,
    /// Whether nothing else lies in the volume.
    alone: bool,
    /// Whether a container was seen with it since the volume came to be: the image's files lie there by now.
    used: bool,
    /// Whether it is root's, which the next container may not be.
    is_root_s: bool,
    /// Its turn to be looked at.
    turn: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    None,
    /// It is to be checked.
    Asked,
    /// It was: what is seen next counts.
    Answered,
}

/// What was found out of a container that was created or started.
#[derive(Debug, Default)]
pub(super) struct Guest {
    pub(super) container: Option<Presence>,
    /// Volumes that were delivered to before it began.
    pub(super) served: BTreeSet<String>,
    /// Whether it runs as somebody else than root; told only where that matters.
    pub(super) is_not_root: bool,
}

/// A file to look at from outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Glimpse {
    pub(super) name: DestinationName,
    pub(super) container: String,
    pub(super) path: String,
}

impl Vigil {
    /// Takes over what the user wants kept fresh here.
    pub(super) fn keep(&mut self, destinations: &[Destination]) {
        let wanted: BTreeSet<_> = destinations.iter().map(|it| &it.name).collect();
        self.places.retain(|name, _| wanted.contains(name));
        self.due.retain(|name, _| wanted.contains(name));
        for destination in destinations {
            let (Some(place), Some(file)) = (destination.in_volume(), destination.format.files().first()) else {
                continue;
            };
            let (volume, path) = (place.volume.to_string(), place.path(file.path));
            let known = self.places.get(&destination.name);
            if known.is_none_or(|known| known.volume != volume || known.path != path) {
                let watched = Watched {
                    volume,
                    path,
                    read_back: None,
                    seen: None,
                    doubt: Doubt::None,
                    exists: true,
                    alone: false,
                    used: self.containers.values().any(|it| it.mount(place.volume.as_str()).is_some()),
                    is_root_s: false,
                    turn: 0,
                };
                self.places.insert(destination.name.clone(), watched);
            }
        }
    }

    /// Begins anew with the containers and volumes that are there: nothing that happened before is known, so everything is
    /// checked.
    pub(super) fn begin(&mut self, present: Vec<Presence>, volumes: &BTreeSet<String>, now: Instant) {
        self.containers = present.into_iter().map(|it| (it.id.clone(), Known::new(it, now))).collect();
        self.look_at = Some(now);
        self.meeting.clear();
        self.changed.clear();
        let used: BTreeSet<_> = self.containers.values().flat_map(|it| volumes_of(&it.presence)).collect();
        for place in self.places.values_mut() {
            place.used = used.contains(&place.volume);
            place.exists = volumes.contains(&place.volume);
        }
        let all: Vec<_> = self.places.keys().cloned().collect();
        for name in all {
            self.set_due(&name, now, Way::Check);
        }
    }

    /// Whether it may bring a label with it: a container's are told, a volume's have to be read.
    pub(super) fn may_bring_labels(&self, happening: &Happening) -> bool {
        match happening {
            Happening::VolumeCreated(volume) => self.places.values().all(|place| place.volume != *volume),
            Happening::ContainerCreated { is_labelled, .. } => *is_labelled,
            _ => false,
        }
    }

    /// Takes note of what happened. A container that is to be [met](Self::met) is given back.
    pub(super) fn happened(&mut self, happening: Happening, now: Instant) -> Option<String> {
        match happening {
            Happening::VolumeCreated(volume) => {
                self.volume_is(volume, true, now);
                None
            }
            Happening::VolumeRemoved(volume) => {
                self.volume_is(volume, false, now);
                None
            }
            Happening::ContainerCreated { id, .. } => {
                self.meeting.insert(id.clone(), false);
                Some(id)
            }
            Happening::ContainerStarted(id) => {
                if let Some(container) = self.containers.get_mut(&id) {
                    container.runs_since = Some(now);
                    let volumes = volumes_of(&container.presence);
                    self.started(&volumes, now);
                    return None;
                }
                self.meeting.insert(id.clone(), true).is_none().then_some(id)
            }
            Happening::ContainerEnded(id) => {
                self.meeting.remove(&id);
                if let Some(container) = self.containers.remove(&id).filter(|it| it.runs_since.is_some()) {
                    self.ended(&container.presence, now);
                }
                None
            }
        }
    }

    fn volume_is(&mut self, volume: String, exists: bool, now: Instant) {
        let mut changed = false;
        for place in self.places.values_mut().filter(|it| it.volume == volume && it.exists != exists) {
            (place.exists, place.used, place.alone, changed) = (exists, false, false, true);
        }
        if changed {
            self.changed.insert(volume, now + FIRST_CONTAINER);
        }
    }

    /// A delivery found no volume.
    pub(super) fn missed(&mut self, name: &str) {
        if let Some((_, place)) = self.places.iter_mut().find(|(known, _)| known.as_str() == name) {
            place.exists = false;
        }
    }

    /// Destinations whose volume no container has used, as far as is known: the first one shall find all that it needs.
    pub(super) fn unused(&self) -> Vec<DestinationName> {
        self.places.iter().filter(|(_, it)| self.is_unused(it)).map(|(name, _)| name.clone()).collect()
    }

    fn is_unused(&self, place: &Watched) -> bool {
        !place.used && (place.alone || self.changed.contains_key(&place.volume))
    }

    /// Volumes whose files are root's.
    pub(super) fn root_s(&self) -> BTreeSet<String> {
        self.places.values().filter(|it| it.is_root_s).map(|it| it.volume.clone()).collect()
    }

    /// A container has been looked up, and its volumes perhaps seen to; it may be gone, or one that doesn't count.
    pub(super) fn met(&mut self, id: &str, guest: Guest, now: Instant) {
        let (Some(started), Some(mut container)) = (self.meeting.remove(id), guest.container) else { return };
        container.running |= started;
        let volumes = volumes_of(&container);
        for name in self.places_in(&volumes) {
            let Some(place) = self.places.get(&name) else { continue };
            if guest.served.contains(&place.volume) {
                continue;
            }
            if guest.is_not_root && place.is_root_s {
                self.set_due(&name, now, Way::Check);
            } else if self.is_unused(place) {
                self.set_due(&name, if container.running { now } else { now + START }, Way::Publish);
            }
        }
        self.use_up(&volumes);
        if container.running {
            self.started(&volumes, now);
        }
        self.containers.insert(container.id.clone(), Known::new(container, now));
    }

    /// What it did at last, nobody saw: unless another container runs there, through which it will be.
    fn ended(&mut self, container: &Presence, now: Instant) {
        let volumes: BTreeSet<_> = volumes_of(container).into_iter().filter(|volume| !self.is_in_use(volume)).collect();
        for name in self.places_in(&volumes) {
            self.set_due(&name, now + AFTER_THE_LAST, Way::Check);
        }
    }

    fn use_up(&mut self, volumes: &BTreeSet<String>) {
        self.changed.retain(|volume, _| !volumes.contains(volume));
        for place in self.places.values_mut().filter(|it| volumes.contains(&it.volume)) {
            place.used = true;
        }
    }

    /// What waited for the start waits no more, and the rest is looked at.
    fn started(&mut self, volumes: &BTreeSet<String>, now: Instant) {
        for name in self.places_in(volumes) {
            if let Some((at, _)) = self.due.get_mut(&name) {
                *at = now.min(*at);
            }
            if let Some(place) = self.places.get_mut(&name) {
                place.turn = 0;
                self.look_at = Some(self.look_at.map_or(now, |at| at.min(now + SETTLED)));
            }
        }
    }

    /// What to look at now from outside, if it is time.
    pub(super) fn looks(&mut self, now: Instant) -> Vec<Glimpse> {
        if self.next_looks().is_none_or(|next| next > now) {
            return Vec::new();
        }
        self.look_at = Some(now + LOOK_EVERY);
        let mut glimpses: Vec<(u64, Glimpse)> = self
            .places
            .iter()
            .filter(|(name, _)| !self.due.contains_key(*name))
            .filter_map(|(name, place)| {
                let container = self.longest_with(&place.volume).filter(|it| it.settles_at() <= Some(now))?;
                let folder = container.mount(&place.volume)?.folder.trim_end_matches('/');
                let (container, path) = (container.presence.id.clone(), format!("{folder}/{}", place.path));
                Some((place.turn, Glimpse { name: name.clone(), container, path }))
            })
            .collect();
        glimpses.sort_by_key(|(turn, _)| *turn);
        glimpses.truncate(LOOKS_AT_ONCE);
        let last = self.places.values().map(|place| place.turn).max().unwrap_or_default();
        for (_, glimpse) in &glimpses {
            if let Some(place) = self.places.get_mut(&glimpse.name) {
                place.turn = last + 1;
            }
        }
        glimpses.into_iter().map(|(_, glimpse)| glimpse).collect()
    }

    /// What a look has shown. What looks otherwise than before is due.
    pub(super) fn looked(&mut self, name: &DestinationName, look: Option<Look>, now: Instant) {
        let Some(place) = self.places.get_mut(name) else { return };
        let as_read_back = |look: &Look| place.read_back == Some((look.size, look.mode)) && look.link.is_empty();
        match (&place.seen, look) {
            (Some(before), Some(look)) if *before == look => {}
            (Some(_), _) => {
                place.seen = None;
                place.doubt = Doubt::None;
                self.set_due(name, now, Way::Check);
            }
            (None, Some(look)) if place.doubt == Doubt::Answered || as_read_back(&look) => {
                place.seen = Some(look);
                place.doubt = Doubt::None;
            }
            (None, None) if place.doubt == Doubt::Answered => {}
            (None, _) => {
                place.doubt = Doubt::Asked;
                self.set_due(name, now, Way::Check);
            }
        }
    }

    /// What could not be tried is due again after a while.
    pub(super) fn try_again(&mut self, untried: BTreeMap<DestinationName, Way>, now: Instant) {
        for (name, way) in untried.into_iter().filter(|(name, _)| self.places.contains_key(name)).collect::<Vec<_>>() {
            self.set_due(&name, now + UNTRIED, way);
        }
    }

    /// Takes out what is due, and how to see to it.
    pub(super) fn take_due(&mut self, now: Instant) -> BTreeMap<DestinationName, Way> {
        let over: Vec<_> = self.changed.iter().filter(|(_, until)| **until <= now).map(|(it, _)| it.clone()).collect();
        for volume in over {
            self.changed.remove(&volume);
            for name in self.places_in(&BTreeSet::from([volume])) {
                self.set_due(&name, now, Way::Publish);
            }
        }
        let (due, later) = std::mem::take(&mut self.due).into_iter().partition(|(_, (at, _))| *at <= now);
        self.due = later;
        due.into_iter().map(|(name, (_, way))| (name, way)).collect()
    }

    /// Destinations whose volume waits for its first container.
    pub(super) fn waiting(&self) -> BTreeSet<DestinationName> {
        self.places_in(&self.changed.keys().cloned().collect()).into_iter().collect()
    }

    /// A destination was seen to, and what was seen there at the end, if it was reached.
    pub(super) fn seen_to(&mut self, name: &str, receipt: Option<&Receipt>, now: Instant) {
        let Some((_, place)) = self.places.iter_mut().find(|(known, _)| known.as_str() == name) else { return };
        place.seen = None;
        if place.doubt == Doubt::Asked {
            place.doubt = Doubt::Answered;
        }
        let Some(receipt) = receipt else { return };
        // From outside, it is seen at once how it looks now.
        self.look_at = Some(now);
        let file = receipt.files.iter().find(|file| file.path == place.path);
        place.read_back = file.and_then(|file| file.size.zip(file.mode));
        place.exists = true;
        place.alone = receipt.is_all_there_is();
        place.is_root_s = receipt.is_root_s();
    }

    /// When something is due; none where nothing will be by itself.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.values().map(|(at, _)| *at).chain(self.changed.values().copied()).min()
    }

    /// When to look from outside; none where no container uses any of the volumes.
    pub(super) fn next_looks(&self) -> Option<Instant> {
        let longest = self.places.values().filter_map(|place| self.longest_with(&place.volume));
        let settles_at = longest.filter_map(Known::settles_at).min()?;
        self.look_at.map(|at| at.max(settles_at))
    }

    /// Whether a container runs, as far as is known now.
    pub(super) fn runs(&self, container: &str) -> bool {
        self.containers.get(container).is_some_and(|it| it.runs_since.is_some())
    }

    fn is_in_use(&self, volume: &str) -> bool {
        self.longest_with(volume).is_some()
    }

    /// The container that has run for longest with a volume.
    fn longest_with(&self, volume: &str) -> Option<&Known> {
        let running = self.containers.values().filter(|it| it.runs_since.is_some() && it.mount(volume).is_some());
        running.min_by_key(|it| it.runs_since)
    }

    fn places_in(&self, volumes: &BTreeSet<String>) -> Vec<DestinationName> {
        self.places.iter().filter(|(_, place)| volumes.contains(&place.volume)).map(|(name, _)| name.clone()).collect()
    }

    /// Sooner, and by the way that does more.
    fn set_due(&mut self, name: &DestinationName, at: Instant, way: Way) {
        let (known_at, known_way) = self.due.entry(name.clone()).or_insert((at, way));
        *known_at = at.min(*known_at);
        if way == Way::Publish {
            *known_way = way;
        }
    }
}

fn volumes_of(container: &Presence) -> BTreeSet<String> {
    container.mounts.iter().map(|mount| mount.volume.clone()).collect()
}

#[cfg(test)]
mod tests;
