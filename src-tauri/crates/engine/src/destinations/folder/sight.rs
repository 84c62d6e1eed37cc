//! What stands under a name of a folder, and the stamp by which it is seen to be still the same.

use std::fs::File;
use std::io::{self, Read as _};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use super::MAX_CONTENT;
use crate::destinations::Ids;
use crate::secret::SecretBytes;

/// What may stand under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    File,
    Folder,
    Link,
    Other,
}

/// Changes with whatever is changed. Wide numbers, as systems differ in theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) kind: Kind,
    pub(super) inode: i128,
    pub(super) size: i128,
    /// When content, owner, mode or name last changed: seconds and nanoseconds.
    changed: (i128, i128),
}

impl Stamp {
    const NOTHING: Self = Self { kind: Kind::Nothing, inode: 0, size: 0, changed: (0, 0) };

    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            kind: kind(stat),
            inode: stat.st_ino.into(),
            size: stat.st_size.into(),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }

    /// What stands under a name now.
    pub(super) fn now(folder: &File, name: &str) -> Result<Self, Errno> {
        match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Self::of(&stat)),
            Err(Errno::NOENT) => Ok(Self::NOTHING),
            Err(errno) => Err(errno),
        }
    }
}

/// What was seen under a name.
pub(super) struct Sight {
    pub(super) stamp: Stamp,
    /// Owner and permission bits of what is there.
    pub(super) rights: Option<(Ids, u32)>,
    /// An ordinary file's bytes, unless they are more than [`MAX_CONTENT`].
    pub(super) content: Option<SecretBytes>,
}

impl Sight {
    pub(super) const NOTHING: Self = Self { stamp: Stamp::NOTHING, rights: None, content: None };

    /// Looks at a name, never through a link. What was opened is what counts, should the name change hands meanwhile.
    ///
    /// # Errors
    /// `ENOENT` or `ELOOP` too, where it changed hands between two looks.
    pub(super) fn of(folder: &File, name: &str) -> Result<Self, Errno> {
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Self::NOTHING),
            Err(errno) => return Err(errno),
        };
        if kind(&stat) != Kind::File {
            return Ok(Self { stamp: Stamp::of(&stat), rights: Some(rights(&stat)), content: None });
        }
        // A named pipe in its place would keep us waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mut file = File::from(openat(folder, name, flags, Mode::empty())?);
        let stat = fstat(&file)?;
        let content = if kind(&stat) == Kind::File { read(&mut file, &stat)? } else { None };
        Ok(Self { stamp: Stamp::of(&stat), rights: Some(rights(&stat)), content })
    }
}

impl Sight {
    /// In bytes, of what is there.
    pub(super) fn size(&self) -> Option<u64> {
        self.rights.and_then(|_| u64::try_from(self.stamp.size).ok())
    }
}

fn read(file: &mut File, stat: &Stat) -> Result<Option<SecretBytes>, Errno> {
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if size > MAX_CONTENT {
        return Ok(None);
    }
    // Room at once, as a vector that grows leaves what it held behind.
    let mut bytes = Vec::with_capacity(size + 1);
    let limit = MAX_CONTENT as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|why| errno_of(&why))?;
    let bytes = SecretBytes::new(bytes);
    Ok((bytes.expose().len() <= MAX_CONTENT).then_some(bytes))
}

pub(super) fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// Owner, and permission bits with those that are set beside them.
#[allow(clippy::useless_conversion, reason = "some systems have narrower modes than this one")]
pub(super) fn rights(stat: &Stat) -> (Ids, u32) {
    (Ids { uid: stat.st_uid, gid: stat.st_gid }, u32::from(stat.st_mode) & 0o7777)
}

/// The system's number of an error that the standard library gives.
pub(super) fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
