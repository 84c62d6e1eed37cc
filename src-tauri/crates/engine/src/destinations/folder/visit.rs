//! One file of a folder: look, decide, do, and look again by a fresh way from the root. Once more where somebody else
//! changed it in between.

use std::fs::{File, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::root::{Missing, Root, Walked, sync};
use super::sight::{Kind, Sight, Stamp};
use super::staged::{self, Order, Staged, Stuck};
use super::{ATTEMPTS, Failed, FolderError, MAX_CONTENT, Way, each_file, shown, split};
use crate::destinations::error::Attempt;
use crate::destinations::{Change, FileReceipt, Ids, Outcome, OwnerChoice, Parcel, ParcelFile, Receipt, Undelivered};
use crate::secret::SecretBytes;

/// A turn in a folder is over in milliseconds. Whoever holds its lock for longer than this is none of us.
const TURN: Duration = Duration::from_secs(2);
/// Between two tries for a turn.
const NEXT_TRY: Duration = Duration::from_millis(2);

/// Sees to a parcel's files.
pub(super) fn see_to(parcel: &Parcel, way: Way) -> Result<Receipt, Undelivered> {
    let root = Root::open(&parcel.root)?;
    each_file(parcel, |file| {
        let (folders, name) = split(&file.path)?;
        Visit { root: &root, parcel, file, way, folders, name, uncertain: false }.work()
    })
}

struct Visit<'a> {
    root: &'a Root,
    parcel: &'a Parcel,
    file: &'a ParcelFile,
    way: Way,
    folders: Vec<&'a str>,
    name: &'a str,
    /// Whether a copy may lie there by now.
    uncertain: bool,
}

/// Why an attempt ended.
enum Stop {
    /// Somebody else was there in between.
    Again,
    Fault(FolderError),
}

impl From<FolderError> for Stop {
    fn from(error: FolderError) -> Self {
        Self::Fault(error)
    }
}

impl Visit<'_> {
    fn work(mut self) -> Result<FileReceipt, Failed> {
        for _ in 0..ATTEMPTS {
            match self.attempt() {
                Ok(receipt) => return Ok(receipt),
                Err(Stop::Again) => {}
                Err(Stop::Fault(error)) => return Err(Failed { error, uncertain: self.uncertain }),
            }
        }
        Err(Failed { error: FolderError::KeepsChanging { file: self.shown() }, uncertain: self.uncertain })
    }

    fn attempt(&mut self) -> Result<FileReceipt, Stop> {
        let walked = self.root.walk(&self.folders, Missing::Leave)?;
        let sight = match &walked.folder {
            Some(folder) => {
                if self.way == Way::Deliver {
                    take_turn(folder);
                    staged::tidy(folder);
                }
                self.look(folder)?
            }
            None => Sight::NOTHING,
        };
        let change = self.compose(&sight)?;
        let is_there = sight.stamp.kind != Kind::Nothing;
        match change {
            Change::Keep | Change::Settle | Change::Remove if !is_there => self.receipt(Outcome::Absent, &sight),
            Change::Keep => self.receipt(Outcome::Kept, &sight),
            Change::Remove => self.remove(&walked, &sight),
            Change::Write(content) if content.expose().len() > MAX_CONTENT => {
                Err(FolderError::TooLarge { file: self.shown() }.into())
            }
            Change::Write(content) => self.write(walked, &sight, &content),
            Change::Settle => {
                let owner = self.owner(&walked, &sight);
                let settled = |(is, mode): (Ids, u32)| mode == self.mode() && owner.is_none_or(|owner| owner == is);
                match &sight.content {
                    Some(content) if !sight.rights.is_some_and(settled) => self.write(walked, &sight, content),
                    _ => {
                        walked.is_safe(self.parcel.owner)?;
                        self.receipt(Outcome::Kept, &sight)
                    }
                }
            }
        }
    }

    fn look(&self, folder: &File) -> Result<Sight, Stop> {
        match Sight::of(folder, self.name) {
            Ok(sight) => Ok(sight),
            Err(Errno::NOENT | Errno::LOOP | Errno::STALE) => Err(Stop::Again),
            Err(errno) => Err(self.fault(Attempt::Read, errno)),
        }
    }

    /// What to do with what is there.
    fn compose(&self, sight: &Sight) -> Result<Change, FolderError> {
        let file = || self.shown();
        let existing = match (sight.stamp.kind, &sight.content) {
            (Kind::Folder, _) => return Err(FolderError::FolderInPlace { file: file() }),
            (Kind::Other, _) => return Err(FolderError::NoFileInPlace { file: file() }),
            (Kind::Link, _) if self.way == Way::Deliver => {
                return Err(FolderError::FileIsLink { file: file(), leads: self.root.leads(&self.file.path) });
            }
            (Kind::File, None) => return Err(FolderError::TooLarge { file: file() }),
            (Kind::File, Some(content)) => Some(content.expose()),
            (Kind::Nothing | Kind::Link, _) => None,
        };
        (self.file.compose)(existing).map_err(|reason| FolderError::NotUnderstood { file: file(), reason })
    }

    /// Whose the file shall be, if not whose it becomes by itself. Only root gives files away; and to the owner of the
    /// file that is there only where nobody else can have put it there.
    fn owner(&self, walked: &Walked, sight: &Sight) -> Option<Ids> {
        match self.parcel.owner {
            OwnerChoice::Ids(ids) => Some(ids),
            OwnerChoice::Auto if geteuid().is_root() && !walked.is_open_to_group() => sight.rights.map(|(ids, _)| ids),
            OwnerChoice::Auto => None,
        }
    }

    fn write(&mut self, walked: Walked, sight: &Sight, content: &SecretBytes) -> Result<FileReceipt, Stop> {
        walked.is_safe(self.parcel.owner)?;
        let owner = self.owner(&walked, sight);
        let folder = if let Some(folder) = walked.folder {
            folder
        } else {
            let made = self.root.walk(&self.folders, Missing::Make(owner))?;
            made.is_safe(self.parcel.owner)?;
            let folder = made.folder.ok_or(Stop::Again)?;
            take_turn(&folder);
            folder
        };
        let order = Order { content: content.expose(), mode: self.mode(), owner };
        let staged = Staged::write(&folder, &order).map_err(|stuck| self.stuck(stuck))?;
        let inode = staged.inode().map_err(|stuck| self.stuck(stuck))?;
        staged.publish(self.name, &sight.stamp).map_err(|stuck| self.stuck(stuck))?;
        self.uncertain = true;
        sync(&folder).map_err(|errno| self.fault(Attempt::Write, errno))?;

        let seen = self.read_back()?;
        let as_asked = |(is, mode): (Ids, u32)| {
            mode == order.mode && owner.map_or(is.uid == geteuid().as_raw(), |owner| owner == is)
        };
        if seen.content.as_ref() == Some(content) && seen.rights.is_some_and(as_asked) {
            self.receipt(Outcome::Written, &seen)
        } else if seen.stamp.inode == inode {
            Err(FolderError::NotAsWritten { file: self.shown() }.into())
        } else {
            Err(Stop::Again)
        }
    }

    fn remove(&self, walked: &Walked, sight: &Sight) -> Result<FileReceipt, Stop> {
        let folder = walked.folder.as_ref().ok_or(Stop::Again)?;
        let failed = |errno| self.fault(Attempt::Remove, errno);
        if Stamp::now(folder, self.name).map_err(failed)? != sight.stamp {
            return Err(Stop::Again);
        }
        match unlinkat(folder, self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(failed(errno)),
        }
        sync(folder).map_err(failed)?;
        match self.read_back()? {
            seen if seen.stamp.kind == Kind::Nothing => self.receipt(Outcome::Removed, &seen),
            _ => Err(Stop::Again),
        }
    }

    /// Looks at the file as anybody would: by its path, from the root on.
    fn read_back(&self) -> Result<Sight, Stop> {
        let walked = Root::open(&self.parcel.root)?.walk(&self.folders, Missing::Leave)?;
        walked.folder.map_or(Ok(Sight::NOTHING), |folder| self.look(&folder))
    }

    fn receipt(&self, outcome: Outcome, sight: &Sight) -> Result<FileReceipt, Stop> {
        Ok(FileReceipt {
            path: self.file.path.clone(),
            outcome,
            owner: sight.rights.map(|(owner, _)| owner),
            mode: sight.rights.map(|(_, mode)| mode),
            size: sight.size(),
            entries_at_top: self.root.entries()?,
            read_back_at: Timestamp::now(),
        })
    }

    fn mode(&self) -> u32 {
        self.file.mode & 0o777
    }

    fn shown(&self) -> String {
        shown(&self.parcel.root, &self.file.path)
    }

    fn fault(&self, attempt: impl FnOnce(String) -> Attempt, errno: Errno) -> Stop {
        self.root.fault(attempt(self.file.path.clone()), errno).into()
    }

    fn stuck(&self, stuck: Stuck) -> Stop {
        match stuck {
            Stuck::Changed => Stop::Again,
            Stuck::Writing(errno) => self.fault(Attempt::Write, errno),
            Stuck::Owning(ids, errno) => self.root.fault(Attempt::Own(ids), errno).into(),
            Stuck::WithoutRights => FolderError::WithoutRights { folder: self.parcel.root.clone() }.into(),
            Stuck::WithoutRename => FolderError::WithoutRename { file: self.shown() }.into(),
        }
    }
}

/// Waits until no other of us is at work in a folder, so that what one of them composed is not lost to another. The lock
/// is on the folder itself, which leaves no file behind, and ends with its handle. Where there are no locks, or somebody
/// else keeps this one, the stamps alone have to do.
fn take_turn(folder: &File) {
    let begun = Instant::now();
    while matches!(folder.try_lock(), Err(TryLockError::WouldBlock)) && begun.elapsed() < TURN {
        sleep(NEXT_TRY);
    }
}
