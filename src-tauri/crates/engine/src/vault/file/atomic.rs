//! Files that are there whole or not at all, seen by their owner alone, and on the disk when a call returns.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::super::VaultError;
use crate::unfinished;

/// Makes the folder with its parents, 0700. One that is there already is closed to others.
pub(super) fn make_folder(path: &Path) -> Result<(), VaultError> {
    let disk = |source| VaultError::Disk { doing: "make the folder", path: path.to_owned(), source };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(path).map_err(disk)?;
        if fs::metadata(path).map_err(disk)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(disk)?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(path).map_err(disk)
}

/// Removes what killed processes left unfinished in the folder, and says whether it holds anything finished.
pub(super) fn sweep(folder: &Path) -> Result<bool, VaultError> {
    unfinished::sweep(folder).map_err(|source| VaultError::Disk { doing: "look into", path: folder.to_owned(), source })
}

/// Puts the content in place of what is there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), VaultError> {
    let disk = |source| VaultError::Disk { doing: "write", path: path.to_owned(), source };
    written(path, content).and_then(|file| Ok(file.persist(path)?)).and_then(|_| settle(path)).map_err(disk)
}

/// Makes the file with this content where there is none, and says whether it did.
pub(super) fn create(path: &Path, content: &[u8]) -> Result<bool, VaultError> {
    let made = match written(path, content).and_then(|file| Ok(file.persist_noclobber(path)?)) {
        Ok(_) => settle(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    };
    made.map_err(|source| VaultError::Disk { doing: "write", path: path.to_owned(), source })
}

/// Removes the file. One that is not there is as good as removed.
pub(super) fn remove(path: &Path) -> Result<(), VaultError> {
    match fs::remove_file(path).and_then(|()| settle(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(VaultError::Disk { doing: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// A file with this content in the same folder, to be put in place.
fn written(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = unfinished::file_in(parent(path))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Writes a change of the folder itself to the disk.
#[cfg(unix)]
fn settle(path: &Path) -> io::Result<()> {
    fs::File::open(parent(path))?.sync_all()
}

/// Windows has no such call; its rename is written through by the file system's journal.
#[cfg(not(unix))]
fn settle(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
