//! Which containers are there and what they mount, as far as deliveries go; and a cheap look at a file through one of them.

use std::collections::HashMap;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, MountPoint};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
};

use super::users::{is_root, working_user};
use super::{COURIER_LABEL, Docker, EngineError, is_missing};

/// A container that is none of our couriers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it runs now; one that is paused does.
    pub running: bool,
    /// The volumes that it mounts.
    pub mounts: Vec<VolumeMount>,
}

/// A volume that a container mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMount {
    /// The volume.
    pub volume: String,
    /// The folder in the container.
    pub folder: String,
}

/// What a file looks like from outside, to notice that it is another by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// In bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// When it was last changed, as the engine writes times.
    pub modified: String,
    /// Where it leads, if it is a link.
    pub link: String,
}

impl Presence {
    fn of(container: ContainerSummary) -> Option<Self> {
        if container.labels.is_some_and(|labels| labels.contains_key(COURIER_LABEL)) {
            return None;
        }
        let name = container.names.into_iter().flatten().next().unwrap_or_default();
        Some(Self {
            id: container.id?,
            name: name.trim_start_matches('/').to_owned(),
            running: matches!(
                container.state,
                Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::PAUSED)
            ),
            mounts: container.mounts.into_iter().flatten().filter_map(VolumeMount::of).collect(),
        })
    }
}

impl VolumeMount {
    fn of(mount: MountPoint) -> Option<Self> {
        // Mounts of images carry names too.
        let is_volume = mount.typ.as_deref() == Some("volume");
        Some(Self { volume: mount.name.filter(|_| is_volume)?, folder: mount.destination? })
    }
}

impl Docker {
    /// All containers, running or not, but for couriers.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn presences(&self) -> Result<Vec<Presence>, EngineError> {
        self.list(&HashMap::new()).await
    }

    /// One container; none where it is gone, or a courier.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn presence(&self, id: &str) -> Result<Option<Presence>, EngineError> {
        let named = HashMap::from([("id", vec![id])]);
        Ok(self.list(&named).await?.into_iter().find(|container| container.id == id))
    }

    /// The names of the containers that run with this volume; none where that can't be told now.
    pub async fn running_with(&self, volume: &str) -> Vec<String> {
        let all = self.list(&HashMap::from([("volume", vec![volume])])).await.unwrap_or_default();
        let running = all.into_iter().filter(|it| it.running);
        running.filter(|it| it.mounts.iter().any(|mount| mount.volume == volume)).map(|it| it.name).collect()
    }

    /// Whether people work in a container as root, as far as it was told so by number or by that name.
    pub async fn runs_as_root(&self, id: &str) -> bool {
        let found = self.api.inspect_container(id, None::<InspectContainerOptions>).await;
        found.ok().and_then(|it| it.config).is_none_or(|config| is_root(&working_user(&config)))
    }

    async fn list(&self, filters: &HashMap<&str, Vec<&str>>) -> Result<Vec<Presence>, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(filters).build();
        let listed = self.call("list containers", self.api.list_containers(Some(options))).await?;
        Ok(listed.into_iter().filter_map(Presence::of).collect())
    }

    /// Looks at a file through a container, by its path there; none where there is no file. Costs the engine about 2 ms.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn look_from(&self, container: &str, path: &str) -> Result<Option<Look>, EngineError> {
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        let found = match self.api.get_container_archive_info(container, Some(options)).await {
            Err(error) if is_missing(&error) => return Ok(None),
            found => found.map_err(|error| EngineError::from_call(&error, &self.reach).attempting("look at a file"))?,
        };
        Ok(Some(Look {
            size: u64::try_from(found.size).unwrap_or_default(),
            mode: found.file_mode & 0o777,
            modified: found.modification_time.unwrap_or_default(),
            link: found.link_target,
        }))
    }
}
