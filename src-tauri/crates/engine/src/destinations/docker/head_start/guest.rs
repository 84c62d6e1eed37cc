//! What is to be known of a container that is about to start. Pure: from what the engine says when asked once.

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, ContainerSummaryStateEnum, HostConfig, Mount,
    MountPoint, MountType,
};

use super::super::COURIER_LABEL;
use super::ROOT;
use crate::destinations::Parcel;

/// A container that has not run yet and mounts volumes of parcels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Guest {
    /// Its id, in full.
    pub(super) id: String,
    /// Its image's id.
    pub(super) image: String,
    /// Its user, as it was given.
    pub(super) user: String,
    /// A folder in it that takes an upload.
    pub(super) upload_to: String,
    /// Its mounts of the parcels' volumes.
    pub(super) mounts: Vec<GuestMount>,
}

/// A volume in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GuestMount {
    pub(super) volume: String,
    pub(super) destination: String,
    /// Whether the engine fills it from the image if it is empty.
    pub(super) is_filled: bool,
}

impl Guest {
    /// None if it has run, is ours, mounts none of the parcels' volumes, or has no place for an upload.
    pub(super) fn of(found: ContainerInspectResponse, parcels: &[Parcel]) -> Option<Self> {
        let (config, host) = (found.config?, found.host_config.unwrap_or_default());
        let is_ours = config.labels.is_some_and(|labels| labels.contains_key(COURIER_LABEL));
        if is_ours || found.state?.status? != ContainerStateStatusEnum::CREATED {
            return None;
        }
        let points = found.mounts.unwrap_or_default();
        let upload_to = upload_to(&host, &points)?;
        let mounts: Vec<_> = points.into_iter().filter_map(|point| guest_mount(point, &host, parcels)).collect();
        let guest =
            Self { id: found.id?, image: found.image?, user: config.user.unwrap_or_default(), upload_to, mounts };
        (!guest.mounts.is_empty()).then_some(guest)
    }
}

impl Guest {
    /// The same from a list, which tells neither the user nor what is to be filled.
    pub(super) fn of_listed(found: ContainerSummary, user: String, parcels: &[Parcel]) -> Option<Self> {
        let is_ours = found.labels.is_some_and(|labels| labels.contains_key(COURIER_LABEL));
        if is_ours || found.state? != ContainerSummaryStateEnum::CREATED {
            return None;
        }
        let points = found.mounts.unwrap_or_default().into_iter();
        let mounts: Vec<_> = points.filter_map(|point| guest_mount(point, &HostConfig::default(), parcels)).collect();
        let guest = Self { id: found.id?, image: found.image_id?, user, upload_to: ROOT.to_owned(), mounts };
        (!guest.mounts.is_empty()).then_some(guest)
    }
}

/// An engine refuses an upload to what is read-only, even an empty one.
fn upload_to(host: &HostConfig, points: &[MountPoint]) -> Option<String> {
    if host.readonly_rootfs != Some(true) {
        return Some(ROOT.to_owned());
    }
    points.iter().find(|point| point.rw == Some(true)).and_then(|point| point.destination.clone())
}

fn guest_mount(point: MountPoint, host: &HostConfig, parcels: &[Parcel]) -> Option<GuestMount> {
    // Image mounts carry names too.
    let (volume, destination) = (point.name.filter(|_| point.typ.as_deref() == Some("volume"))?, point.destination?);
    let is_filled = is_filled(host, &destination);
    parcels.iter().any(|parcel| parcel.volume == volume).then_some(GuestMount { volume, destination, is_filled })
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
            volume: volume.to_owned(),
            owner: OwnerChoice::Auto,
            files: Vec::new(),
        };
        vec![parcel("claude-auth"), parcel("another")]
    }

    fn point(kind: &str, name: &str, destination: &str, rw: bool) -> MountPoint {
        MountPoint {
            typ: Some(kind.to_owned()),
            name: Some(name.to_owned()),
            destination: Some(destination.to_owned()),
            rw: Some(rw),
            ..MountPoint::default()
        }
    }

    fn created(points: Vec<MountPoint>, host: HostConfig) -> ContainerInspectResponse {
        ContainerInspectResponse {
            id: Some("id".to_owned()),
            image: Some("sha256:1".to_owned()),
            state: Some(ContainerState { status: Some(ContainerStateStatusEnum::CREATED), ..Default::default() }),
            config: Some(ContainerConfig { user: Some("node".to_owned()), ..Default::default() }),
            mounts: Some(points),
            host_config: Some(host),
            ..Default::default()
        }
    }

    fn bound(bind: &str) -> HostConfig {
        HostConfig { binds: Some(vec![bind.to_owned()]), ..HostConfig::default() }
    }

    #[test]
    fn a_guest_is_new_and_mounts_a_volume_of_ours() {
        let auth = || vec![point("volume", "claude-auth", "/a", true), point("volume", "theirs", "/b", true)];
        let guest = Guest::of(created(auth(), HostConfig::default()), &parcels()).unwrap();
        assert_eq!((guest.user.as_str(), guest.upload_to.as_str(), guest.mounts.len()), ("node", "/", 1));

        let nothing = |found| Guest::of(found, &parcels()).is_none();
        assert!(nothing(created(vec![point("volume", "theirs", "/claude-auth", true)], HostConfig::default())));
        assert!(nothing(created(vec![point("image", "claude-auth", "/a", true)], HostConfig::default())));
        let mut running = created(auth(), HostConfig::default());
        running.state.as_mut().unwrap().status = Some(ContainerStateStatusEnum::RUNNING);
        assert!(nothing(running));
        let mut ours = created(auth(), HostConfig::default());
        ours.config.as_mut().unwrap().labels = Some([(COURIER_LABEL.to_owned(), "1".to_owned())].into());
        assert!(nothing(ours));
    }

    #[test]
    fn an_upload_needs_a_place_that_can_be_written_to() {
        let read_only = || HostConfig { readonly_rootfs: Some(true), ..HostConfig::default() };
        let auth = |rw| point("volume", "claude-auth", "/a", rw);
        let guest = |points| Guest::of(created(points, read_only()), &parcels());
        assert_eq!(guest(vec![auth(true)]).unwrap().upload_to, "/a");
        assert_eq!(guest(vec![auth(false), point("bind", "", "/b", true)]).unwrap().upload_to, "/b");
        assert!(guest(vec![auth(false)]).is_none());
        let writable = Guest::of(created(vec![auth(false)], HostConfig::default()), &parcels());
        assert_eq!(writable.unwrap().upload_to, "/", "beside a volume that is read-only");
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
