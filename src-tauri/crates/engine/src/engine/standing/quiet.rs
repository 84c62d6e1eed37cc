//! Seeing to hosts that tell nothing by themselves: folders, databases, clusters. They are delivered to when something is
//! due, and looked at now and then for what others did to a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

use super::watch::Watch;
use super::{Changed, Engine, Troubles};
use crate::delivery::{Carried, Way};
use crate::destinations::Receipt;
use crate::renewal;
use crate::settings::{DestinationName, Host, Place};

/// How often files of this machine are looked at: what was done to one is put right within about this. It costs a call to
/// the system for each.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often everything on another machine is checked, which costs a connection.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How long to wait before what stood in the way of everything is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Of a mode.
const PERMISSIONS: u32 = 0o7777;

/// What a destination's files look like from outside, to notice that one is another by now.
type Looks = BTreeMap<DestinationName, Vec<Look>>;
/// Size, time of change and mode; none where there is no file.
type Look = Option<(u64, Option<SystemTime>, u32)>;

impl Engine {
    /// Keeps the destinations on this host delivered to until it is dropped.
    pub(super) async fn keep_quiet_host(
        &self,
        address: String,
        host: &Host,
        changed: &Changed,
        troubles: &Troubles<'_>,
    ) {
        let shown = host.to_string();
        let watch = Watch { engine: self, address: &address, name: &shown, troubles };
        let every = if *host == Host::Folders { LOOK_EVERY } else { CHECK_EVERY };
        let mut changes = changed.subscribe();
        let mut known = Looks::new();
        let mut check_at = Instant::now();
        loop {
            let is_time = check_at <= Instant::now();
            let due = self.to_check(watch, host, &known, is_time).await;
            let round = watch.round(due, BTreeSet::new()).await;
            self.look_after(watch, host, &mut known, &round.carried).await;
            if is_time {
                check_at = Instant::now() + if round.trouble.is_some() { TRY_AGAIN } else { every };
            }
            let next = round.next.map(|next| Instant::now() + renewal::wait(self.clock.now(), next));
            watch.tell(round.trouble);
            tokio::select! {
                () = sleep_until(next.map_or(check_at, |next| next.min(check_at))) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// What is to be checked now: on this machine what looks otherwise than when it was last seen to, elsewhere everything.
    async fn to_check(
        &self,
        watch: Watch<'_>,
        host: &Host,
        known: &Looks,
        is_time: bool,
    ) -> BTreeMap<DestinationName, Way> {
        if !is_time {
            return BTreeMap::new();
        }
        let names: Vec<DestinationName> = match host {
            Host::Folders => {
                let now = self.looks(watch).await;
                now.into_iter().filter(|(name, look)| known.get(name) != Some(look)).map(|(name, _)| name).collect()
            }
            _ => watch.destinations().unwrap_or_default().into_iter().map(|it| it.name).collect(),
        };
        names.into_iter().map(|name| (name, Way::Check)).collect()
    }

    /// How that looks now which was seen to is how it shall stay, unless somebody was at it since it was read back.
    async fn look_after(&self, watch: Watch<'_>, host: &Host, known: &mut Looks, carried: &[Carried]) {
        if *host != Host::Folders || carried.is_empty() {
            return;
        }
        let now = self.looks(watch).await;
        known.retain(|name, _| now.contains_key(name));
        for (name, looks) in now {
            let Some(carried) = carried.iter().find(|it| it.destination == name.as_str()) else { continue };
            if carried.seen.as_ref().is_some_and(|receipt| !is_as_read_back(&looks, receipt)) {
                known.remove(&name);
            } else {
                known.insert(name, looks);
            }
        }
    }

    /// What the files of this machine look like now.
    async fn looks(&self, watch: Watch<'_>) -> Looks {
        let destinations = watch.destinations().unwrap_or_default();
        let files: Vec<(DestinationName, Vec<PathBuf>)> = destinations
            .into_iter()
            .filter_map(|it| match it.place {
                Place::Directory { directory } => {
                    Some((it.name, it.format.files().iter().map(|file| directory.join(file.path)).collect()))
                }
                _ => None,
            })
            .collect();
        // A file system that hangs shall hold up nobody else.
        let looked = tokio::task::spawn_blocking(move || {
            files.into_iter().map(|(name, files)| (name, files.iter().map(|file| look(file)).collect())).collect()
        });
        looked.await.unwrap_or_default()
    }
}

fn is_as_read_back(looks: &[Look], receipt: &Receipt) -> bool {
    let seen = looks.iter().map(|look| look.map(|(size, _, mode)| (size, mode & PERMISSIONS)));
    let read_back = receipt.files.iter().map(|file| file.size.zip(file.mode));
    seen.eq(read_back.take(looks.len()))
}

fn look(file: &Path) -> Look {
    let found = std::fs::symlink_metadata(file).ok()?;
    #[cfg(unix)]
    let mode = std::os::unix::fs::MetadataExt::mode(&found);
    #[cfg(not(unix))]
    let mode = u32::from(found.permissions().readonly());
    Some((found.len(), found.modified().ok(), mode))
}
