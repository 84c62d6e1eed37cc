//! The way from a folder's path to the folder that holds a file. Every name below the root is opened from the folder
//! before it and never through a link, so nothing outside can be reached, whatever the folder holds.

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, fchmod, fchown, fstat, mkdirat, open, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};

use super::sight::{Kind, Stamp, errno_of, rights};
use super::{FolderError, MANY, TEMPORARY, clean_root, shown};
use crate::destinations::error::Attempt;
use crate::destinations::{Ids, OwnerChoice};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What a folder that we make may be done with, and by whom: by its owner alone.
const NEW_FOLDER: Mode = Mode::RWXU;

/// A folder that is delivered into.
pub(super) struct Root {
    folder: File,
    path: String,
}

/// What to do where a folder on the way is not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Missing {
    /// Go no further.
    Leave,
    /// Make it, for this owner if for another than us.
    Make(Option<Ids>),
}

/// A way that was gone.
pub(super) struct Walked {
    /// The folder that holds the file, unless it is not there. No other handle shares its locks.
    pub(super) folder: Option<File>,
    /// All folders from the root on, with what was seen of them.
    met: Vec<(String, Stat)>,
}

impl Root {
    /// Opens a folder by its path. Links before the last name are followed, such as `/var/run`.
    pub(super) fn open(path: &str) -> Result<Self, FolderError> {
        let clean = clean_root(path)?;
        match open(&clean, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Self { folder: folder.into(), path: path.to_owned() }),
            Err(errno) => Err(refused(path, &clean, errno)),
        }
    }

    /// Goes down to the folder that holds the file.
    pub(super) fn walk(&self, folders: &[&str], missing: Missing) -> Result<Walked, FolderError> {
        let failed = |path: &str, errno| self.fault(Attempt::Folder(path.to_owned()), errno);
        let own = |errno| self.fault(Attempt::Open, errno);
        // Opened anew, since a lock holds for all copies of a handle.
        let mut here = File::from(openat(&self.folder, ".", FOLDER, Mode::empty()).map_err(own)?);
        let mut met = vec![(self.path.clone(), fstat(&here).map_err(own)?)];
        for (depth, name) in folders.iter().enumerate() {
            let path = folders.get(..=depth).unwrap_or_default().join("/");
            let next = match (openat(&here, *name, FOLDER, Mode::empty()), missing) {
                (Ok(next), _) => File::from(next),
                (Err(Errno::NOENT), Missing::Leave) => return Ok(Walked { folder: None, met }),
                (Err(Errno::NOENT), Missing::Make(owner)) => self.make(&here, name, &path, owner)?,
                (Err(errno), _) => return Err(self.no_way(&here, name, &path).unwrap_or_else(|| failed(&path, errno))),
            };
            met.push((shown(&self.path, &path), fstat(&next).map_err(|errno| failed(&path, errno))?));
            here = next;
        }
        Ok(Walked { folder: Some(here), met })
    }

    /// Makes a folder, so that it lasts. If another made it first, it is theirs.
    fn make(&self, here: &File, name: &str, path: &str, owner: Option<Ids>) -> Result<File, FolderError> {
        let failed = |errno| self.fault(Attempt::Folder(path.to_owned()), errno);
        let made_by_us = match mkdirat(here, name, NEW_FOLDER) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(failed(errno)),
        };
        let made = File::from(openat(here, name, FOLDER, Mode::empty()).map_err(failed)?);
        if made_by_us {
            // The umask may have taken some of it.
            fchmod(&made, NEW_FOLDER).map_err(failed)?;
            if let Some(ids) = owner
                && let Err(errno) = fchown(&made, Some(Uid::from_raw(ids.uid)), Some(Gid::from_raw(ids.gid)))
            {
                // Still empty; should it not go, it does no harm.
                let _ = unlinkat(here, name, AtFlags::REMOVEDIR);
                return Err(self.fault(Attempt::Own(ids), errno));
            }
            sync(here).map_err(failed)?;
        }
        Ok(made)
    }

    /// How many entries the folder has, without what a file system brings along and our temporary files.
    pub(super) fn entries(&self) -> Result<u16, FolderError> {
        let failed = |errno| self.fault(Attempt::Open, errno);
        let mut count: u16 = 0;
        for entry in Dir::read_from(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b".." | b"lost+found") && !name.starts_with(TEMPORARY.as_bytes()) {
                count += 1;
            }
            if count == MANY {
                break;
            }
        }
        Ok(count)
    }

    pub(super) fn fault(&self, attempt: Attempt, errno: Errno) -> FolderError {
        FolderError::of(&self.path, attempt, &errno.into())
    }

    /// What a name leads to, if it is a link to something that is there.
    pub(super) fn leads(&self, path: &str) -> Option<String> {
        leads(Path::new(&shown(&self.path, path)))
    }

    /// Why a name on the way is no folder.
    fn no_way(&self, here: &File, name: &str, path: &str) -> Option<FolderError> {
        let folder = shown(&self.path, path);
        match Stamp::now(here, name).ok()?.kind {
            Kind::Link => Some(FolderError::LinkInTheWay { folder, leads: self.leads(path) }),
            Kind::File | Kind::Other => Some(FolderError::FileInTheWay { folder }),
            Kind::Folder | Kind::Nothing => None,
        }
    }
}

impl Walked {
    /// Whether nobody but us, root and the file's owner-to-be can put something else in the file's place.
    pub(super) fn is_safe(&self, owner: OwnerChoice) -> Result<(), FolderError> {
        let chosen = |uid| matches!(owner, OwnerChoice::Ids(ids) if ids.uid == uid);
        for (folder, stat) in &self.met {
            let folder = folder.clone();
            let (owner, mode) = rights(stat);
            if mode & 0o002 != 0 {
                return Err(FolderError::OpenToAll { folder, sticky: mode & 0o1000 != 0 });
            }
            if owner.uid != 0 && owner.uid != geteuid().as_raw() && !chosen(owner.uid) {
                return Err(FolderError::OfAnother { folder, owner });
            }
        }
        Ok(())
    }

    /// Whether a group may put files into the folder that holds the file.
    pub(super) fn is_open_to_group(&self) -> bool {
        self.met.last().is_none_or(|(_, stat)| rights(stat).1 & 0o020 != 0)
    }
}

/// Gets a file or a folder's names onto the disk. Not every file system knows what that is.
pub(super) fn sync(file: &File) -> Result<(), Errno> {
    // The standard library's way has macOS write through to the disk.
    match file.sync_all().map_err(|why| errno_of(&why)) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        synced => synced,
    }
}

/// Why a folder could not be opened by its path.
fn refused(path: &str, clean: &Path, errno: Errno) -> FolderError {
    let folder = path.to_owned();
    match std::fs::symlink_metadata(clean) {
        Ok(found) if found.is_symlink() => FolderError::FolderIsLink { folder, leads: leads(clean) },
        Ok(found) if !found.is_dir() => FolderError::NoFolder { folder },
        Err(_) if matches!(errno, Errno::NOENT | Errno::NOTDIR) => FolderError::Missing { folder },
        _ => FolderError::of(path, Attempt::Open, &errno.into()),
    }
}

fn leads(link: &Path) -> Option<String> {
    std::fs::canonicalize(link).ok().map(|target| target.display().to_string())
}
