//! Which containers use a volume, and as whom they run.

use std::collections::HashMap;
use std::io::Read;

use bollard::models::{ContainerConfig, ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
};
use futures_util::StreamExt;
use serde_json::Value;

use super::{CALLS_AT_ONCE, COURIER_LABEL, Docker, EngineError, gather};
use crate::destinations::Ids;

/// What a dev container is made of, as JSON.
const DEV_CONTAINER_LABEL: &str = "devcontainer.metadata";

/// Where root is at home.
pub(super) const ROOTS_HOME: &str = "/root";

/// A list of users is a few KB; what is larger is no such list.
const MAX_LIST: usize = 1 << 20;

/// A container's user, as it was given: `node`, `1000`, `1000:1000`, `node:staff`, or nothing for root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UserText<'a> {
    user: &'a str,
    group: Option<&'a str>,
}

impl<'a> UserText<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((user, group)) => Self { user, group: Some(group).filter(|group| !group.is_empty()) },
            None => Self { user: text, group: None },
        }
    }

    /// By its image's `/etc/passwd` and `/etc/group`. None if a name stands in neither.
    pub(super) fn resolve(&self, passwd: &str, group: &str) -> Option<Ids> {
        let entry = entries(passwd).find(|fields| fields.first() == Some(&self.user));
        let by_number = |uid: u32| entries(passwd).find(move |fields| number(fields, 2) == Some(uid));
        let (uid, main_group) = match (self.user, self.user.parse()) {
            ("", _) => (0, Some(0)),
            (_, Ok(uid)) => (uid, by_number(uid).and_then(|fields| number(&fields, 3))),
            (_, Err(_)) => {
                let fields = entry?;
                (number(&fields, 2)?, number(&fields, 3))
            }
        };
        let gid = match self.group {
            // As the engine does it: a number that is not listed is in root's group.
            None => main_group.unwrap_or(0),
            Some(name) => match name.parse() {
                Ok(gid) => gid,
                Err(_) => {
                    entries(group).find(|fields| fields.first() == Some(&name)).and_then(|fields| number(&fields, 2))?
                }
            },
        };
        Some(Ids { uid, gid })
    }

    /// Where it is given in numbers.
    pub(super) fn without_lists(&self) -> Option<Ids> {
        if self.needs_lists() { None } else { self.resolve("", "") }
    }

    /// By its image's `/etc/passwd`: the sixth field.
    pub(super) fn home(&self, passwd: &str) -> Option<String> {
        let uid = self.user.parse().ok();
        let is_it = |fields: &Vec<&str>| match uid {
            Some(uid) => number(fields, 2) == Some(uid),
            None => fields.first() == Some(&self.user),
        };
        let home = *entries(passwd).find(is_it)?.get(5)?;
        (!home.is_empty()).then(|| home.to_owned())
    }

    fn needs_lists(&self) -> bool {
        let named = |text: &str| text.parse::<u32>().is_err();
        !self.user.is_empty() && (named(self.user) || self.group.is_none_or(named))
    }
}

/// As whom people work in a container: in a dev container often somebody else than its user, which its label says.
pub(super) fn working_user(config: &ContainerConfig) -> String {
    let label = config.labels.as_ref().and_then(|labels| labels.get(DEV_CONTAINER_LABEL));
    let remote = label.and_then(|label| remote_user(&serde_json::from_str(label).ok()?));
    remote.or_else(|| config.user.clone()).unwrap_or_default()
}

/// Whether a container's user, as it was given, is root by number or by that name.
pub(super) fn is_root(text: &str) -> bool {
    matches!(UserText::parse(text).user, "" | "0" | "root")
}

/// One object, or one for each layer of the dev container: the last that says it counts.
fn remote_user(metadata: &Value) -> Option<String> {
    let layers = metadata.as_array().map_or(std::slice::from_ref(metadata), Vec::as_slice);
    let said = layers.iter().rev().find_map(|layer| layer.get("remoteUser")?.as_str());
    said.filter(|user| !user.is_empty()).map(str::to_owned)
}

fn entries(list: &str) -> impl Iterator<Item = Vec<&str>> {
    list.lines().map(|line| line.trim_end().split(':').collect())
}

fn number(fields: &[&str], at: usize) -> Option<u32> {
    fields.get(at)?.parse().ok()
}

/// Whether a container mounts a volume. The engine's own filter matches mount points too, so it isn't relied on.
fn mounts(container: &ContainerSummary, volume: &str) -> bool {
    let is_ours = container.labels.as_ref().is_some_and(|labels| labels.contains_key(COURIER_LABEL));
    let mut found = container.mounts.iter().flatten();
    !is_ours && found.any(|mount| mount.typ.as_deref() == Some("volume") && mount.name.as_deref() == Some(volume))
}

/// All containers of an engine, as they were at one moment.
pub(super) struct Containers(Vec<ContainerSummary>);

impl Containers {
    fn using<'a>(&'a self, volume: &'a str) -> impl Iterator<Item = &'a ContainerSummary> {
        self.0.iter().filter(move |container| mounts(container, volume))
    }

    /// Whether a volume is kept mounted by a container that is not stopped.
    pub(super) fn keep_mounted(&self, volume: &str) -> bool {
        self.using(volume).any(|container| {
            matches!(
                container.state,
                Some(
                    ContainerSummaryStateEnum::RUNNING
                        | ContainerSummaryStateEnum::PAUSED
                        | ContainerSummaryStateEnum::RESTARTING
                )
            )
        })
    }
}

impl Docker {
    /// Lists all containers, also those that don't run.
    pub(super) async fn containers(&self) -> Result<Containers, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        self.call("list containers", self.api.list_containers(Some(options))).await.map(Containers)
    }

    /// The users of the containers that use these volumes. One that can't be told is left out.
    pub(super) async fn users(&self, containers: &Containers, volumes: &[&str]) -> HashMap<String, Vec<Ids>> {
        let mut wanted: HashMap<&str, Vec<&str>> = HashMap::new();
        for volume in volumes {
            for container in containers.using(volume) {
                wanted.entry(container.id.as_deref().unwrap_or_default()).or_default().push(volume);
            }
        }
        let found = wanted.into_iter().map(|(id, volumes)| async move { (volumes, self.user_of(id).await) });
        let found = gather(found, CALLS_AT_ONCE).await;
        let mut users: HashMap<String, Vec<Ids>> = HashMap::new();
        for (volumes, ids) in found {
            for volume in volumes {
                users.entry((*volume).to_owned()).or_default().extend(ids);
            }
        }
        users
    }

    async fn user_of(&self, id: &str) -> Option<Ids> {
        if let Some(user) = self.held.user(id).await {
            return user;
        }
        let container = self.api.inspect_container(id, None::<InspectContainerOptions>).await.ok()?;
        self.user_in_image(&container.image?, &working_user(&container.config?)).await
    }

    /// A small file in a container, running or not; as a container can hold anything, it is only ever searched for a
    /// name, or a version.
    pub(super) async fn text_in(&self, id: &str, path: &str) -> Option<String> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut archive = Vec::new();
        let mut stream = std::pin::pin!(self.api.download_from_container(id, Some(options)));
        while let Some(chunk) = stream.next().await {
            archive.extend_from_slice(&chunk.ok()?);
            if archive.len() > MAX_LIST {
                return None;
            }
        }
        let mut archive = tar::Archive::new(archive.as_slice());
        let mut entry = archive.entries().ok()?.next()?.ok()?;
        let mut list = String::new();
        entry.read_to_string(&mut list).ok()?;
        Some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::MountPoint;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\nbroken\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:node\n";

    fn ids(text: &str) -> Option<(u32, u32)> {
        UserText::parse(text).resolve(PASSWD, GROUP).map(|ids| (ids.uid, ids.gid))
    }

    #[test]
    fn users_are_read_as_the_engine_reads_them() {
        assert_eq!(ids(""), Some((0, 0)));
        assert_eq!(ids("root"), Some((0, 0)));
        assert_eq!(ids("node"), Some((1000, 1001)));
        assert_eq!(ids("1000"), Some((1000, 1001)));
        assert_eq!(ids("1234"), Some((1234, 0)));
        assert_eq!(ids("1000:1000"), Some((1000, 1000)));
        assert_eq!(ids("node:staff"), Some((1000, 50)));
        assert_eq!(ids("node:"), Some((1000, 1001)));
        assert_eq!(ids("nobody"), None);
        assert_eq!(ids("node:nobody"), None);
    }

    #[test]
    fn in_a_dev_container_people_work_as_its_label_says() {
        let user = |label: Option<&str>| {
            let labels = label.map(|label| HashMap::from([(DEV_CONTAINER_LABEL.to_owned(), label.to_owned())]));
            working_user(&ContainerConfig { user: Some("node".to_owned()), labels, ..Default::default() })
        };
        assert_eq!(user(Some(r#"[{"remoteUser":"root"},{"remoteUser":"vscode"},{"mounts":[]}]"#)), "vscode");
        assert_eq!(user(Some(r#"{"remoteUser":"vscode"}"#)), "vscode");
        for other in [None, Some("[]"), Some("no json"), Some(r#"[{"remoteUser":7}]"#)] {
            assert_eq!(user(other), "node", "{other:?}");
        }
    }

    #[test]
    fn root_is_known_by_name_or_number() {
        assert!(["", "0", "root", "0:0", "root:staff", ":50"].into_iter().all(is_root));
        assert!(["node", "1000", "1000:0"].into_iter().all(|user| !is_root(user)));
    }

    #[test]
    fn a_home_is_found_by_name_or_number() {
        let home = |text: &str| UserText::parse(text).home(PASSWD);
        assert_eq!(home("node").as_deref(), Some("/home/node"));
        assert_eq!(home("1000:7").as_deref(), Some("/home/node"));
        assert_eq!(home("1234"), None);
        assert_eq!(home("nobody"), None);
    }

    #[test]
    fn lists_are_fetched_only_for_names() {
        let needs = |text| UserText::parse(text).needs_lists();
        assert!(!needs("") && !needs("1000:1000"));
        assert!(needs("node") && needs("1000") && needs("1000:staff"));
    }

    #[test]
    fn a_volume_is_known_by_type_and_name_and_not_by_where_it_is_mounted() {
        let mount = |typ: &str, name: &str, destination: &str| ContainerSummary {
            mounts: Some(vec![MountPoint {
                typ: Some(typ.to_owned()),
                name: Some(name.to_owned()),
                destination: Some(destination.to_owned()),
                ..Default::default()
            }]),
            ..Default::default()
        };
        assert!(mounts(&mount("volume", "claude-auth", "/x"), "claude-auth"));
        assert!(!mounts(&mount("volume", "other", "claude-auth"), "claude-auth"));
        assert!(!mounts(&mount("image", "claude-auth", "/x"), "claude-auth"));
        let mut ours = mount("volume", "claude-auth", "/x");
        ours.labels = Some(HashMap::from([(COURIER_LABEL.to_owned(), "1".to_owned())]));
        assert!(!mounts(&ours, "claude-auth"));
    }
}
