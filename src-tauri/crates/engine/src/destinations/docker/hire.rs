//! One courier's life as a container: created, attached to, started, and seen to be gone.

use std::time::Duration;

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions, RemoveContainerOptions,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use courier::{Image, PROGRAM, mount_point};

use super::conversation::Courier;
use super::{Docker, EngineError, is_answer, is_missing};

/// How long the engine may take to clear a courier away that has ended; 100 volumes took it 0.4 s.
const FAREWELL: Duration = Duration::from_secs(10);
/// How often to look whether it is gone: at first about as often as an engine can answer.
const LOOK_AGAIN: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(40)];

/// No core file with a secret in it. Few files are open at a time, and no further process is started; both are said, as
/// podman would otherwise ask for a million of each, which it may not give where it runs in a container itself.
const LIMITS: [(&str, i64); 3] = [("core", 0), ("nofile", 1024), ("nproc", 1024)];

/// Why no courier could be had.
#[derive(Debug)]
pub(super) enum HireError {
    /// The engine is away, or can't do what has nothing to do with volumes.
    Engine(EngineError),
    /// The engine does not start a container with these volumes, or doesn't get done with it.
    Start(EngineError),
}

impl Docker {
    /// Starts a courier with these volumes, the first at `mount_point(0)` and so on.
    pub(super) async fn hire(&self, volumes: &[&str]) -> Result<Courier, HireError> {
        let image = self.image().await.map_err(HireError::Engine)?;
        let id = self.create(image, volumes).await?;
        match self.attach_and_start(&id).await {
            Ok(courier) => Ok(courier),
            Err(error) => {
                self.remove(&id).await;
                Err(error)
            }
        }
    }

    async fn create(&self, image: &Image, volumes: &[&str]) -> Result<String, HireError> {
        match self.try_create(image, volumes).await {
            Err(EngineError::Refused { .. }) => {}
            other => return other.map_err(HireError::Engine),
        }
        // Most likely the image is missing. Somebody else may have imported it while we waited for our turn.
        let _one_at_a_time = self.importing.lock().await;
        if let Ok(id) = self.try_create(image, volumes).await {
            return Ok(id);
        }
        let mut created = self.import_and_create(image, volumes).await;
        if let Err(EngineError::Refused { .. }) = created {
            // Another installation that left the engine may have taken the image away again.
            created = self.import_and_create(image, volumes).await;
        }
        created.map_err(|error| match error {
            EngineError::Refused { .. } => HireError::Start(error),
            other => HireError::Engine(other),
        })
    }

    async fn import_and_create(&self, image: &Image, volumes: &[&str]) -> Result<String, EngineError> {
        self.import(image).await?;
        self.try_create(image, volumes).await
    }

    async fn try_create(&self, image: &Image, volumes: &[&str]) -> Result<String, EngineError> {
        let name = super::random_name(&self.reach)?;
        let options = CreateContainerOptionsBuilder::new().name(&format!("tokenferry-courier-{name}")).build();
        let body = self.container(image.reference(), volumes);
        let created = self.call("create a courier", self.api.create_container(Some(options), body)).await?;
        Ok(created.id)
    }

    fn container(&self, image: String, volumes: &[&str]) -> ContainerCreateBody {
        let mounts = volumes.iter().enumerate();
        let mounts = mounts.map(|(index, volume)| self.mount((*volume).to_owned(), mount_point(index)));
        ContainerCreateBody {
            image: Some(image),
            cmd: Some(vec![PROGRAM.to_owned()]),
            user: Some("0:0".to_owned()),
            labels: Some(self.labels()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(false),
            open_stdin: Some(true),
            // When our connection is gone, however it went, the courier's input ends, and with it the courier.
            stdin_once: Some(true),
            tty: Some(false),
            // An engine that comes back after a crash ends what still runs, and would wait for 10 s: the first process of a
            // container is deaf to SIGTERM.
            stop_signal: Some("SIGKILL".to_owned()),
            network_disabled: Some(true),
            host_config: Some(HostConfig {
                mounts: Some(mounts.collect()),
                auto_remove: Some(true),
                network_mode: Some("none".to_owned()),
                log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
                readonly_rootfs: Some(true),
                cap_drop: Some(vec!["ALL".to_owned()]),
                // To enter any folder, to give a file its owner, to replace another's file in a sticky folder.
                cap_add: Some(vec!["DAC_OVERRIDE".to_owned(), "CHOWN".to_owned(), "FOWNER".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                ulimits: Some(LIMITS.map(limit).into()),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    async fn attach_and_start(&self, id: &str) -> Result<Courier, HireError> {
        let options = AttachContainerOptionsBuilder::new().stdin(true).stdout(true).stream(true).build();
        let failed = |error| match error {
            EngineError::Refused { .. } | EngineError::Hangs { .. } => HireError::Start(error),
            error => HireError::Engine(error),
        };
        // Here podman mounts the volumes already, Docker at the start.
        let attach = self.api.attach_container(id, Some(options));
        let attached = self.call("attach to a courier", attach).await.map_err(failed)?;
        let start = self.api.start_container(id, None::<StartContainerOptions>);
        self.call("start a courier", start).await.map_err(failed)?;
        Ok(Courier::new(id.to_owned(), attached, &self.reach))
    }

    /// Bids the courier farewell, and waits until the engine has cleared it away, or is away itself: what stays is found again
    /// by its label.
    pub(super) async fn dismiss(&self, courier: Courier) {
        let id = courier.farewell().await;
        let gone = async {
            let mut waits = LOOK_AGAIN.into_iter();
            let mut wait = Duration::ZERO;
            loop {
                wait = waits.next().unwrap_or(wait);
                tokio::time::sleep(wait).await;
                match self.api.inspect_container(&id, None::<InspectContainerOptions>).await {
                    Ok(_) => {}
                    // An engine that is away clears nothing away before it is back.
                    Err(error) if is_missing(&error) || !is_answer(&error) => return,
                    Err(_) => {}
                }
            }
        };
        if tokio::time::timeout(FAREWELL, gone).await.is_err() {
            tracing::warn!(container = id, "a courier stayed after its farewell, and is removed");
            self.remove(&id).await;
        }
    }

    /// Removes a container of ours, running or not. Best effort: what stays is found again by its label.
    pub(super) async fn remove(&self, id: &str) {
        let options: RemoveContainerOptions = RemoveContainerOptionsBuilder::new().force(true).build();
        match self.api.remove_container(id, Some(options)).await {
            Ok(()) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => tracing::debug!(container = id, %error, "a courier could not be removed yet"),
        }
    }
}

fn limit((name, most): (&str, i64)) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(most), hard: Some(most) }
}
