//! Seeing to this machine's folders: delivered to when something is due, and looked at for what others did to the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::watch::Watch;
use super::{Changed, Engine, Troubles};
use crate::delivery::Way;
use crate::renewal;
use crate::settings::{DestinationName, Place};

/// How often the files are looked at: what was done to one is put right within about this. It costs a call to the system
/// for each.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long to wait before what stood in the way of everything is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// What a file looks like from outside, to notice that it is another by now; none where there is no file.
type Look = Option<(u64, Option<SystemTime>, u32)>;

impl Engine {
    /// Keeps the folders at this address delivered to until it is dropped.
    pub(super) async fn keep_folders(&self, address: String, name: String, changed: &Changed, troubles: &Troubles<'_>) {
        let watch = Watch { engine: self, address: &address, name: &name, troubles };
        let mut changes = changed.subscribe();
        let mut looks: BTreeMap<DestinationName, Vec<Look>> = BTreeMap::new();
        loop {
            let now = self.looks(watch).await;
            // One that was not seen before is checked too.
            let differs = now.iter().filter(|(name, look)| looks.get(*name) != Some(look));
            let due: BTreeMap<_, _> = differs.map(|(name, _)| (name.clone(), Way::Check)).collect();
            let round = watch.round(due, BTreeSet::new()).await;
            let seen_to: BTreeSet<String> = round.carried.iter().map(|carried| carried.destination.clone()).collect();
            looks = now;
            // How it looks after a delivery is how it shall stay.
            for (name, look) in self.looks(watch).await {
                if seen_to.contains(name.as_str()) {
                    looks.insert(name, look);
                }
            }
            looks.retain(|name, _| !round.untried.contains_key(name));
            let due_in = round.next.map(|next| renewal::wait(self.clock.now(), next));
            let wait = if round.trouble.is_some() { TRY_AGAIN } else { LOOK_EVERY };
            watch.tell(round.trouble);
            tokio::select! {
                () = sleep(due_in.map_or(wait, |due| due.min(wait))) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// What the files look like now, by destination.
    async fn looks(&self, watch: Watch<'_>) -> BTreeMap<DestinationName, Vec<Look>> {
        let destinations = watch.destinations().unwrap_or_default();
        let files: Vec<(DestinationName, Vec<PathBuf>)> = destinations
            .into_iter()
            .filter_map(|it| match it.place {
                Place::Directory { directory } => {
                    Some((it.name, it.format.files().iter().map(|file| directory.join(file.path)).collect()))
                }
                Place::Volume(_) => None,
            })
            .collect();
        // A file system that hangs shall hold up nobody else.
        let looked = tokio::task::spawn_blocking(move || {
            files.into_iter().map(|(name, files)| (name, files.iter().map(look).collect())).collect()
        });
        looked.await.unwrap_or_default()
    }
}

fn look(file: &PathBuf) -> Look {
    let found = std::fs::symlink_metadata(file).ok()?;
    #[cfg(unix)]
    let mode = std::os::unix::fs::MetadataExt::mode(&found);
    #[cfg(not(unix))]
    let mode = u32::from(found.permissions().readonly());
    Some((found.len(), found.modified().ok(), mode))
}
