//! A survey's parts from what the engine says of them.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerSummary, ContainerSummaryStateEnum, HostConfig, MountPoint,
    Volume as ListedVolume,
};
use jiff::Timestamp;

use super::{Container, LABELS, Mount, Setup, Source, Variables, Volume};
use crate::destinations::docker::users::{ROOTS_HOME, UserText, working_user};

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
    pub(super) fn with(mut self, inspected: ContainerInspectResponse) -> Self {
        let config = inspected.config.unwrap_or_default();
        let user = working_user(&config);
        let lines = config.env.unwrap_or_default();
        let environment = Variables::read(lines.iter().map(String::as_str));
        let ids = UserText::parse(&user).without_lists();
        let roots = || ids.filter(|ids| ids.uid == 0).map(|_| ROOTS_HOME.to_owned());
        let home = environment.value("HOME").map(str::to_owned).or_else(roots);
        let image = inspected.image.unwrap_or_default();
        self.setup = Some(Setup { image, started: inspected.state.and_then(started), user, ids, home, environment });
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
    use super::super::ACCOUNT_LABEL;
    use super::*;
    use crate::destinations::Ids;
    use std::collections::HashMap;

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
