//! What an engine does with an empty volume, made up for in one that isn't quite: it takes over the content of the
//! image's folder, and that folder's owner and mode. An engine doesn't where a delivery came first. Pure.
//!
//! Nothing that is in a volume is replaced; what is not ours in it means that somebody has moved in already.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, EntryType, Header};
use zeroize::Zeroizing;

use crate::destinations::Ids;

/// Owner and mode of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl Root {
    pub(super) fn owner(self) -> Ids {
        Ids { uid: self.uid, gid: self.gid }
    }
}

/// An entry of an archive.
pub(super) struct Item {
    /// Below the folder that the archive was made of, which itself is `""`.
    pub(super) path: PathBuf,
    kind: EntryType,
    /// What is in a file.
    pub(super) content: Zeroizing<Vec<u8>>,
    header: Header,
}

impl Item {
    fn uid(&self) -> Option<u32> {
        self.header.uid().ok()?.try_into().ok()
    }

    /// Whether it may be left as it is: anything but a file of root's that is meant for somebody else.
    pub(super) fn is_readable_to(&self, owner: Ids) -> bool {
        self.kind != EntryType::Regular || self.uid() != Some(0) || owner.uid == 0
    }

    fn root(&self) -> Option<Root> {
        let is_root = self.kind == EntryType::Directory && self.path.as_os_str().is_empty();
        is_root.then_some(())?;
        let gid = self.header.gid().ok()?.try_into().ok()?;
        Some(Root { uid: self.uid()?, gid, mode: self.header.mode().ok()? & 0o7777 })
    }
}

/// A folder's own entry, and all that is in it.
pub(super) fn open(archive: &[u8]) -> Option<(Root, Vec<Item>)> {
    let mut items = items(archive).ok()?;
    let root = items.first()?.root()?;
    items.remove(0);
    Some((root, items))
}

fn items(archive: &[u8]) -> io::Result<Vec<Item>> {
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry?;
        let header = entry.header().clone();
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(entry.size()).unwrap_or_default()));
        entry.read_to_end(&mut content)?;
        Ok(Item { path: below(&entry.path()?), kind: header.entry_type(), content, header })
    };
    Archive::new(archive).entries()?.map(read).collect()
}

/// A path without its first name, which is that of the folder itself.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).skip(1).collect()
}

/// Whether something of ours lies in a volume, and nothing else.
pub(super) fn holds_ours_alone(found: &[Item], ours: &BTreeSet<PathBuf>) -> bool {
    let is_ours = |item: &Item| match item.kind {
        EntryType::Directory => ours.iter().any(|path| path.starts_with(&item.path)),
        _ => ours.contains(&item.path),
    };
    !found.is_empty() && found.iter().all(is_ours)
}

/// The folder of an image, if it has anything that the volume lacks. What is ours in both stays as it is in the volume, and
/// then so does the rest: an image with a sign-in in it is no fresh start.
pub(super) fn adds(image: &[u8], root: &Root, ours: &BTreeSet<PathBuf>) -> Option<Root> {
    let (image_s, items) = open(image)?;
    let is_free = root.uid == 0 || root.uid == image_s.uid;
    let in_the_way = |item: &Item| ours.iter().any(|path| path.starts_with(&item.path) || item.path.starts_with(path));
    let adds = is_free && !items.iter().any(in_the_way) && (!items.is_empty() || image_s != *root);
    adds.then_some(image_s)
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

    #[test]
    fn a_volume_is_filled_while_nothing_but_ours_is_in_it() {
        let alone = |items: &[Given<'_>]| holds_ours_alone(&open(&archive(items)).unwrap().1, &ours());
        let top = ("data/", FOLDER, 0);
        let file = ("data/.credentials.json", FILE, 0);
        assert!(alone(&[top, file]));
        assert!(alone(&[top, ("data/deep/", FOLDER, 0), ("data/deep/er/", FOLDER, 0)]));
        assert!(!alone(&[top]), "an empty one the engine has seen to");
        assert!(!alone(&[top, file, ("data/theirs", FILE, 0)]));
        assert!(!alone(&[top, file, ("data/theirs/", FOLDER, 0)]));
    }

    #[test]
    fn an_image_s_folder_is_taken_over_if_it_has_something_new() {
        let root = |uid| Root { uid, gid: uid, mode: 0o755 };
        let taken = |items: &[Given<'_>], uid| adds(&archive(items), &root(uid), &ours());
        let (top, new) = ((".claude/", FOLDER, 1000), (".claude/settings.json", FILE, 1000));
        assert_eq!(taken(&[top, new], 0), Some(root(1000)));
        assert!(taken(&[top], 0).is_some(), "the folder's owner");
        assert!(taken(&[top, new], 1000).is_some(), "a delivery gave the folder to the container's user");
        assert_eq!(taken(&[top], 1000), None);
        assert_eq!(taken(&[top, new], 7), None, "somebody else's by now");
        for ours_too in [".claude/.credentials.json", ".claude/deep"] {
            assert_eq!(taken(&[top, new, (ours_too, FILE, 1000)], 0), None, "{ours_too}");
        }
        assert_eq!(taken(&[(".claude", EntryType::Symlink, 1000)], 0), None, "a link in place of the folder");
    }
}
