//! What is done in a volume: looking, writing, removing, handing over. Every name of a path is opened from the folder
//! before it and never through a link, so nothing outside the volume can be reached, whatever the volume holds.

use crate::sys::{self, Errno, Fd, Name, Open, Stat};
use crate::wire::{self, Stamp, Writer};
use crate::{MAX_CONTENT, VERSION};

/// Names that are counted in a volume's root before it is simply "many".
const MANY: u16 = 1000;
/// The longest path of a mount point, with its ending zero.
const MAX_ROOT: usize = 256;
/// The longest path from there.
const MAX_PATH: usize = 1024;

/// What a failed step was about. `SEEN` is the answer of one that didn't fail.
const SEEN: u8 = 0;
const ROOT: u8 = 1;
const PARENT: u8 = 2;
const TARGET: u8 = 3;
const CHANGED: u8 = 4;
const CREATE: u8 = 5;
const FILL: u8 = 6;
const OWNER: u8 = 7;
const RENAME: u8 = 8;
const UNLINK: u8 = 9;

/// What may stand under a name.
const NOTHING: u8 = 0;
const FILE: u8 = 1;
const FOLDER: u8 = 2;
const LINK: u8 = 3;
const OTHER: u8 = 4;

/// A step that failed: which, why, at which name of the path (from 0), and what stood there.
pub struct Failure {
    step: u8,
    errno: Errno,
    depth: u8,
    kind: u8,
}

impl Failure {
    fn at(step: u8) -> impl Fn(Errno) -> Self {
        move |errno| Self { step, errno, depth: 0, kind: NOTHING }
    }

    /// Puts it into an answer.
    pub fn tell(&self, answer: &mut Writer) {
        answer.u8(VERSION);
        answer.u8(self.step);
        answer.u32(self.errno);
        answer.u8(self.depth);
        answer.u8(self.kind);
    }
}

/// Where a file is: a volume's root in the container, and a path from there. Without a path, the root itself.
pub struct Place {
    root: [u8; MAX_ROOT],
    root_length: usize,
    path: [u8; MAX_PATH],
    path_length: usize,
}

/// What to write, and how.
pub struct Order<'a> {
    pub expected: Stamp,
    /// How the names of temporary files begin that an earlier courier of the same sender may have left.
    pub stale: &'a [u8],
    /// Those of this courier, which are not stale though they begin so.
    pub mine: &'a [u8],
    pub temporary: &'a [u8],
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    pub content: &'a [u8],
}

impl Place {
    /// `None` for a path with a name that no file can have.
    pub fn new(root: &[u8], path: &[u8]) -> Option<Self> {
        if !path.is_empty() {
            for name in names(path) {
                Name::new(name)?;
            }
        }
        let mut place = Self { root: [0; MAX_ROOT], root_length: 0, path: [0; MAX_PATH], path_length: 0 };
        place.root_length = wire::copy(root, place.root.get_mut(..MAX_ROOT - 1)?)?;
        place.path_length = wire::copy(path, &mut place.path)?;
        Some(place)
    }

    fn open_root(&self) -> Result<Fd, Failure> {
        sys::open_root(self.root.get(..self.root_length + 1).unwrap_or(&[])).map_err(Failure::at(ROOT))
    }

    /// Folders and file of the path.
    fn split(&self) -> (Option<&[u8]>, Option<Name>) {
        let path = self.path.get(..self.path_length).unwrap_or(&[]);
        match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (path.get(..slash), path.get(slash + 1..).and_then(Name::new)),
            None => (None, Name::new(path)),
        }
    }
}

/// The names of a path. Written out, as the library's `split` brings four times the courier's own weight along.
fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(path);
    core::iter::from_fn(move || {
        let path = rest?;
        let end = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
        rest = path.get(end + 1..);
        path.get(..end)
    })
}

/// Goes from the root down to the folder that holds the file, and calls `missing` for one that isn't there: it makes it
/// and answers `true`, or leaves it. `each` is told every folder. `None` if a folder is missing.
fn descend(
    root: Fd,
    folders: Option<&[u8]>,
    mut missing: impl FnMut(&Fd, &Name) -> Result<bool, Errno>,
    mut each: impl FnMut(&Stat),
) -> Result<Option<Fd>, Failure> {
    let mut here = root;
    for (depth, name) in folders.into_iter().flat_map(names).enumerate() {
        let failed = |errno, kind| Failure { step: PARENT, errno, depth: depth as u8, kind };
        let name = Name::new(name).ok_or_else(|| failed(sys::EINVAL, NOTHING))?;
        let mut opened = here.open(&name, Open::Folder);
        if let Err(sys::ENOENT) = opened {
            if !missing(&here, &name).map_err(|errno| failed(errno, NOTHING))? {
                return Ok(None);
            }
            opened = here.open(&name, Open::Folder);
        }
        let next = match opened {
            Ok(next) => next,
            Err(errno) => return Err(failed(errno, here.stat_of(&name).map_or(NOTHING, |stat| kind(&stat)))),
        };
        each(&next.stat().map_err(|errno| failed(errno, NOTHING))?);
        here = next;
    }
    Ok(Some(here))
}

fn kind(stat: &Stat) -> u8 {
    if stat.is_file() {
        FILE
    } else if stat.is_folder() {
        FOLDER
    } else if stat.is_link() {
        LINK
    } else {
        OTHER
    }
}

fn stamp(stat: &Stat) -> Stamp {
    let (seconds, nanoseconds) = stat.changed();
    Stamp {
        kind: kind(stat),
        inode: stat.inode,
        size: stat.size as u64,
        changed_seconds: seconds as u64,
        changed_nanoseconds: nanoseconds as u32,
    }
}

const NO_STAMP: Stamp = Stamp { kind: NOTHING, inode: 0, size: 0, changed_seconds: 0, changed_nanoseconds: 0 };

/// What stands under a name now, or that nothing does.
fn stamp_of(folder: &Fd, name: &Name) -> Result<Stamp, Failure> {
    match folder.stat_of(name) {
        Ok(stat) => Ok(stamp(&stat)),
        Err(sys::ENOENT) => Ok(NO_STAMP),
        Err(errno) => Err(Failure::at(TARGET)(errno)),
    }
}

fn unchanged(folder: &Fd, name: &Name, expected: &Stamp) -> Result<(), Failure> {
    let now = stamp_of(folder, name)?;
    if now == *expected {
        Ok(())
    } else {
        Err(Failure { step: CHANGED, errno: sys::ESTALE, depth: 0, kind: now.kind })
    }
}

fn tell_owner(stat: &Stat, answer: &mut Writer) {
    answer.u32(stat.uid);
    answer.u32(stat.gid);
    answer.u32(stat.mode & 0o7777);
}

/// Tells what is there: the root, the folders on the way, the file and its content.
pub fn look(place: &Place, answer: &mut Writer) -> Result<(), Failure> {
    let root = place.open_root()?;
    answer.u8(VERSION);
    answer.u8(SEEN);
    tell_owner(&root.stat().map_err(Failure::at(ROOT))?, answer);
    let system = root.file_system().map_err(Failure::at(ROOT))?;
    answer.u64(system.kind);
    answer.u8((system.flags & 1) as u8);
    let mut entries: u16 = 0;
    root.names(|name| {
        // What a file system brings along, and what a killed courier left, is nobody's content.
        if name != b"lost+found" && !name.starts_with(b".tokenferry-") && entries < MANY {
            entries += 1;
        }
    })
    .map_err(Failure::at(ROOT))?;
    answer.u16(entries);

    let (folders, file) = place.split();
    let folder = descend(
        root,
        folders,
        |_, _| Ok(false),
        |stat| {
            answer.u8(1);
            tell_owner(stat, answer);
        },
    )?;
    answer.u8(0);
    match (folder, file) {
        (Some(folder), Some(name)) => look_at(&folder, &name, answer),
        _ => {
            answer.stamp(&NO_STAMP);
            Ok(())
        }
    }
}

fn look_at(folder: &Fd, name: &Name, answer: &mut Writer) -> Result<(), Failure> {
    let mut stat = match folder.stat_of(name) {
        Ok(stat) => stat,
        Err(sys::ENOENT) => {
            answer.stamp(&NO_STAMP);
            return Ok(());
        }
        Err(errno) => return Err(Failure::at(TARGET)(errno)),
    };
    let mut content = None;
    if stat.is_file() {
        let file = folder.open(name, Open::File).map_err(Failure::at(TARGET))?;
        // What was opened is what counts, should the name have changed hands.
        stat = file.stat().map_err(Failure::at(TARGET))?;
        content = Some(file);
    }
    answer.stamp(&stamp(&stat));
    tell_owner(&stat, answer);
    match content {
        Some(file) if stat.is_file() && stat.size as u64 <= MAX_CONTENT as u64 => {
            answer.u8(1);
            let read = read_all(&file, answer.room())?;
            answer.filled(read);
        }
        _ => answer.u8(0),
    }
    Ok(())
}

fn read_all(file: &Fd, room: &mut [u8]) -> Result<usize, Failure> {
    let mut read = 0;
    // A file that grows meanwhile is told as far as it fits; it changes its stamp with that.
    while let Some(rest) = room.get_mut(read..MAX_CONTENT).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(sys::EINTR) => {}
            Err(errno) => return Err(Failure::at(TARGET)(errno)),
        }
    }
    Ok(read)
}

/// A file that is written under its temporary name. Unless it is published, it is removed again.
pub struct Staged {
    folder: Fd,
    file: Fd,
    temporary: Name,
    name: Name,
    expected: Stamp,
    published: bool,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // There is nothing to do about a failure.
            let _ = self.folder.unlink(&self.temporary);
        }
    }
}

/// Writes a temporary file beside the target.
pub fn stage(place: &Place, order: &Order) -> Result<Staged, Failure> {
    let (folders, file) = place.split();
    let invalid = || Failure::at(TARGET)(sys::EINVAL);
    let name = file.ok_or_else(invalid)?;
    let temporary = Name::new(order.temporary).ok_or_else(invalid)?;
    let make = |here: &Fd, name: &Name| {
        match here.make_folder(name, 0o700) {
            Ok(()) => here.open(name, Open::Folder)?.set_owner(order.uid, order.gid)?,
            Err(sys::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        Ok(true)
    };
    let folder = descend(place.open_root()?, folders, make, |_| ())?.ok_or_else(invalid)?;

    unchanged(&folder, &name, &order.expected)?;
    match order.expected.kind {
        NOTHING | FILE | LINK => {}
        kind => return Err(Failure { step: TARGET, errno: sys::EISDIR, depth: 0, kind }),
    }
    remove_stale(&folder, order)?;
    let file = folder.open(&temporary, Open::New).map_err(Failure::at(CREATE))?;
    let expected = order.expected;
    let staged = Staged { folder, file, temporary, name, expected, published: false };
    fill(&staged.file, order)?;
    Ok(staged)
}

impl Staged {
    /// The file under its temporary name.
    pub fn file(&self) -> &Fd {
        &self.file
    }

    /// Gets it onto the disk if it isn't there, and renames it over the target if that is still what was expected.
    pub fn publish(mut self, synced: bool) -> Result<(), Failure> {
        if !synced {
            match self.file.sync() {
                // Not every file system knows what that is.
                Ok(()) | Err(sys::EINVAL) | Err(sys::ENOSYS) | Err(sys::EOPNOTSUPP) => {}
                Err(errno) => return Err(Failure::at(FILL)(errno)),
            }
        }
        unchanged(&self.folder, &self.name, &self.expected)?;
        self.folder.rename(&self.temporary, &self.name).map_err(Failure::at(RENAME))?;
        self.published = true;
        Ok(())
    }
}

/// What an earlier courier of the same sender left here when it was killed.
fn remove_stale(folder: &Fd, order: &Order) -> Result<(), Failure> {
    if order.stale.is_empty() {
        return Ok(());
    }
    let is_stale = |name: &[u8]| name.starts_with(order.stale) && !name.starts_with(order.mine);
    let remove = |name: &[u8]| {
        if let Some(name) = Name::new(name).filter(|_| is_stale(name)) {
            let _ = folder.unlink(&name);
        }
    };
    folder.names(remove).map_err(Failure::at(CREATE))
}

fn fill(new: &Fd, order: &Order) -> Result<(), Failure> {
    let mut rest = order.content;
    while !rest.is_empty() {
        match new.write(rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or(&[]),
            Err(sys::EINTR) => {}
            Err(errno) => return Err(Failure::at(FILL)(errno)),
        }
    }
    // The mode first: once the file is somebody else's, only FOWNER may change it.
    new.set_mode(order.mode & 0o777).map_err(Failure::at(OWNER))?;
    new.set_owner(order.uid, order.gid).map_err(Failure::at(OWNER))
}

/// Removes a file or a link. What isn't there is removed already.
pub fn remove(place: &Place, expected: &Stamp) -> Result<(), Failure> {
    let (folders, file) = place.split();
    let name = file.ok_or_else(|| Failure::at(TARGET)(sys::EINVAL))?;
    let folder = match descend(place.open_root()?, folders, |_, _| Ok(false), |_| ())? {
        Some(folder) => folder,
        None => return Ok(()),
    };
    unchanged(&folder, &name, expected)?;
    match folder.unlink(&name) {
        Ok(()) | Err(sys::ENOENT) => Ok(()),
        Err(errno) => Err(Failure { step: UNLINK, errno, depth: 0, kind: expected.kind }),
    }
}

/// Gives the root folder to its user.
pub fn hand_over(place: &Place, uid: u32, gid: u32) -> Result<(), Failure> {
    place.open_root()?.set_owner(uid, gid).map_err(Failure::at(OWNER))
}
