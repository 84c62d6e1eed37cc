//! A file under its temporary name, from its making until it takes the place of the old one; and what is left of those
//! whose process was killed. One that is being written is locked, by which it is known to be nobody's leftover.

use std::fs::{File, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, fchown, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};

use super::root::sync;
use super::sight::{Kind, Stamp, errno_of, kind, rights};
use super::{is_temporary, temporary_name};
use crate::destinations::Ids;

/// What to write, and how.
pub(super) struct Order<'a> {
    pub(super) content: &'a [u8],
    /// Permission bits.
    pub(super) mode: u32,
    /// None for whose it becomes by itself.
    pub(super) owner: Option<Ids>,
}

/// Why a file was not staged or published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// Somebody else was there in between.
    Changed,
    /// It could not be made or written.
    Writing(Errno),
    /// It could not be given to its owner.
    Owning(Ids, Errno),
    /// Owner or mode are not what was asked for.
    WithoutRights,
    /// It could not take the old one's place, nor can any other.
    WithoutRename,
}

/// A file that is written under its temporary name. Unless it is published, it is removed again.
pub(super) struct Staged<'a> {
    folder: &'a File,
    file: File,
    temporary: String,
    published: bool,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.published {
            // There is nothing to do about a failure; the next delivery tries again.
            let _ = unlinkat(self.folder, &self.temporary, AtFlags::empty());
        }
    }
}

impl<'a> Staged<'a> {
    /// Writes a temporary file, and gets it onto the disk.
    pub(super) fn write(folder: &'a File, order: &Order<'_>) -> Result<Self, Stuck> {
        let temporary = temporary_name().map_err(|_| Stuck::Writing(Errno::IO))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(folder, &temporary, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            // The folder was removed.
            Err(Errno::NOENT) => return Err(Stuck::Changed),
            Err(errno) => return Err(Stuck::Writing(errno)),
        };
        let mut staged = Self { folder, file, temporary, published: false };
        match staged.file.try_lock() {
            // Where there are no locks, nobody takes it for a leftover either.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            // Taken for one in the moment before.
            Err(TryLockError::WouldBlock) => return Err(Stuck::Changed),
        }
        let written = staged.file.write_all(order.content);
        written.map_err(|why| Stuck::Writing(errno_of(&why)))?;
        staged.set_rights(order)?;
        sync(&staged.file).map_err(Stuck::Writing)?;
        Ok(staged)
    }

    fn set_rights(&self, order: &Order<'_>) -> Result<(), Stuck> {
        // The mode first: once the file is somebody else's, only root may change it.
        let set = self.file.set_permissions(Permissions::from_mode(order.mode));
        match set.map_err(|why| errno_of(&why)) {
            Ok(()) => {}
            // We made it: only a file system that has no modes says this.
            Err(Errno::PERM | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => return Err(Stuck::WithoutRights),
            Err(errno) => return Err(Stuck::Writing(errno)),
        }
        if let Some(ids) = order.owner {
            let owned = fchown(&self.file, Some(Uid::from_raw(ids.uid)), Some(Gid::from_raw(ids.gid)));
            owned.map_err(|errno| Stuck::Owning(ids, errno))?;
        }
        let stat = fstat(&self.file).map_err(Stuck::Writing)?;
        if has_rights(&stat, order) { Ok(()) } else { Err(Stuck::WithoutRights) }
    }

    /// Its number in the file system.
    pub(super) fn inode(&self) -> Result<i128, Stuck> {
        fstat(&self.file).map(|stat| Stamp::of(&stat).inode).map_err(Stuck::Writing)
    }

    /// Takes the place of what has the name, if that is still what was expected.
    pub(super) fn publish(mut self, name: &str, expected: &Stamp) -> Result<(), Stuck> {
        if Stamp::now(self.folder, name).map_err(Stuck::Writing)? != *expected {
            return Err(Stuck::Changed);
        }
        renameat(self.folder, &self.temporary, self.folder, name).map_err(|errno| unpublished(errno, expected.kind))?;
        self.published = true;
        Ok(())
    }
}

/// Why a rename failed.
fn unpublished(errno: Errno, there: Kind) -> Stuck {
    match errno {
        // The temporary file or the folder has gone, or there is a folder of the name by now.
        Errno::NOENT | Errno::ISDIR | Errno::STALE => Stuck::Changed,
        // A file that is mounted by itself is busy.
        Errno::BUSY | Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => Stuck::WithoutRename,
        // Linux says so of a file system without renames. Where there is a file, that may be one which can't be touched.
        Errno::PERM if there == Kind::Nothing => Stuck::WithoutRename,
        errno => Stuck::Writing(errno),
    }
}

/// Whether a file that we wrote has the mode and the owner that it should have.
fn has_rights(stat: &Stat, order: &Order<'_>) -> bool {
    let (owner, mode) = rights(stat);
    let owned = order.owner.map_or(owner.uid == geteuid().as_raw(), |ids| ids == owner);
    owned && mode == order.mode
}

/// Removes what killed processes left in a folder: files of our names that nobody holds a lock on. What can't be removed
/// stays.
pub(super) fn tidy(folder: &File) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        if let Ok(name) = entry.file_name().to_str()
            && is_temporary(name)
            && is_left(folder, name)
        {
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }
}

fn is_left(folder: &File, name: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(file) = openat(folder, name, flags, Mode::empty()).map(File::from) else { return false };
    // A shared lock is had on a file that is only open to read, on every file system.
    fstat(&file).is_ok_and(|stat| kind(&stat) == Kind::File) && file.try_lock_shared().is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ORDER: Order<'static> = Order { content: b"new", mode: 0o640, owner: None };

    fn folder() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let opened = File::open(folder.path()).unwrap();
        (folder, opened)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_takes_the_place_of_what_was_expected_and_of_nothing_else() {
        let (folder, opened) = folder();
        let (path, expected) = (folder.path().join("file"), Stamp::now(&opened, "file").unwrap());
        fs::write(&path, "theirs").unwrap();
        let staged = Staged::write(&opened, &ORDER).unwrap();
        assert_eq!(staged.publish("file", &expected), Err(Stuck::Changed));
        assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"theirs".to_vec(), vec!["file".to_owned()]));

        let expected = Stamp::now(&opened, "file").unwrap();
        Staged::write(&opened, &ORDER).unwrap().publish("file", &expected).unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"new".to_vec(), vec!["file".to_owned()]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn leftovers_are_removed_and_what_is_in_use_or_another_s_is_not() {
        let (folder, opened) = folder();
        let left = temporary_name().unwrap();
        fs::write(folder.path().join(&left), "half").unwrap();
        for theirs in [".tokenferry-", ".tokenferry-notes", "file"] {
            fs::write(folder.path().join(theirs), "").unwrap();
        }
        let staged = Staged::write(&opened, &ORDER).unwrap();
        let in_use = staged.temporary.clone();
        tidy(&opened);
        let mut expected = [".tokenferry-", ".tokenferry-notes", "file", &in_use].map(ToOwned::to_owned);
        expected.sort();
        assert_eq!(names(&folder), expected);
        drop(staged);
        assert_eq!(names(&folder), [".tokenferry-", ".tokenferry-notes", "file"]);
    }

    #[test]
    fn a_file_system_that_keeps_no_rights_is_noticed() {
        let (folder, _) = folder();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        let with = |mode: u32, order: &Order<'_>| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            has_rights(&fstat(&file).unwrap(), order)
        };
        assert!(with(0o640, &ORDER));
        // So it is on FAT.
        assert!(!with(0o755, &ORDER));
        let (ids, _) = rights(&fstat(&file).unwrap());
        assert!(with(0o640, &Order { owner: Some(ids), ..ORDER }));
        assert!(!with(0o640, &Order { owner: Some(Ids { uid: ids.uid + 1, ..ids }), ..ORDER }));
    }

    #[test]
    fn what_a_failed_rename_means() {
        assert_eq!(unpublished(Errno::NOENT, Kind::File), Stuck::Changed);
        assert_eq!(unpublished(Errno::BUSY, Kind::File), Stuck::WithoutRename);
        assert_eq!(unpublished(Errno::PERM, Kind::Nothing), Stuck::WithoutRename);
        assert_eq!(unpublished(Errno::PERM, Kind::File), Stuck::Writing(Errno::PERM));
        assert_eq!(unpublished(Errno::NOSPC, Kind::File), Stuck::Writing(Errno::NOSPC));
    }
}
