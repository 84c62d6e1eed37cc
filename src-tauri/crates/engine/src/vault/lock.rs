//! The locks between processes: one for each account's credentials, and the keeper's, for whoever does the standing work.
//!
//! They are the operating system's own locks on files in `locks/` of the state folder (flock, LockFileEx), so they end
//! with their process, however it ends. The files stay: a lock on a file that somebody removed would guard nothing.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::account::AccountName;

/// How long to wait for an account's lock. Who holds it waits for one renewal, which has a deadline of its own well below.
pub const LONGEST_ACCOUNT_WAIT: Duration = Duration::from_secs(90);

/// A lock that is held until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is released at once when this is dropped"]
pub struct Lock(#[expect(dead_code, reason = "held, not read: closing the file releases the lock")] File);

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it all the time.
    #[error("Another Tokenferry has been busy with account \"{account}\" for {} s.", .waited.as_secs())]
    Busy {
        /// Whose lock it is.
        account: AccountName,
        /// How long was waited.
        waited: Duration,
    },
    /// The file system said no.
    #[error("Could not lock {}: {source}.", .path.display())]
    Disk {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LockError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "lock_busy",
            Self::Disk { .. } => "lock_disk",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Busy { .. } => "Try again, or end the other Tokenferry if it hangs.".to_owned(),
            Self::Disk { .. } => {
                "Look at the folder's permissions, and that it lies on a local disk: some network file systems have \
                 no locks."
                    .to_owned()
            }
        }
    }
}

/// Takes the lock over an account's credentials, waiting for up to [`LONGEST_ACCOUNT_WAIT`].
pub async fn account(home: &Path, account: &AccountName) -> Result<Lock, LockError> {
    let name = super::file_stem(super::Entry::Account(account));
    match tokio::time::timeout(LONGEST_ACCOUNT_WAIT, acquire(home, &name)).await {
        Ok(lock) => lock,
        Err(_) => Err(LockError::Busy { account: account.clone(), waited: LONGEST_ACCOUNT_WAIT }),
    }
}

/// Waits, for as long as it takes, until this process is the one to do the standing work.
pub async fn keeper(home: &Path) -> Result<Lock, LockError> {
    acquire(home, KEEPER).await
}

/// Takes the keeper's lock, or `None` where another process has it.
pub fn try_keeper(home: &Path) -> Result<Option<Lock>, LockError> {
    let (file, path) = open(home, KEEPER)?;
    attempt(file, &path).map(Result::ok)
}

const KEEPER: &str = "keeper";

fn open(home: &Path, name: &str) -> Result<(File, PathBuf), LockError> {
    let folder = home.join("locks");
    let path = folder.join(format!("{name}.lock"));
    let disk = |source| LockError::Disk { path: path.clone(), source };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&folder).map_err(disk)?;
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(disk)?;
    Ok((file, path))
}

/// The lock, or the file again where somebody else holds it.
fn attempt(file: File, path: &Path) -> Result<Result<Lock, File>, LockError> {
    match file.try_lock() {
        Ok(()) => Ok(Ok(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(Err(file)),
        Err(TryLockError::Error(source)) => Err(LockError::Disk { path: path.to_owned(), source }),
    }
}

/// Waits in a thread of its own, which no runtime waits for at its end. Where the caller has gone away meanwhile, nobody
/// takes the lock out of the channel, and it is released as soon as it is had.
async fn acquire(home: &Path, name: &str) -> Result<Lock, LockError> {
    let (file, path) = open(home, name)?;
    let file = match attempt(file, &path)? {
        Ok(lock) => return Ok(lock),
        Err(file) => file,
    };
    let (give, take) = oneshot::channel();
    let wait = move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        drop(give.send(locked.map(|()| Lock(file))));
    };
    let disk = |source| LockError::Disk { path: path.clone(), source };
    std::thread::Builder::new().name(format!("lock {name}")).spawn(wait).map_err(disk)?;
    let ended = |_| io::Error::other("the waiting thread ended early");
    take.await.map_err(ended).and_then(|locked| locked).map_err(disk)
}
