//! The demo's corner of a Docker engine: an image, a volume and a container, all of one name that nobody else has. What
//! is made here is removed here.

use std::collections::HashMap;
use std::error::Error;
use std::iter;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as CallError;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions, StartContainerOptions,
};
use engine::destinations::docker::{self, EngineChoice, EngineError, Environment, resolve};
use futures_util::TryStreamExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::{failed, failed_with};
use crate::outcome::Failure;

/// How everything of ours is called, with a random end.
const NAME: &str = "tokenferry-demo";
/// Marks the app's container with that name, so that what a killed demo left is found.
const LABEL: &str = "tokenferry.demo";
/// Every wait of a demo together is shorter.
const OUTLIVED_SECONDS: i64 = 600;
/// The app's user in its container, as in the official Node images.
pub(super) const USER: &str = "node";
/// Where that user's Claude Code looks for its credentials: the volume is mounted here.
pub(super) const FOLDER: &str = "/home/node/.claude";
/// How often the app asks: often enough that nobody waits for it.
const EVERY_MILLIS: u32 = 200;
/// The image is 1 MB and comes from memory; an engine on a slow disk needs a second or two.
const IMPORT_WITHIN: Duration = Duration::from_secs(30);

/// A corner of the engine that `docker` would use.
pub(super) struct Sandbox {
    docker: Docker,
    /// The engine as deliveries know it.
    deliveries: docker::Docker,
    had_courier: bool,
    image: Vec<u8>,
    name: String,
    shown: String,
}

impl Sandbox {
    /// Sees that there is an engine, and that there is an app to run on it. Nothing is made yet.
    pub(super) async fn open(environment: &Environment) -> Result<Self, Failure> {
        let image = practice::app::image_tar().ok_or_else(|| {
            failed_with(
                "The demo's app is built on Linux alone, so the demo can't run here.",
                "Run it on Linux; or begin for real with `tokenferry login`.",
            )
        })?;
        let reach = resolve(&EngineChoice::FromEnvironment, environment).map_err(unreachable)?;
        let docker = reach.client().map_err(unreachable)?;
        let deliveries = docker::Docker::new(reach, NAME).map_err(unreachable)?;
        deliveries.ping().await.map_err(unreachable)?;
        let had_courier = deliveries.has_image().await.map_err(unreachable)?;
        let shown = deliveries.reach().shown.clone();
        let sandbox = Self { docker, deliveries, had_courier, image, name: random_name()?, shown };
        sandbox.remove_leftovers().await;
        Ok(sandbox)
    }

    /// The name of the volume, and of all else.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The engine, as it is shown to people.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Makes the volume, and starts the app in a container as any user's would be: not root, with the volume mounted. It
    /// asks the API at `url` over and over.
    pub(super) async fn start_app(&self, url: &str, stop: CancellationToken) -> Result<App, Failure> {
        self.import().await?;
        let volume = VolumeCreateRequest { name: Some(self.name.clone()), ..VolumeCreateRequest::default() };
        called("make a volume", self.docker.create_volume(volume).await)?;
        let options = CreateContainerOptionsBuilder::default().name(&self.name).build();
        let created = called("create a container", self.docker.create_container(Some(options), self.app(url)).await)?;
        let started = self.docker.start_container(&created.id, None::<StartContainerOptions>).await;
        called("start a container", started)?;
        App::attend(self.docker.clone(), created.id, stop).await
    }

    async fn import(&self) -> Result<(), Failure> {
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(&self.name).tag("latest").build();
        let archive = bollard::body_full(self.image.clone().into());
        let import = self.docker.create_image(Some(options), Some(archive), None).try_collect::<Vec<_>>();
        let imported = timeout(IMPORT_WITHIN, import).await.unwrap_or(Err(CallError::RequestTimeoutError));
        called("import the app's image", imported).map(drop)
    }

    fn app(&self, url: &str) -> ContainerCreateBody {
        let (credentials, every) = (format!("{FOLDER}/.credentials.json"), EVERY_MILLIS.to_string());
        let command = ["/app", "keep-asking", "--credentials", &credentials, "--url", url, "--every-ms", &every];
        ContainerCreateBody {
            image: Some(self.name.clone()),
            user: Some(USER.to_owned()),
            cmd: Some(command.map(str::to_owned).to_vec()),
            labels: Some(HashMap::from([(LABEL.to_owned(), self.name.clone())])),
            host_config: Some(HostConfig {
                mounts: Some(vec![Mount {
                    typ: Some(MountType::VOLUME),
                    source: Some(self.name.clone()),
                    target: Some(FOLDER.to_owned()),
                    ..Mount::default()
                }]),
                // The practice provider listens on the loopback of the host.
                network_mode: Some("host".to_owned()),
                // What the app says is read from the log, which an engine's own default may send elsewhere.
                log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Removes all that was made, however far that came, and the courier's image where there was none before.
    pub(super) async fn remove(self) -> Result<(), Failure> {
        self.remove_named(&self.name).await.map_err(|why| {
            failed_with(
                format!("Docker did not remove all that the demo made: {}.", said(&why)),
                format!("Remove it with `docker rm -f {0}; docker volume rm {0}; docker rmi {0}`.", self.name),
            )
        })?;
        if !self.had_courier {
            self.deliveries.leave().await.map_err(engine::Error::from)?;
        }
        Ok(())
    }

    /// Removes what a demo that was killed has left: its app would ask for ever. Best effort; the next one tries again.
    async fn remove_leftovers(&self) {
        let filters = HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.docker.list_containers(Some(options)).await.unwrap_or_default();
        let now = jiff::Timestamp::now().as_second();
        for container in found.iter().filter(|it| now - it.created.unwrap_or(now) > OUTLIVED_SECONDS) {
            if let Some(name) = container.labels.as_ref().and_then(|labels| labels.get(LABEL)) {
                let _ = self.remove_named(name).await;
            }
        }
    }

    /// Tries to remove all three, and tells the first failure.
    async fn remove_named(&self, name: &str) -> Result<(), CallError> {
        let force = RemoveContainerOptionsBuilder::default().force(true).build();
        let container = gone(self.docker.remove_container(name, Some(force)).await);
        let volume = gone(self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await);
        let force = RemoveImageOptionsBuilder::default().force(true).build();
        let image = gone(self.docker.remove_image(name, Some(force), None).await.map(drop));
        container.and(volume).and(image)
    }
}

/// What is not there is as good as removed.
fn gone(removed: Result<(), CallError>) -> Result<(), CallError> {
    match removed {
        Err(CallError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        other => other,
    }
}

/// A failed call of the demo's own, in a sentence.
pub(super) fn called<T>(attempt: &str, done: Result<T, CallError>) -> Result<T, Failure> {
    done.map_err(|why| {
        failed_with(
            format!("Docker could not {attempt}: {}.", said(&why)),
            "See that `docker run` works there, and try again.",
        )
    })
}

/// What the engine said; where it said nothing, the innermost reason.
fn said(error: &CallError) -> String {
    match error {
        CallError::DockerResponseServerError { message, .. } => message.clone(),
        other => iter::successors(Some(other as &(dyn Error + 'static)), |error| (*error).source())
            .last()
            .map_or_else(String::new, ToString::to_string),
    }
}

/// There is no engine to show anything on. `make demo` brings its own, and that helps where none runs.
fn unreachable(error: EngineError) -> Failure {
    match error {
        EngineError::NotRunning { .. } | EngineError::NotAllowed { .. } => failed_with(
            error.to_string(),
            "Start Docker and try again; or run `make demo` in Tokenferry's sources, which starts a private one.",
        ),
        other => engine::Error::from(other).into(),
    }
}

fn random_name() -> Result<String, Failure> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).map_err(|why| failed(format!("The system gives no random numbers: {why}.")))?;
    Ok(bytes.iter().fold(format!("{NAME}-"), |name, byte| format!("{name}{byte:02x}")))
}
