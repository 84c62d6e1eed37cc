//! What an engine does with an empty volume, made up for in one that isn't quite: it takes over the content of the
//! image's folder, and that folder's owner and mode. An engine doesn't where a delivery came first.
//!
//! Nothing that is in a volume is replaced; what is not ours in it means that somebody has moved in already.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use tar::{Archive as Tar, EntryType, Header};

use super::super::users::UserText;
use super::super::{Docker, EngineError};
use super::guest::{Guest, GuestMount};
use super::stand_in::{Archive, above, name_of};
use crate::destinations::{Ids, Parcel};

/// The largest content of an image's folder that is taken over, as it is held in memory. Folders for settings hold some KB.
const LARGEST: usize = 64 << 20;
/// A volume with nothing but ours is not larger than this.
const LARGEST_OF_OURS: usize = 1 << 20;

impl Docker {
    /// Fills the volumes that should be, and answers with the container's user, where that can be told.
    pub(super) async fn make_ready(&self, guest: &Guest, parcels: &[Parcel]) -> Option<Ids> {
        let user = UserText::parse(&guest.user).without_lists();
        if user.is_some() && !guest.mounts.iter().any(|mount| mount.is_filled) {
            return user;
        }
        let stand_in = match self.create_stand_in(guest).await {
            Ok(stand_in) => stand_in,
            Err(error) => {
                tracing::debug!(container = guest.id, %error, "a container has no stand-in");
                return user;
            }
        };
        for (number, mount) in guest.mounts.iter().enumerate().filter(|(_, mount)| mount.is_filled) {
            if let Err(error) = self.fill(&stand_in, number, mount, &ours(mount, parcels)).await {
                tracing::warn!(volume = mount.volume, %error, "a volume could not be filled from its image");
            }
        }
        let user = match user {
            Some(user) => Some(user),
            None => self.user_by_lists(&stand_in, &guest.user).await.0,
        };
        self.remove_stand_in(&stand_in).await;
        user
    }

    async fn fill(
        &self,
        stand_in: &str,
        number: usize,
        mount: &GuestMount,
        ours: &BTreeSet<PathBuf>,
    ) -> Result<(), EngineError> {
        let name = name_of(mount);
        let volume = self.archive(stand_in, &format!("{}/{name}", above(number)), LARGEST_OF_OURS).await?;
        let Archive::Whole(volume) = volume else { return Ok(()) };
        let Some(root) = root_if_ours(&volume, ours) else { return Ok(()) };
        match self.archive(stand_in, &mount.destination, LARGEST).await? {
            Archive::Missing => Ok(()),
            Archive::TooLarge => {
                tracing::warn!(volume = mount.volume, "the image holds more for this volume than is taken over");
                Ok(())
            }
            Archive::Whole(mut image) if adds(&image, &root, ours) => {
                self.unpack(stand_in, &above(number), std::mem::take(&mut *image).into()).await
            }
            Archive::Whole(_) => Ok(()),
        }
    }
}

/// What is ours in a mount's volume.
fn ours(mount: &GuestMount, parcels: &[Parcel]) -> BTreeSet<PathBuf> {
    let to_it = parcels.iter().filter(|parcel| parcel.volume == mount.volume);
    to_it.flat_map(|parcel| &parcel.files).map(|file| PathBuf::from(&file.path)).collect()
}

/// Owner and mode of a folder.
#[derive(Debug, PartialEq, Eq)]
struct Root {
    uid: u64,
    gid: u64,
    mode: u32,
}

/// A volume's root folder, if something of ours lies in it and nothing else.
fn root_if_ours(volume: &[u8], ours: &BTreeSet<PathBuf>) -> Option<Root> {
    let entries = entries(volume).ok()?;
    let (root, others) = entries.split_first()?;
    let is_ours = |entry: &Item| match entry.kind {
        EntryType::Directory => ours.iter().any(|path| path.starts_with(&entry.path)),
        _ => ours.contains(&entry.path),
    };
    (!others.is_empty() && others.iter().all(is_ours)).then_some(())?;
    root.root()
}

/// Whether an image's folder has anything that the volume lacks. What is ours in both stays as it is in the volume, and
/// then so does the rest: an image with a sign-in in it is no fresh start.
fn adds(image: &[u8], root: &Root, ours: &BTreeSet<PathBuf>) -> bool {
    let Ok(entries) = entries(image) else { return false };
    let Some((folder, others)) = entries.split_first() else { return false };
    let Some(image_s) = folder.root() else { return false };
    let is_free = root.uid == 0 || root.uid == image_s.uid;
    let in_the_way =
        |entry: &Item| ours.iter().any(|path| path.starts_with(&entry.path) || entry.path.starts_with(path));
    is_free && !others.iter().any(in_the_way) && (!others.is_empty() || image_s != *root)
}

/// An entry of an archive.
struct Item {
    /// Below the folder that the archive was made of, which itself is `""`.
    path: PathBuf,
    kind: EntryType,
    header: Header,
}

impl Item {
    fn root(&self) -> Option<Root> {
        let is_root = self.kind == EntryType::Directory && self.path.as_os_str().is_empty();
        let header = &self.header;
        is_root.then_some(())?;
        Some(Root { uid: header.uid().ok()?, gid: header.gid().ok()?, mode: header.mode().ok()? & 0o7777 })
    }
}

fn entries(archive: &[u8]) -> io::Result<Vec<Item>> {
    Tar::new(archive)
        .entries()?
        .map(|entry| {
            let entry = entry?;
            let header = entry.header().clone();
            Ok(Item { path: below(&entry.path()?), kind: header.entry_type(), header })
        })
        .collect()
}

/// A path without its first name, which is that of the folder itself.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).skip(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Given<'a> = (&'a str, EntryType, u64);

    fn archive(items: &[Given<'_>]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, kind, uid) in items {
            let mut header = Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_uid(*uid);
            header.set_gid(*uid);
            header.set_size(0);
            tar.append_data(&mut header, path, &[][..]).unwrap();
        }
        tar.into_inner().unwrap()
    }

    const FOLDER: EntryType = EntryType::Directory;
    const FILE: EntryType = EntryType::Regular;

    fn ours() -> BTreeSet<PathBuf> {
        [".credentials.json".into(), "deep/er/file".into()].into()
    }

    fn root(uid: u64) -> Root {
        Root { uid, gid: uid, mode: 0o755 }
    }

    #[test]
    fn a_volume_is_filled_while_nothing_but_ours_is_in_it() {
        let found = |items: &[Given<'_>]| root_if_ours(&archive(items), &ours());
        let top = ("data/", FOLDER, 0);
        let file = ("data/.credentials.json", FILE, 0);
        assert_eq!(found(&[top, file]), Some(root(0)));
        assert_eq!(found(&[top, ("data/deep/", FOLDER, 0), ("data/deep/er/", FOLDER, 0)]), Some(root(0)));
        assert_eq!(found(&[top]), None, "an empty one the engine has seen to");
        assert_eq!(found(&[top, file, ("data/theirs", FILE, 0)]), None);
        assert_eq!(found(&[top, file, ("data/theirs/", FOLDER, 0)]), None);
    }

    #[test]
    fn an_image_s_folder_is_taken_over_if_it_has_something_new() {
        let taken = |items: &[Given<'_>], uid| adds(&archive(items), &root(uid), &ours());
        let (top, new) = ((".claude/", FOLDER, 1000), (".claude/settings.json", FILE, 1000));
        assert!(taken(&[top, new], 0));
        assert!(taken(&[top], 0), "the folder's owner");
        assert!(taken(&[top, new], 1000), "a delivery gave the folder to the container's user");
        assert!(!taken(&[top], 1000));
        assert!(!taken(&[top, new], 7), "somebody else's by now");
        for ours_too in [".claude/.credentials.json", ".claude/deep"] {
            assert!(!taken(&[top, new, (ours_too, FILE, 1000)], 0), "{ours_too}");
        }
        assert!(!taken(&[(".claude", EntryType::Symlink, 1000)], 0), "a link in place of the folder");
    }
}
