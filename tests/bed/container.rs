//! Containers of the practice app: what a person's own containers would be.

use std::collections::HashMap;

use bollard::{
    models::{
        ContainerCreateBody, ContainerInspectResponse, HostConfig, Mount, MountType, MountVolumeOptions,
        ResourcesUlimits,
    },
    query_parameters::{LogsOptionsBuilder, WaitContainerOptions},
};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{
    engine::{LABEL, TestEngine, remove_container},
    volume::Volume,
};

/// How many files and processes a container may have: far more than any program of a test needs.
const LIMIT: i64 = 4096;

/// What to run in a container. Like a compose service: an image, a user, mounts, an environment and a command.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs until an engine is told to"]
pub struct Run {
    image: Option<String>,
    user: Option<String>,
    mounts: Vec<Mount>,
    environment: Vec<String>,
    labels: HashMap<String, String>,
    command: Vec<String>,
}

impl Run {
    /// The practice app with these arguments, as root, with nothing mounted.
    pub fn app<S: Into<String>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self::command(std::iter::once("/app".to_owned()).chain(arguments.into_iter().map(Into::into)))
    }

    /// This command, program first, in another [`Run::image`].
    pub fn command<S: Into<String>>(command: impl IntoIterator<Item = S>) -> Self {
        Self { command: command.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// In an image that [`TestEngine::import`] brought in, instead of the practice app's.
    pub fn image(mut self, name: impl Into<String>) -> Self {
        self.image = Some(name.into());
        self
    }

    /// As this user, such as `1000:1000`.
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// With a variable set.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push(format!("{name}={value}"));
        self
    }

    /// With a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a volume at this path.
    pub fn mount(self, volume: &Volume, path: &str) -> Self {
        self.mounted(volume, path, false, true)
    }

    /// With a volume at this path that the engine fills from the image if it is empty, as it does unless told not to.
    pub fn mount_filled(self, volume: &Volume, path: &str) -> Self {
        self.mounted(volume, path, false, false)
    }

    /// With a volume at this path, only to read from.
    pub fn mount_read_only(self, volume: &Volume, path: &str) -> Self {
        self.mounted(volume, path, true, true)
    }

    /// With a file or folder of this machine at this path.
    pub fn bind(mut self, path: &std::path::Path, target: &str) -> Self {
        self.mounts.push(Mount {
            typ: Some(MountType::BIND),
            source: Some(path.to_str().expect("a plain path").to_owned()),
            target: Some(target.to_owned()),
            ..Mount::default()
        });
        self
    }

    fn mounted(mut self, volume: &Volume, path: &str, read_only: bool, no_copy: bool) -> Self {
        self.mounts.push(Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.name().to_owned()),
            target: Some(path.to_owned()),
            read_only: Some(read_only),
            volume_options: Some(MountVolumeOptions { no_copy: Some(no_copy), ..MountVolumeOptions::default() }),
            ..Mount::default()
        });
        self
    }
}

/// A container. It is removed by force on drop.
#[derive(Debug)]
pub struct Container {
    engine: TestEngine,
    id: String,
}

impl Container {
    pub(crate) async fn create(engine: TestEngine, run: Run) -> Self {
        let image = match run.image {
            Some(image) => image,
            None => engine.app_image().await,
        };
        let mut labels = run.labels;
        labels.insert(LABEL.to_owned(), String::new());
        let body = ContainerCreateBody {
            image: Some(image),
            user: run.user,
            env: Some(run.environment),
            cmd: Some(run.command),
            labels: Some(labels),
            host_config: Some(HostConfig {
                mounts: Some(run.mounts),
                // The practice provider listens on the loopback of the host.
                network_mode: Some("host".to_owned()),
                // As root, podman gives a million of each by itself, which is refused where the tests run in a container.
                ulimits: Some(["nofile", "nproc"].map(limit).into()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = engine.docker().create_container(None, body).await.expect("a container should be created").id;
        Self { engine, id }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Starts it.
    pub async fn start(&self) {
        self.engine.docker().start_container(&self.id, None).await.expect("the container should start");
    }

    /// All that it printed so far, both outputs.
    pub async fn logs(&self) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut logs = self.engine.docker().logs(&self.id, Some(options));
        let mut text = String::new();
        while let Some(part) = logs.try_next().await.expect("logs should be read") {
            text.push_str(&part.to_string());
        }
        text
    }

    /// Waits until it has printed this text, and returns all that it printed so far.
    ///
    /// # Panics
    /// Where it ends before that.
    pub async fn prints(&self, text: &str) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(true).build();
        let mut logs = self.engine.docker().logs(&self.id, Some(options));
        let mut so_far = String::new();
        while let Some(part) = logs.try_next().await.expect("logs should be read") {
            so_far.push_str(&part.to_string());
            if so_far.contains(text) {
                return so_far;
            }
        }
        panic!("the container should print {text:?}, but ended after:\n{so_far}");
    }

    /// Waits for its end, and returns its exit code.
    pub async fn wait(&self) -> i64 {
        let mut end = self.engine.docker().wait_container(&self.id, None::<WaitContainerOptions>);
        match end.next().await.expect("an engine should tell the end") {
            Ok(end) => end.status_code,
            // bollard makes an error of each code but 0.
            Err(bollard::errors::Error::DockerContainerWaitError { code, .. }) => code,
            Err(error) => panic!("the container should be waited for: {error}"),
        }
    }

    /// Does it run at this moment?
    pub async fn is_running(&self) -> bool {
        self.inspect().await.state.and_then(|state| state.running).unwrap_or_default()
    }

    /// All that the engine knows of it.
    pub async fn inspect(&self) -> ContainerInspectResponse {
        self.engine.docker().inspect_container(&self.id, None).await.expect("the container should be there")
    }
}

fn limit(name: &str) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(LIMIT), hard: Some(LIMIT) }
}

impl Drop for Container {
    fn drop(&mut self) {
        let id = &self.id;
        self.engine.clean_up(|docker| async move { remove_container(&docker, id).await });
    }
}

#[cfg(test)]
mod tests {
    use super::Run;
    use crate::TestEngine;

    #[tokio::test]
    async fn the_practice_app_runs_as_somebody_else_and_is_gone_afterwards() {
        let engine = TestEngine::get();
        let volume = engine.volume().await;
        volume.write("file", b"", (1000, 1000, 0o600)).await;
        let app = engine.run(Run::app(["sleep"]).user("1000:1000").mount(&volume, "/data")).await;
        assert!(app.is_running().await);
        let id = app.id().to_owned();
        drop(app);
        assert!(engine.docker().inspect_container(&id, None).await.is_err());
    }

    #[tokio::test]
    async fn logs_and_the_exit_code_are_told() {
        let app = TestEngine::get().run(Run::app(["juggle"])).await;
        assert_eq!(app.wait().await, 2);
        app.prints("practice app:").await;
        assert!(app.logs().await.starts_with("practice app:"));
    }
}
