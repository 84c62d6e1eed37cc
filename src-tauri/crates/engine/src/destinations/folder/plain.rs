//! The same for systems that are no Unix, as far as the standard library goes: a temporary file beside the old one, a
//! rename, and a look at what lies there. Owners and modes are the system's own: what lies in a person's folders is
//! theirs there.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use jiff::Timestamp;

use super::{
    ATTEMPTS, Failed, FolderError, MANY, MAX_CONTENT, TEMPORARY, Way, clean_root, each_file, is_temporary, shown,
    split, temporary_name,
};
use crate::destinations::error::Attempt;
use crate::destinations::{Change, FileReceipt, Ids, Outcome, OwnerChoice, Parcel, ParcelFile, Receipt, Undelivered};
use crate::secret::SecretBytes;

/// Older than anything that is still being written.
const ABANDONED: Duration = Duration::from_secs(600);
/// Stands for whoever it is.
const SOMEBODY: Ids = Ids { uid: 0, gid: 0 };

/// Sees to a parcel's files.
pub(super) fn see_to(parcel: &Parcel, way: Way) -> Result<Receipt, Undelivered> {
    let root = clean_root(&parcel.root)?;
    is_folder(&parcel.root, &root)?;
    each_file(parcel, |file| {
        let (folders, name) = split(&file.path)?;
        let folder = folders.iter().fold(root.clone(), |folder, name| folder.join(name));
        let target = folder.join(name);
        Visit { parcel, file, way, root: &root, folders, folder, target, uncertain: false }.work()
    })
}

fn is_folder(shown: &str, root: &Path) -> Result<(), FolderError> {
    let folder = shown.to_owned();
    match fs::symlink_metadata(root) {
        Ok(found) if found.is_symlink() => {
            let leads = fs::canonicalize(root).ok().map(|target| target.display().to_string());
            Err(FolderError::FolderIsLink { folder, leads })
        }
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(FolderError::NoFolder { folder }),
        Err(why) if why.kind() == ErrorKind::NotFound => Err(FolderError::Missing { folder }),
        Err(why) => Err(FolderError::of(shown, Attempt::Open, &why)),
    }
}

struct Visit<'a> {
    parcel: &'a Parcel,
    file: &'a ParcelFile,
    way: Way,
    root: &'a Path,
    folders: Vec<&'a str>,
    folder: PathBuf,
    target: PathBuf,
    uncertain: bool,
}

impl Visit<'_> {
    fn work(mut self) -> Result<FileReceipt, Failed> {
        let done = self.attempts();
        done.map_err(|error| Failed { error, uncertain: self.uncertain })
    }

    fn attempts(&mut self) -> Result<FileReceipt, FolderError> {
        self.is_way_free()?;
        if self.way == Way::Deliver {
            tidy(&self.folder);
        }
        for _ in 0..ATTEMPTS {
            let there = self.look()?;
            let existing = there.as_ref().map(SecretBytes::expose);
            let change = (self.file.compose)(existing)
                .map_err(|reason| FolderError::NotUnderstood { file: self.shown(), reason })?;
            match change {
                Change::Keep | Change::Settle | Change::Remove if there.is_none() => {
                    return self.receipt(Outcome::Absent, None);
                }
                Change::Keep | Change::Settle => return self.receipt(Outcome::Kept, there.as_ref()),
                Change::Remove => {
                    fs::remove_file(&self.target).map_err(|why| self.fault(Attempt::Remove, &why))?;
                    if self.look()?.is_none() {
                        return self.receipt(Outcome::Removed, None);
                    }
                }
                Change::Write(content) if content.expose().len() > MAX_CONTENT => {
                    return Err(FolderError::TooLarge { file: self.shown() });
                }
                Change::Write(content) => {
                    if self.write(&content, there.as_ref())? && self.look()?.as_ref() == Some(&content) {
                        return self.receipt(Outcome::Written, Some(&content));
                    }
                }
            }
        }
        Err(FolderError::KeepsChanging { file: self.shown() })
    }

    /// Refuses links and files in the place of folders.
    fn is_way_free(&self) -> Result<(), FolderError> {
        let mut path = self.root.to_owned();
        for (depth, name) in self.folders.iter().enumerate() {
            path.push(name);
            let folder = || shown(&self.parcel.root, &self.folders.get(..=depth).unwrap_or_default().join("/"));
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_symlink() => {
                    return Err(FolderError::LinkInTheWay { folder: folder(), leads: None });
                }
                Ok(found) if !found.is_dir() => return Err(FolderError::FileInTheWay { folder: folder() }),
                _ => {}
            }
        }
        Ok(())
    }

    fn look(&self) -> Result<Option<SecretBytes>, FolderError> {
        let file = || self.shown();
        match fs::symlink_metadata(&self.target) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(self.fault(Attempt::Read, &why)),
            Ok(found) if found.is_symlink() => return Err(FolderError::FileIsLink { file: file(), leads: None }),
            Ok(found) if found.is_dir() => return Err(FolderError::FolderInPlace { file: file() }),
            Ok(found) if !found.is_file() => return Err(FolderError::NoFileInPlace { file: file() }),
            Ok(found) if found.len() > MAX_CONTENT as u64 => return Err(FolderError::TooLarge { file: file() }),
            Ok(_) => {}
        }
        match fs::read(&self.target) {
            Ok(bytes) => Ok(Some(SecretBytes::new(bytes))),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(self.fault(Attempt::Read, &why)),
        }
    }

    /// Puts the content there, unless what is there has changed.
    fn write(&mut self, content: &SecretBytes, expected: Option<&SecretBytes>) -> Result<bool, FolderError> {
        if let OwnerChoice::Ids(ids) = self.parcel.owner {
            let why = io::Error::from(ErrorKind::Unsupported);
            return Err(FolderError::of(&self.parcel.root, Attempt::Own(ids), &why));
        }
        let failed = |why: io::Error| self.fault(Attempt::Write, &why);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let temporary = self.folder.join(temporary_name().map_err(failed)?);
        let published = fill(&temporary, content).and_then(|()| {
            let unchanged = self.look().is_ok_and(|there| there.as_ref() == expected);
            if unchanged { fs::rename(&temporary, &self.target).map(|()| true) } else { Ok(false) }
        });
        if !matches!(published, Ok(true)) {
            // There is nothing to do about a failure; a later delivery tries again.
            let _ = fs::remove_file(&temporary);
        }
        let published = published.map_err(failed)?;
        self.uncertain |= published;
        Ok(published)
    }

    fn receipt(&self, outcome: Outcome, there: Option<&SecretBytes>) -> Result<FileReceipt, FolderError> {
        let names = fs::read_dir(self.root).map_err(|why| FolderError::of(&self.parcel.root, Attempt::Open, &why))?;
        let theirs = names.flatten().filter(|entry| !entry.file_name().to_string_lossy().starts_with(TEMPORARY));
        Ok(FileReceipt {
            path: self.file.path.clone(),
            outcome,
            owner: there.map(|_| SOMEBODY),
            mode: there.map(|_| self.file.mode & 0o777),
            size: there.map(|content| content.expose().len() as u64),
            entries_at_top: u16::try_from(theirs.take(MANY.into()).count()).unwrap_or(MANY),
            read_back_at: Timestamp::now(),
        })
    }

    fn shown(&self) -> String {
        shown(&self.parcel.root, &self.file.path)
    }

    fn fault(&self, attempt: impl FnOnce(String) -> Attempt, why: &io::Error) -> FolderError {
        FolderError::of(&self.parcel.root, attempt(self.file.path.clone()), why)
    }
}

fn fill(path: &Path, content: &SecretBytes) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(content.expose())?;
    file.sync_all()
}

/// Removes what killed processes left, known by its name and its age.
fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_temporary)) {
        let written = entry.metadata().and_then(|found| found.modified());
        if written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(folder: &Path, path: &str, change: impl Fn(Option<&[u8]>) -> Change + Send + Sync + 'static) -> Parcel {
        let compose = Box::new(move |there: Option<&[u8]>| Ok(change(there)));
        let files = vec![ParcelFile { path: path.to_owned(), mode: 0o600, compose }];
        let root = folder.to_str().unwrap().to_owned();
        Parcel { destination: "d".to_owned(), root, owner: OwnerChoice::Auto, files }
    }

    fn carry(folder: &Path, path: &str, change: fn(Option<&[u8]>) -> Change) -> Result<Outcome, &'static str> {
        let settled = see_to(&parcel(folder, path, change), Way::Deliver);
        settled.map(|receipt| receipt.files[0].outcome).map_err(|undelivered| undelivered.error.code())
    }

    fn write(_: Option<&[u8]>) -> Change {
        Change::Write(SecretBytes::new(b"new".to_vec()))
    }

    #[test]
    fn files_are_written_kept_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(carry(folder, "a/file", write), Ok(Outcome::Written));
        assert_eq!(fs::read(folder.join("a/file")).unwrap(), b"new");
        assert_eq!(carry(folder, "a/file", |_| Change::Keep), Ok(Outcome::Kept));
        assert_eq!(carry(folder, "a/file", |_| Change::Remove), Ok(Outcome::Removed));
        assert_eq!(carry(folder, "a/file", |_| Change::Remove), Ok(Outcome::Absent));
        assert_eq!(fs::read_dir(folder.join("a")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_in_the_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("folder")).unwrap();
        fs::write(folder.join("file"), "theirs").unwrap();
        assert_eq!(carry(folder, "folder", write), Err("folder_in_place"));
        assert_eq!(carry(folder, "file/file", write), Err("file_in_the_way"));
        assert_eq!(carry(&folder.join("none"), "file", write), Err("folder_missing"));
        assert_eq!(carry(&folder.join("file"), "file", write), Err("not_a_folder"));
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"theirs");
    }

    #[test]
    fn what_changed_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "0").unwrap();
        let theirs = path.clone();
        let compose = move |there: Option<&[u8]>| {
            let there = there.unwrap();
            if there == b"0" {
                fs::write(&theirs, "1").unwrap();
            }
            Change::Write(SecretBytes::new([there, b"+ours"].concat()))
        };
        see_to(&parcel(folder.path(), "file", compose), Way::Deliver).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1+ours");
    }
}
