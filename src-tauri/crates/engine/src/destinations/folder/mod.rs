//! Plain folders of this machine as places. A reader in one sees the old file or the new one, whole; what was delivered
//! is read back. Refuses what lies behind symbolic links, and folders that others can put files into.
//!
//! [`Parcel::root`] is the folder's absolute path; the folder has to be there.

mod fault;
#[cfg(any(not(unix), test))]
mod plain;
#[cfg(unix)]
mod root;
#[cfg(unix)]
mod sight;
#[cfg(unix)]
mod staged;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod visit;

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use super::look::{into_parcel, seen};
use super::{DeliveryError, FileReceipt, Glance, Parcel, Receipt, Seen, Undelivered};
#[cfg(not(unix))]
use plain::see_to;
#[cfg(unix)]
use visit::see_to;

pub use fault::FolderError;

/// The largest file that is read or written, in bytes: as in a volume.
const MAX_CONTENT: usize = courier::protocol::MAX_CONTENT;
/// How often a file is looked at anew because it changed between looking and writing. A program that writes it at every
/// one of these moments writes it all the time.
const ATTEMPTS: usize = 4;
/// Within this a folder on a disk answers, also a busy one. One on a server that is gone may never.
const ANSWERS: Duration = Duration::from_secs(60);
/// Entries that are counted in a folder before it is simply "many".
const MANY: u16 = 1000;
/// The longest name of a file, in bytes, on nearly every file system.
const MAX_NAME: usize = 255;
/// How the names of our temporary files begin; 32 hexadecimal digits follow.
const TEMPORARY: &str = ".tokenferry-";

/// The folders of this machine. Holds nothing; all that is known of a folder is looked up at each delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct Folders;

/// What is done in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Files are brought and taken away, and what a killed process left is cleared.
    Deliver,
    /// Nothing is changed.
    Look,
}

impl Folders {
    /// Delivers parcels, and says of each destination, in the same order, what became of it.
    ///
    /// Each parcel is seen to by a thread of its own, so that a folder that hangs holds up no other. After 60 s it counts
    /// as failed, and its files as uncertain.
    pub async fn carry(&self, parcels: Vec<Parcel>) -> Vec<(String, Result<Receipt, Undelivered>)> {
        join_all(parcels.into_iter().map(|parcel| see_to_soon(parcel, Way::Deliver))).await
    }

    /// Looks at files, and says of each destination, in the same order, what is there. Also in folders that would not be
    /// delivered into.
    ///
    /// # Errors
    /// As in [`carry`](Self::carry). A file in a folder that is not there is an error; one in a missing folder within it is
    /// simply not there.
    pub async fn look(&self, glances: Vec<Glance>) -> Vec<(String, Result<Vec<Seen>, DeliveryError>)> {
        let looks = glances.into_iter().map(into_parcel).map(|(parcel, caught)| async move {
            let (destination, settled) = see_to_soon(parcel, Way::Look).await;
            let seen = settled.map(|receipt| seen(receipt, &caught)).map_err(|undelivered| undelivered.error);
            (destination, seen)
        });
        join_all(looks).await
    }
}

async fn see_to_soon(parcel: Parcel, way: Way) -> (String, Result<Receipt, Undelivered>) {
    let (destination, folder) = (parcel.destination.clone(), parcel.root.clone());
    let paths: Vec<_> = parcel.files.iter().map(|file| file.path.clone()).collect();
    let work = tokio::task::spawn_blocking(move || see_to(&parcel, way));
    let settled = match tokio::time::timeout(ANSWERS, work).await {
        Ok(Ok(settled)) => settled,
        // It may still be at it.
        Ok(Err(_)) | Err(_) => {
            let uncertain = if way == Way::Deliver { paths } else { Vec::new() };
            Err(Undelivered { error: FolderError::Hangs { folder }.into(), files: Vec::new(), uncertain })
        }
    };
    (destination, settled)
}

/// Why a file was not done with, and whether a copy may lie there all the same.
struct Failed {
    error: FolderError,
    uncertain: bool,
}

impl From<FolderError> for Failed {
    fn from(error: FolderError) -> Self {
        Self { error, uncertain: false }
    }
}

/// Sees to a parcel's files one after the other. Each is tried, and the first error is told.
fn each_file(
    parcel: &Parcel,
    mut see_to: impl FnMut(&super::ParcelFile) -> Result<FileReceipt, Failed>,
) -> Result<Receipt, Undelivered> {
    let mut receipt = Receipt { destination: parcel.destination.clone(), files: Vec::new() };
    let (mut failure, mut uncertain) = (None, Vec::new());
    for file in &parcel.files {
        match see_to(file) {
            Ok(done) => receipt.files.push(done),
            Err(failed) => {
                uncertain.extend(failed.uncertain.then(|| file.path.clone()));
                failure.get_or_insert(failed.error);
            }
        }
    }
    match failure {
        None => Ok(receipt),
        Some(error) => Err(Undelivered { error: error.into(), files: receipt.files, uncertain }),
    }
}

/// The folder's path without what means nothing: a slash at the end would have a link followed.
fn clean_root(root: &str) -> Result<PathBuf, FolderError> {
    let path = Path::new(root);
    let goes_up = path.components().any(|component| component == Component::ParentDir);
    if !path.is_absolute() || goes_up || root.contains('\0') {
        return Err(FolderError::BadRoot { folder: root.to_owned() });
    }
    Ok(path.components().collect())
}

/// The folders on the way to a file, and its name.
fn split(path: &str) -> Result<(Vec<&str>, &str), FolderError> {
    // On Windows, these two lead elsewhere.
    let leads_away = |name: &str| cfg!(windows) && name.contains(['\\', ':']);
    let is_none = |name: &&str| {
        matches!(*name, "" | "." | "..") || name.len() > MAX_NAME || name.contains('\0') || leads_away(name)
    };
    let bad = || FolderError::BadPath { path: path.to_owned() };
    let mut names: Vec<_> = path.split('/').collect();
    if names.iter().any(is_none) {
        return Err(bad());
    }
    let file = names.pop().ok_or_else(bad)?;
    // It would be taken for a leftover.
    if is_temporary(file) { Err(bad()) } else { Ok((names, file)) }
}

/// A name that nobody can guess, so that nobody can put something in its place beforehand.
///
/// # Errors
/// Where the system gives no random numbers.
fn temporary_name() -> std::io::Result<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|why| std::io::Error::other(why.to_string()))?;
    Ok(format!("{TEMPORARY}{:032x}", u128::from_le_bytes(random)))
}

/// Whether it is a name that [`temporary_name`] gives.
fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(TEMPORARY);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// A file's path, for people.
fn shown(root: &str, path: &str) -> String {
    format!("{}/{path}", root.trim_end_matches('/'))
}
