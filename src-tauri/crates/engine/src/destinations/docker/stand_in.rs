//! A stand-in for somebody's container: of the same image and never started. It is looked into in place of that one, and
//! what belongs into a volume is put there through it.
//!
//! Reading a file of a container, the engine mounts its root file system for a moment; one that ends just then can't be
//! removed, and stays behind dead. So that happens to ours alone.

use std::time::Duration;

use bollard::Docker as Connection;
use bollard::body_full;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, RemoveContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::{Docker, EngineError, is_missing, random_name};

/// What came of asking for an archive.
pub(super) enum Archive {
    /// All of it.
    Whole(Zeroizing<Vec<u8>>),
    /// There is nothing to make one of.
    Missing,
    /// It is longer than it may be.
    TooLarge,
}

/// How long to wait before a stand-in that could not be removed is tried again: while it is there, nobody can remove its
/// volumes.
const REMOVE_AGAIN: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// A stand-in, which is removed when this is dropped, however that comes about: [`Docker::settled`] waits for it.
pub(super) struct StandIn {
    id: String,
    api: Connection,
    removals: TaskTracker,
}

impl std::ops::Deref for StandIn {
    type Target = str;

    fn deref(&self) -> &str {
        &self.id
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let (id, api) = (std::mem::take(&mut self.id), self.api.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.removals.spawn_on(remove(api, id), &runtime);
        }
    }
}

/// Removes a stand-in, with the nameless volumes that its image asked for.
async fn remove(api: Connection, id: String) {
    let mut waits = REMOVE_AGAIN.into_iter();
    loop {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let error = match api.remove_container(&id, Some(options)).await {
            Ok(()) => return,
            Err(error) if is_missing(&error) => return,
            Err(error) => error,
        };
        let Some(wait) = waits.next() else {
            tracing::warn!(container = id, %error, "a stand-in could not be removed yet");
            return;
        };
        tokio::time::sleep(wait).await;
    }
}

impl Docker {
    /// Creates a stand-in of an image, by its id, with volumes and where they are mounted in it.
    pub(super) async fn create_stand_in(
        &self,
        image: &str,
        volumes: impl IntoIterator<Item = (String, String)>,
    ) -> Result<StandIn, EngineError> {
        let options = CreateContainerOptionsBuilder::new()
            .name(&format!("tokenferry-stand-in-{}", random_name(&self.reach)?))
            .build();
        let body = self.stand_in(image, volumes);
        let created = self.call("create a stand-in", self.api.create_container(Some(options), body)).await?;
        Ok(StandIn { id: created.id, api: self.api.clone(), removals: self.removals.clone() })
    }

    /// Waits until every stand-in that was done with is removed.
    pub async fn settled(&self) {
        self.removals.close();
        self.removals.wait().await;
        self.removals.reopen();
    }

    fn stand_in(&self, image: &str, volumes: impl IntoIterator<Item = (String, String)>) -> ContainerCreateBody {
        let mounts = volumes.into_iter().map(|(volume, target)| self.mount(volume, target));
        ContainerCreateBody {
            image: Some(image.to_owned()),
            // Never run, and an image may have none.
            cmd: Some(vec!["never-started".to_owned()]),
            labels: Some(self.labels()),
            network_disabled: Some(true),
            host_config: Some(HostConfig {
                mounts: Some(mounts.collect()),
                auto_remove: Some(true),
                network_mode: Some("none".to_owned()),
                log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// An archive of what lies at a path.
    pub(super) async fn archive(&self, id: &str, path: &str, at_most: usize) -> Result<Archive, EngineError> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut stream = std::pin::pin!(self.api.download_from_container(id, Some(options)));
        let mut archive = Zeroizing::new(Vec::new());
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => archive.extend_from_slice(&chunk),
                Err(error) if is_missing(&error) => return Ok(Archive::Missing),
                Err(error) => {
                    return Err(EngineError::from_call(&error, &self.reach).attempting("show what an image holds"));
                }
            }
            if archive.len() > at_most {
                return Ok(Archive::TooLarge);
            }
        }
        Ok(Archive::Whole(archive))
    }

    /// Puts all that an archive holds into a folder.
    pub(super) async fn unpack(&self, id: &str, folder: &str, archive: Bytes) -> Result<(), EngineError> {
        let options = UploadToContainerOptionsBuilder::new().path(folder).no_overwrite_dir_non_dir("true").build();
        let put = self.api.upload_to_container(id, Some(options), body_full(archive));
        self.call("fill a volume from its image", put).await
    }
}
