//! Making a container's volumes ready through its stand-in: filled from the image where the engine could not, and with the
//! files that are due, so that they are there even if the start was quicker than the upload that holds it up.
//!
//! Files are put where there is none, and where one of ours is root's while the container's user is not, and so could
//! not read it: nobody loses anything if such a file is seen half written.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};
use zeroize::Zeroizing;

use super::super::stand_in::{Archive, StandIn};
use super::super::{Docker, EngineError};
use super::copy_up::{self, Item, Root};
use super::guest::{Guest, GuestMount};
use crate::destinations::{Change, Ids, OwnerChoice, Parcel};

/// Where volumes are mounted in the stand-in, each in a folder of its own: beside the image's own folders, so that both can
/// be looked into.
const PLACE: &str = "/.tokenferry";
/// A volume that holds more than this, in bytes, is left to the courier, which need not read it all.
const LARGEST_VOLUME: usize = 4 << 20;
/// The largest content of an image's folder that is taken over, as it is held in memory. Folders for settings hold some KB.
const LARGEST_IMAGE: usize = 64 << 20;

/// How far a container's volumes are ready.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// As whom the container runs, where that can be told.
    pub(super) user: Option<Ids>,
    /// Whether all that is due is there.
    pub(super) all: bool,
}

/// The folder above a volume's, in the stand-in. The volume is in it under the name that it has in the container, so that an
/// archive of the one fits the other.
fn above(number: usize) -> String {
    format!("{PLACE}/{number}")
}

fn place(number: usize, mount: &GuestMount) -> String {
    format!("{}/{}", above(number), mount.name())
}

/// What lies in a volume: its folder, and all that is in it.
pub(super) type Content = (Root, Vec<Item>);

impl Docker {
    /// A stand-in for a container, with its volumes.
    pub(super) async fn stand_in_for(&self, guest: &Guest) -> Result<StandIn, EngineError> {
        let volumes = guest.mounts.iter().enumerate();
        let volumes = volumes.map(|(number, mount)| (mount.volume.clone(), place(number, mount)));
        self.create_stand_in(&guest.image, volumes).await
    }

    /// What lies in a container's volumes, in the order of its mounts; none for one that is left to the courier.
    pub(super) async fn read_volumes(&self, stand_in: &str, guest: &Guest) -> Vec<Option<Content>> {
        let mut contents = Vec::new();
        for (number, mount) in guest.mounts.iter().enumerate() {
            let content = match self.archive(stand_in, &place(number, mount), LARGEST_VOLUME).await {
                Ok(Archive::Whole(volume)) => copy_up::open(&volume),
                Ok(Archive::Missing | Archive::TooLarge) => None,
                Err(error) => {
                    tracing::debug!(volume = mount.volume, %error, "a volume could not be looked into");
                    None
                }
            };
            contents.push(content);
        }
        contents
    }

    /// Makes a container's volumes ready, as far as that can be done, given what was [read](Self::read_volumes) there.
    pub(super) async fn make_ready(
        &self,
        stand_in: &str,
        guest: &Guest,
        contents: Vec<Option<Content>>,
        parcels: &[Parcel],
        may_go: &(dyn Fn(&Parcel) -> bool + Sync),
    ) -> Ready {
        let user = self.user_in_stand_in(&guest.image, stand_in, &guest.user).await;
        let mut ready = Ready { user, all: true };
        for ((number, mount), content) in guest.mounts.iter().enumerate().zip(contents) {
            let parcels: Vec<_> = parcels.iter().filter(|parcel| parcel.root == mount.volume).collect();
            let made_ready = async {
                let Some((root, found)) = content else { return Ok(false) };
                let root = self.fill(stand_in, number, mount, &parcels, (root, &found)).await?;
                let due = Due { name: mount.name(), root, found: &found, user };
                let wanted: Vec<_> = parcels.iter().copied().filter(|parcel| may_go(parcel)).collect();
                let Some((archive, all)) = due.archive(&wanted) else { return Ok(false) };
                if let Some(archive) = archive {
                    self.unpack(stand_in, &above(number), archive).await?;
                }
                Ok(all && wanted.len() == parcels.len())
            };
            let made_ready: Result<bool, EngineError> = made_ready.await;
            ready.all &= made_ready.unwrap_or_else(|error| {
                tracing::debug!(volume = mount.volume, %error, "a volume could not be made ready");
                false
            });
        }
        ready
    }

    /// Fills a volume from the image where the engine could not, and tells what its folder is now.
    async fn fill(
        &self,
        stand_in: &str,
        number: usize,
        mount: &GuestMount,
        parcels: &[&Parcel],
        (root, found): (Root, &[Item]),
    ) -> Result<Root, EngineError> {
        let ours = parcels.iter().flat_map(|parcel| &parcel.files).map(|file| PathBuf::from(&file.path)).collect();
        if !mount.is_filled || !copy_up::holds_ours_alone(found, &ours) {
            return Ok(root);
        }
        match self.archive(stand_in, &mount.destination, LARGEST_IMAGE).await? {
            Archive::Whole(mut image) => {
                if let Some(image_s) = copy_up::adds(&image, &root, &ours) {
                    self.unpack(stand_in, &above(number), std::mem::take(&mut *image).into()).await?;
                    return Ok(image_s);
                }
            }
            Archive::Missing => {}
            Archive::TooLarge => {
                tracing::warn!(volume = mount.volume, "its image holds more for it than is taken over");
            }
        }
        Ok(root)
    }
}

/// What is to be known for an archive of the files that a volume lacks.
struct Due<'a> {
    /// The name of the folder in the archive that is the volume.
    name: &'a str,
    root: Root,
    found: &'a [Item],
    user: Option<Ids>,
}

impl Due<'_> {
    /// An archive of what is lacking, if anything is, and whether the volume has all that is due with it.
    fn archive(&self, parcels: &[&Parcel]) -> Option<(Option<Bytes>, bool)> {
        // Room for all of it, as a buffer that grows leaves copies of secrets behind.
        let mut tar = Builder::new(Vec::with_capacity(1 << 16));
        let (mut all, mut any) = (true, false);
        let files = parcels.iter().flat_map(|parcel| parcel.files.iter().map(|file| (parcel.owner, file)));
        for (owner, file) in files {
            let (owner, path) = (self.owner(owner), Path::new(&file.path));
            let found = self.found.iter().find(|item| item.path == path);
            let content = match found {
                // Whoever made a folder on the way has to be asked for: that is the courier's matter.
                None if path.components().count() > 1 => None,
                Some(item) if item.is_readable_to(owner) => continue,
                _ => match (file.compose)(found.map(|item| item.content.as_slice())) {
                    Ok(Change::Write(content)) => Some(Zeroizing::new(content.expose().to_vec())),
                    Ok(Change::Settle) => found.map(|item| item.content.clone()),
                    Ok(Change::Keep) => continue,
                    Ok(Change::Remove) | Err(_) => None,
                },
            };
            match content {
                Some(content) => {
                    any = true;
                    self.add(&mut tar, &file.path, file.mode, owner, &content)?;
                }
                None => all = false,
            }
        }
        let archive = Zeroizing::new(tar.into_inner().ok()?);
        Some((any.then(|| Bytes::from_owner(archive)), all))
    }

    /// By the same rules as the courier's deliveries: the folder's owner, unless it is root, else the container's user.
    fn owner(&self, choice: OwnerChoice) -> Ids {
        match (choice, self.root.owner()) {
            (OwnerChoice::Ids(ids), _) => ids,
            (OwnerChoice::Auto, owner) if owner.uid != 0 => owner,
            (OwnerChoice::Auto, owner) => self.user.unwrap_or(owner),
        }
    }

    fn add(&self, tar: &mut Builder<Vec<u8>>, path: &str, mode: u32, owner: Ids, content: &[u8]) -> Option<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_uid(owner.uid.into());
        header.set_gid(owner.gid.into());
        header.set_mode(mode);
        header.set_mtime(jiff::Timestamp::now().as_second().try_into().ok()?);
        header.set_size(content.len().try_into().ok()?);
        tar.append_data(&mut header, format!("{}/{path}", self.name), content).ok()
    }
}
