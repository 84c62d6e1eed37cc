//! What the engine says of volumes: whether they are there, how they are made, and whether it was us by accident.

use std::collections::{BTreeSet, HashMap};

use bollard::models::Volume;
use bollard::query_parameters::{ListVolumesOptions, ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::{ACCIDENT_LABEL, Docker, EngineError, is_missing};
use crate::destinations::DeliveryError;

/// What matters of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VolumeFacts {
    /// A folder of the engine's own, which can always be mounted. Others (bind, NFS, plugins) may fail, or hang.
    pub(super) plain: bool,
    /// Gone when the last container that uses it stops.
    pub(super) in_memory: bool,
    /// When it was made, as the engine writes it.
    created: Option<String>,
}

impl VolumeFacts {
    fn of(volume: &Volume) -> Self {
        Self {
            plain: volume.driver == "local" && volume.options.is_empty(),
            in_memory: volume.driver == "local" && volume.options.get("type").is_some_and(|kind| kind == "tmpfs"),
            created: volume.created_at.clone(),
        }
    }
}

/// From how many volumes on the engine is asked for all it has, which then takes less than asking for each.
const MANY: usize = 5;

impl Docker {
    /// All volumes that the engine lists, where it is worth asking for them. One that isn't among them may still be
    /// there: [`facts`](Self::facts) tells.
    pub(super) async fn facts_of_many(&self, volumes: usize) -> HashMap<String, VolumeFacts> {
        if volumes < MANY {
            return HashMap::new();
        }
        // Should this fail, asking for each says why.
        let listed = self.api.list_volumes(None::<ListVolumesOptions>).await;
        let listed = listed.ok().and_then(|listed| listed.volumes).unwrap_or_default();
        listed.into_iter().map(|volume| (volume.name.clone(), VolumeFacts::of(&volume))).collect()
    }

    /// The names of all volumes.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn volumes(&self) -> Result<BTreeSet<String>, EngineError> {
        let found = self.call("list volumes", self.api.list_volumes(None::<ListVolumesOptions>)).await?;
        Ok(found.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }

    /// Looks a volume up. Comes before any container is created with it: that would create the volume, silently.
    pub(super) async fn facts(&self, volume: &str) -> Result<VolumeFacts, DeliveryError> {
        match self.api.inspect_volume(volume).await {
            Ok(found) => Ok(VolumeFacts::of(&found)),
            Err(error) if is_missing(&error) => Err(DeliveryError::VolumeMissing { volume: volume.to_owned() }),
            Err(error) => Err(EngineError::from_call(&error, &self.reach).attempting("look a volume up").into()),
        }
    }

    /// Whether an empty volume came to be only because we created a courier with it, as it was removed just before that.
    /// podman doesn't put the label on; there it is told by its age, in whole seconds, from what was looked up before.
    pub(super) async fn is_accident(&self, volume: &str, before: &VolumeFacts) -> bool {
        let Ok(found) = self.api.inspect_volume(volume).await else { return false };
        found.labels.get(ACCIDENT_LABEL) == Some(&self.installation)
            || (found.created_at != before.created && self.is_podman().await)
    }

    /// Whether a volume on this machine is seen to have no folder, so that nothing can be in it. False wherever that can't be
    /// seen: without the right to look, or where the engine's disk is another machine's.
    pub(super) async fn has_no_folder(&self, volume: &str) -> bool {
        let Ok(found) = self.api.inspect_volume(volume).await else { return false };
        let folder = std::path::Path::new(&found.mountpoint);
        // The folder of all volumes, which tells that this is the engine's disk.
        let volumes = folder.parent().and_then(std::path::Path::parent);
        let is_missing = folder.symlink_metadata().is_err_and(|why| why.kind() == std::io::ErrorKind::NotFound);
        is_missing && volumes.is_some_and(|volumes| volumes.is_dir() && volumes.parent().is_some())
    }

    /// Undoes such an accident. An engine refuses where a container uses the volume by now, which is as it should be.
    pub(super) async fn undo_accident(&self, volume: &str) {
        if let Err(error) = self.api.remove_volume(volume, None::<RemoveVolumeOptions>).await {
            tracing::debug!(volume, %error, "a volume that was made by accident stays");
        }
    }

    /// Volumes that were made by accident and not undone, as we were killed in between.
    pub(super) async fn accidents(&self) -> Result<Vec<String>, EngineError> {
        let label = format!("{ACCIDENT_LABEL}={}", self.installation);
        let filters = HashMap::from([("label".to_owned(), vec![label])]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let found = self.call("list volumes", self.api.list_volumes(Some(options))).await?;
        Ok(found.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }
}
