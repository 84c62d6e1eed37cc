//! What is on an engine: volumes, and the containers that are not ours, with what they mount and how they are set up.
//! Nothing is changed by looking. Of an environment only names are kept, and the values that are known to be no
//! secrets; of labels only those that say what belongs together.

mod reading;

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::ContainerSummary;
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder, ListVolumesOptions};
use jiff::Timestamp;
use url::Url;

use super::{CALLS_AT_ONCE, COURIER_LABEL, Docker, EngineError, gather};
use crate::destinations::Ids;
use crate::formats::claude_code::{CREDENTIALS_VARIABLE, FOLDER_VARIABLE};

/// On a volume or a container: the account whose token it is for.
pub const ACCOUNT_LABEL: &str = "tokenferry.account";
/// On what compose made: its project.
pub const PROJECT_LABEL: &str = "com.docker.compose.project";
/// On what compose made: the volume's name in the compose file.
pub const COMPOSE_VOLUME_LABEL: &str = "com.docker.compose.volume";
/// On what compose made: the service.
pub const SERVICE_LABEL: &str = "com.docker.compose.service";
/// On a dev container: the folder on this machine that it was made for.
pub const DEV_FOLDER_LABEL: &str = "devcontainer.local_folder";

/// The labels that are kept: others may hold anything.
const LABELS: [&str; 5] = [ACCOUNT_LABEL, PROJECT_LABEL, COMPOSE_VOLUME_LABEL, SERVICE_LABEL, DEV_FOLDER_LABEL];

/// The variables whose values are kept.
const VALUES: [&str; 6] =
    ["HOME", "PATH", FOLDER_VARIABLE, CREDENTIALS_VARIABLE, "ANTHROPIC_PROFILE", "ANTHROPIC_BASE_URL"];

/// A file system that is away may keep a look at a path of this machine waiting for ever.
const PATH_WITHIN: Duration = Duration::from_secs(1);

/// What is on an engine, as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// All volumes, by name.
    pub volumes: Vec<Volume>,
    /// All containers but ours, running or not, by name.
    pub containers: Vec<Container>,
}

impl Survey {
    /// The volume of this name.
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// The containers that mount a volume, each with how.
    pub fn users_of<'a>(&'a self, volume: &'a str) -> impl Iterator<Item = (&'a Container, &'a Mount)> {
        self.containers.iter().flat_map(move |container| {
            let mounts = container.mounts.iter().filter(move |mount| mount.volume() == Some(volume));
            mounts.map(move |mount| (container, mount))
        })
    }
}

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its driver, such as `local`.
    pub driver: String,
    /// Those of its labels that say what it belongs to.
    pub labels: BTreeMap<String, String>,
    /// When it was made, where the engine tells.
    pub created: Option<Timestamp>,
}

/// A container that is not ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// Its image, as it was named.
    pub image: String,
    /// Those of its labels that say what it belongs to.
    pub labels: BTreeMap<String, String>,
    /// Whether it runs, which a paused one and one that is just restarted do too.
    pub running: bool,
    /// What it mounts, by where.
    pub mounts: Vec<Mount>,
    /// How it is set up. None where it mounts nothing and has no label of Tokenferry's, or is being removed.
    pub setup: Option<Setup>,
}

/// How a container is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// Its image's id.
    pub image: String,
    /// When it was last started.
    pub started: Option<Timestamp>,
    /// As whom people work in it, as configured: `node`, `1000`, `1000:1000`, or nothing for root.
    pub user: String,
    /// Its user in numbers, where that is known: [`Docker::look_users_up`] finds more.
    pub ids: Option<Ids>,
    /// Its user's home, where that is known: likewise.
    pub home: Option<String>,
    /// The image's variables and its own.
    pub environment: Variables,
}

/// The variables of a container: names, and only the values that are no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    names: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Variables {
    /// From `NAME=value` lines. A variable that is set to nothing counts as not set.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut read = Self::default();
        for (name, value) in lines.into_iter().filter_map(|line| line.split_once('=')) {
            if value.is_empty() {
                continue;
            }
            read.names.push(name.to_owned());
            if VALUES.contains(&name) {
                read.values.insert(name.to_owned(), without_password(value));
            }
        }
        read.names.sort();
        read
    }

    /// Whether it is set to anything.
    pub fn is_set(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// Its value, if it is one of the few whose values are kept.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// An address may carry a name and a password.
fn without_password(value: &str) -> String {
    match Url::parse(value) {
        Ok(mut url) if url.has_authority() && (url.password().is_some() || !url.username().is_empty()) => {
            let emptied = url.set_password(None).and_then(|()| url.set_username(""));
            emptied.map_or_else(|()| String::new(), |()| url.into())
        }
        _ => value.to_owned(),
    }
}

/// Something mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What.
    pub source: Source,
    /// Where in the container, as an absolute path.
    pub destination: String,
    /// Whether the container may only read there.
    pub read_only: bool,
}

impl Mount {
    /// The volume's name, if it is one.
    pub fn volume(&self) -> Option<&str> {
        match &self.source {
            Source::Volume { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A volume.
    Volume {
        /// Its name.
        name: String,
        /// The folder of it that is mounted in place of its top.
        subpath: Option<String>,
    },
    /// A path of the machine that the engine is on.
    Bind {
        /// The path.
        path: String,
        /// Whether it is a single file, where that can be told.
        is_file: Option<bool>,
    },
    /// Something else, in the engine's word, such as `tmpfs`.
    Other(String),
}

impl Docker {
    /// Looks what is on the engine. Two calls, and one more for each container that mounts something.
    ///
    /// # Errors
    /// The lists can't be had. A container that is removed meanwhile is left out of nothing but its setup.
    pub async fn survey(&self) -> Result<Survey, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let (volumes, containers) = tokio::try_join!(
            self.call("list volumes", self.api.list_volumes(None::<ListVolumesOptions>)),
            self.call("list containers", self.api.list_containers(Some(options))),
        )?;
        let mut volumes: Vec<Volume> = volumes.volumes.unwrap_or_default().into_iter().map(Volume::from).collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        let theirs = containers.into_iter().filter(|container| !is_ours(container)).map(Container::from);
        let mut containers = gather(theirs.map(|container| self.with_setup(container)), CALLS_AT_ONCE).await;
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Survey { volumes, containers })
    }

    /// Looks up what users and homes are by the lists of users in their images, where their setup doesn't tell.
    ///
    /// Apart from [`survey`](Self::survey), as it may take a container of ours for each image.
    pub async fn look_users_up(&self, survey: &mut Survey) {
        let found = gather(survey.containers.iter().map(|container| self.user_in(container)), CALLS_AT_ONCE).await;
        for (container, found) in survey.containers.iter_mut().zip(found) {
            if let (Some(setup), Some((ids, home))) = (&mut container.setup, found) {
                setup.ids = setup.ids.or(ids);
                setup.home = setup.home.take().or(home);
            }
        }
    }

    async fn user_in(&self, container: &Container) -> Option<(Option<Ids>, Option<String>)> {
        let setup = container.setup.as_ref().filter(|setup| setup.ids.is_none() || setup.home.is_none())?;
        Some(self.user_and_home(&setup.image, &setup.user).await)
    }

    async fn with_setup(&self, container: Container) -> Container {
        if container.mounts.is_empty() && !container.labels.contains_key(ACCOUNT_LABEL) {
            return container;
        }
        match self.api.inspect_container(&container.id, None::<InspectContainerOptions>).await {
            Ok(inspected) => self.with_kinds_of_binds(container.with(inspected)).await,
            Err(error) => {
                tracing::debug!(container.name, %error, "a container can't be inspected");
                container
            }
        }
    }

    /// A path on this machine can be looked at, one elsewhere not.
    async fn with_kinds_of_binds(&self, mut container: Container) -> Container {
        if self.reach.socket().is_none() {
            return container;
        }
        for mount in &mut container.mounts {
            if let Source::Bind { path, is_file } = &mut mount.source {
                let looked = tokio::time::timeout(PATH_WITHIN, tokio::fs::metadata(path)).await;
                *is_file = looked.ok().and_then(Result::ok).map(|found| !found.is_dir());
            }
        }
        container
    }
}

fn is_ours(container: &ContainerSummary) -> bool {
    container.labels.as_ref().is_some_and(|labels| labels.contains_key(COURIER_LABEL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_variables_only_what_is_no_secret_is_kept() {
        let lines = [
            "ANTHROPIC_API_KEY=sk-the-key",
            "CLAUDE_CODE_OAUTH_TOKEN=the-token",
            "ANTHROPIC_AUTH_TOKEN=",
            "DATABASE=postgres://me:secret@host",
            "ANTHROPIC_BASE_URL=http://me:secret@gateway:4000/v1",
            "CLAUDE_CONFIG_DIR=/claude",
            "broken",
        ];
        let read = Variables::read(lines);
        let names: Vec<_> = read.names().collect();
        assert_eq!(
            names,
            ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR", "DATABASE"]
        );
        assert!(read.is_set("ANTHROPIC_API_KEY") && !read.is_set("ANTHROPIC_AUTH_TOKEN"));
        assert_eq!(read.value("ANTHROPIC_API_KEY"), None);
        assert_eq!(read.value("CLAUDE_CONFIG_DIR"), Some("/claude"));
        assert_eq!(read.value("ANTHROPIC_BASE_URL"), Some("http://gateway:4000/v1"));
        let shown = format!("{read:?}");
        for secret in ["secret", "sk-the-key", "the-token"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
