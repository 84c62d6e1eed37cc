//! What is to be known of a container that is about to start. Pure: from what the engine says when asked once.

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, ContainerSummaryStateEnum, HostConfig, Mount,
    MountPoint, MountType,
};

use super::super::COURIER_LABEL;
use crate::destinations::Parcel;

/// A container that has not run yet and mounts volumes of parcels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guest {
    /// Its id, in full.
    pub(super) id: String,
    /// Its image's id.
    pub(super) image: String,
    /// Its user, as it was given.
    pub(super) user: String,
    /// Its mounts of the parcels' volumes.
    pub(super) mounts: Vec<GuestMount>,
}

/// A volume in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GuestMount {
    pub(super) volume: String,
    pub(super) destination: String,
    /// Whether the engine fills it from the image if it is empty.
    pub(super) is_filled: bool,
}

impl GuestMount {
    /// The last name of where the volume is mounted.
    pub(super) fn name(&self) -> &str {
        self.destination.rsplit('/').find(|name| !name.is_empty()).unwrap_or_default()
    }
}

impl Guest {
    /// From a list, which tells neither the user nor what is to be filled. None if it has run, is ours, or mounts none of
    /// the parcels' volumes.
    pub(super) fn listed(found: ContainerSummary, parcels: &[Parcel]) -> Option<Self> {
        let is_ours = found.labels.is_some_and(|labels| labels.contains_key(COURIER_LABEL));
        if is_ours || found.state? != ContainerSummaryStateEnum::CREATED {
            return None;
        }
        let points = found.mounts.into_iter().flatten();
        let mounts: Vec<_> = points.filter_map(|point| guest_mount(point, parcels)).collect();
        let guest = Self { id: found.id?, image: found.image_id?, user: String::new(), mounts };
        (!guest.mounts.is_empty()).then_some(guest)
    }

    /// Adds what the engine tells when asked for it alone; answers whether it has not run yet.
    pub(super) fn learn(&mut self, found: ContainerInspectResponse) -> bool {
        self.user = found.config.and_then(|config| config.user).unwrap_or_default();
        let host = found.host_config.unwrap_or_default();
        for mount in &mut self.mounts {
            mount.is_filled = is_filled(&host, &mount.destination);
        }
        found.state.and_then(|state| state.status) == Some(ContainerStateStatusEnum::CREATED)
    }
}

fn guest_mount(point: MountPoint, parcels: &[Parcel]) -> Option<GuestMount> {
    // Image mounts carry names too.
    let (volume, destination) = (point.name.filter(|_| point.typ.as_deref() == Some("volume"))?, point.destination?);
    let is_due = parcels.iter().any(|parcel| parcel.root == volume);
    is_due.then_some(GuestMount { volume, destination, is_filled: false })
}

/// Whether the engine would fill an empty volume here: not where that was declined, not from a part of the volume, and
/// not where the mount is another container's (`--volumes-from`) and therefore named in neither list.
fn is_filled(host: &HostConfig, destination: &str) -> bool {
    let is_it = |mount: &&Mount| mount.target.as_deref().is_some_and(|target| is_same(target, destination));
    if let Some(mount) = host.mounts.iter().flatten().find(is_it) {
        let options = mount.volume_options.as_ref();
        let declined = options.is_some_and(|options| options.no_copy == Some(true));
        let partial = options.is_some_and(|options| options.subpath.as_ref().is_some_and(|path| !path.is_empty()));
        return mount.typ == Some(MountType::VOLUME) && !declined && !partial;
    }
    // NAME:DESTINATION[:MODE,MODE…]
    host.binds.iter().flatten().any(|bind| {
        let mut parts = bind.split(':').skip(1);
        let is_it = parts.next().is_some_and(|target| is_same(target, destination));
        is_it && !parts.next().is_some_and(|modes| modes.split(',').any(|mode| mode == "nocopy"))
    })
}

/// As it was given, and as the engine tells it.
fn is_same(given: &str, told: &str) -> bool {
    given.split('/').filter(|name| !name.is_empty()).eq(told.split('/').filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::OwnerChoice;
    use bollard::models::{ContainerConfig, ContainerState, MountVolumeOptions};

    fn parcels() -> Vec<Parcel> {
        let parcel = |volume: &str| Parcel {
            destination: volume.to_owned(),
            root: volume.to_owned(),
            owner: OwnerChoice::Auto,
            files: Vec::new(),
        };
        vec![parcel("claude-auth"), parcel("another")]
    }

    fn created(kind: &str, name: &str, destination: &str) -> ContainerSummary {
        let point = MountPoint {
            typ: Some(kind.to_owned()),
            name: Some(name.to_owned()),
            destination: Some(destination.to_owned()),
            ..MountPoint::default()
        };
        ContainerSummary {
            id: Some("id".to_owned()),
            image_id: Some("sha256:1".to_owned()),
            state: Some(ContainerSummaryStateEnum::CREATED),
            mounts: Some(vec![point]),
            ..ContainerSummary::default()
        }
    }

    fn bound(bind: &str) -> HostConfig {
        HostConfig { binds: Some(vec![bind.to_owned()]), ..HostConfig::default() }
    }

    #[test]
    fn a_guest_is_new_and_mounts_a_volume_of_ours() {
        let is_one = |found| Guest::listed(found, &parcels()).is_some();
        let auth = || created("volume", "claude-auth", "/a");
        assert!(is_one(auth()));
        assert!(!is_one(created("volume", "theirs", "/claude-auth")));
        assert!(!is_one(created("image", "claude-auth", "/a")));
        assert!(!is_one(ContainerSummary { state: Some(ContainerSummaryStateEnum::RUNNING), ..auth() }));
        let labels = Some([(COURIER_LABEL.to_owned(), "1".to_owned())].into());
        assert!(!is_one(ContainerSummary { labels, ..auth() }));
    }

    #[test]
    fn a_look_adds_the_user_and_what_is_filled() {
        let mut guest = Guest::listed(created("volume", "claude-auth", "/a"), &parcels()).unwrap();
        let looked = |status| ContainerInspectResponse {
            state: Some(ContainerState { status: Some(status), ..Default::default() }),
            config: Some(ContainerConfig { user: Some("node".to_owned()), ..Default::default() }),
            host_config: Some(bound("claude-auth:/a")),
            ..Default::default()
        };
        assert!(guest.learn(looked(ContainerStateStatusEnum::CREATED)));
        assert_eq!((guest.user.as_str(), guest.mounts[0].is_filled), ("node", true));
        assert!(!guest.learn(looked(ContainerStateStatusEnum::RUNNING)));
    }

    #[test]
    fn what_the_engine_would_fill_is_known_as_it_knows_it() {
        assert!(is_filled(&bound("claude-auth:/a"), "/a"));
        assert!(is_filled(&bound("claude-auth:/a/:ro"), "/a"));
        assert!(!is_filled(&bound("claude-auth:/a:ro,nocopy"), "/a"));
        assert!(!is_filled(&bound("claude-auth:/b"), "/a"), "another container's mount");
        let mounted = |options| HostConfig {
            mounts: Some(vec![Mount {
                target: Some("/a".to_owned()),
                typ: Some(MountType::VOLUME),
                volume_options: options,
                ..Mount::default()
            }]),
            ..HostConfig::default()
        };
        assert!(is_filled(&mounted(None), "/a"));
        let no_copy = MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() };
        assert!(!is_filled(&mounted(Some(no_copy)), "/a"));
        let part = MountVolumeOptions { subpath: Some("part".to_owned()), ..MountVolumeOptions::default() };
        assert!(!is_filled(&mounted(Some(part)), "/a"));
    }
}
