//! What is on an engine: volumes, and the containers that are not ours, with what they mount and how they are set up.
//! Nothing is changed by looking. Of an environment only names are kept, and the values that are known to be no
//! secrets; of labels only those that say what belongs together.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerSummary, ContainerSummaryStateEnum, HostConfig, MountPoint,
    Volume as ListedVolume,
};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder, ListVolumesOptions};
use jiff::Timestamp;
use url::Url;

use super::users::{ROOTS_HOME, UserText};
use super::{CALLS_AT_ONCE, COURIER_LABEL, Docker, EngineError, gather};
use crate::destinations::Ids;

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
    ["HOME", "PATH", "CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR", "ANTHROPIC_PROFILE", "ANTHROPIC_BASE_URL"];

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
    /// When it was last started.
    pub started: Option<Timestamp>,
    /// Its user as configured: `node`, `1000`, `1000:1000`, or nothing for root.
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

    /// Looks up what users and homes are by the containers' own lists of users, where their setup doesn't tell.
    ///
    /// Apart from [`survey`](Self::survey), as reading a file of a container makes the engine tell everybody of mounts:
    /// whoever looks at the engine because of its events would be called by his own looking.
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
        Some(self.user_by_lists(&container.id, &setup.user).await)
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

fn kept(labels: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    labels.into_iter().filter(|(name, _)| LABELS.contains(&name.as_str())).collect()
}

impl From<ListedVolume> for Volume {
    fn from(listed: ListedVolume) -> Self {
        Self {
            name: listed.name,
            driver: listed.driver,
            labels: kept(listed.labels),
            created: listed.created_at.and_then(|at| at.parse().ok()),
        }
    }
}

impl From<ContainerSummary> for Container {
    fn from(listed: ContainerSummary) -> Self {
        use ContainerSummaryStateEnum::{PAUSED, RESTARTING, RUNNING};
        let mut mounts: Vec<Mount> = listed.mounts.into_iter().flatten().filter_map(mount).collect();
        mounts.sort_by(|a, b| a.destination.cmp(&b.destination));
        let name = listed.names.into_iter().flatten().next().unwrap_or_default();
        Self {
            id: listed.id.unwrap_or_default(),
            name: name.trim_start_matches('/').to_owned(),
            image: listed.image.unwrap_or_default(),
            labels: kept(listed.labels.unwrap_or_default()),
            running: matches!(listed.state, Some(RUNNING | PAUSED | RESTARTING)),
            mounts,
            setup: None,
        }
    }
}

fn mount(point: MountPoint) -> Option<Mount> {
    let kind = point.typ.unwrap_or_default();
    let source = match kind.as_str() {
        "volume" => Source::Volume { name: point.name?, subpath: None },
        "bind" => Source::Bind { path: point.source.unwrap_or_default(), is_file: None },
        _ => Source::Other(kind),
    };
    Some(Mount { source, destination: point.destination?, read_only: point.rw == Some(false) })
}

impl Container {
    fn with(mut self, inspected: ContainerInspectResponse) -> Self {
        let config = inspected.config.unwrap_or_default();
        let lines = config.env.unwrap_or_default();
        let environment = Variables::read(lines.iter().map(String::as_str));
        let user = config.user.unwrap_or_default();
        let ids = UserText::parse(&user).without_lists();
        let roots = || ids.filter(|ids| ids.uid == 0).map(|_| ROOTS_HOME.to_owned());
        let home = environment.value("HOME").map(str::to_owned).or_else(roots);
        self.setup = Some(Setup { started: inspected.state.and_then(started), user, ids, home, environment });
        self.name_subpaths(&inspected.host_config.unwrap_or_default());
        self
    }

    /// They stand apart from the mounts that the engine lists.
    fn name_subpaths(&mut self, host: &HostConfig) {
        for asked in host.mounts.iter().flatten() {
            let asked_subpath = asked.volume_options.as_ref().and_then(|options| options.subpath.clone());
            let at = |mount: &&mut Mount| Some(&mount.destination) == asked.target.as_ref();
            if let Some(Mount { source: Source::Volume { subpath, .. }, .. }) = self.mounts.iter_mut().find(at) {
                *subpath = asked_subpath.filter(|subpath| !subpath.is_empty());
            }
        }
    }
}

/// An engine says the year 1 of what was never started.
fn started(state: ContainerState) -> Option<Timestamp> {
    state.started_at?.parse().ok().filter(|at| *at > Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

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

    #[test]
    fn labels_that_say_nothing_to_us_are_left_out() {
        let labels = HashMap::from([
            (ACCOUNT_LABEL.to_owned(), "work".to_owned()),
            ("deploy.key".to_owned(), "a secret".to_owned()),
        ]);
        let listed = ListedVolume { name: "v".to_owned(), labels, ..Default::default() };
        assert_eq!(Volume::from(listed).labels, BTreeMap::from([(ACCOUNT_LABEL.to_owned(), "work".to_owned())]));
    }

    #[test]
    fn a_folder_within_a_volume_is_found_by_where_it_is_mounted() {
        use bollard::models::{Mount as Asked, MountVolumeOptions};
        let point = |name: &str, destination: &str| MountPoint {
            typ: Some("volume".to_owned()),
            name: Some(name.to_owned()),
            destination: Some(destination.to_owned()),
            rw: Some(false),
            ..Default::default()
        };
        let listed = ContainerSummary {
            mounts: Some(vec![point("v", "/b"), point("v", "/a")]),
            names: Some(vec!["/web".to_owned()]),
            ..Default::default()
        };
        let asked = Asked {
            target: Some("/b".to_owned()),
            volume_options: Some(MountVolumeOptions { subpath: Some("deep/er".to_owned()), ..Default::default() }),
            ..Default::default()
        };
        let inspected = ContainerInspectResponse {
            host_config: Some(HostConfig { mounts: Some(vec![asked]), ..Default::default() }),
            state: Some(ContainerState { started_at: Some("0001-01-01T00:00:00Z".to_owned()), ..Default::default() }),
            ..Default::default()
        };
        let container = Container::from(listed).with(inspected);
        let volume =
            |subpath: Option<&str>| Source::Volume { name: "v".to_owned(), subpath: subpath.map(str::to_owned) };
        let sources: Vec<_> = container.mounts.iter().map(|mount| mount.source.clone()).collect();
        assert_eq!((container.name.as_str(), sources), ("web", vec![volume(None), volume(Some("deep/er"))]));
        let setup = container.setup.unwrap();
        assert_eq!((setup.started, setup.ids), (None, Some(Ids { uid: 0, gid: 0 })));
        assert_eq!(setup.home.as_deref(), Some("/root"));
    }
}
