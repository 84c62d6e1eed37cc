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

/// How long to wait for an account's lock. Who holds it asks the provider, for 30 s at the most, and stores the answer. A
/// keychain that refuses to store can hold it for longer: whoever waits is then told that it is busy.
pub const LONGEST_ACCOUNT_WAIT: Duration = Duration::from_secs(90);

/// How long to wait for an engine's lock. Who holds it waits for one delivery, whose calls have deadlines of their own.
pub const LONGEST_ENGINE_WAIT: Duration = Duration::from_secs(120);

/// How long to wait for the vault's trial. Who holds it may wait for a person to unlock the keychain.
const LONGEST_TRIAL_WAIT: Duration = Duration::from_secs(90);

/// A lock that is held until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is released at once when this is dropped"]
pub struct Lock(#[expect(dead_code, reason = "held, not read: closing the file releases the lock")] File);

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it all the time.
    #[error("Another Tokenferry has been busy with {with} for {} s.", .waited.as_secs())]
    Busy {
        /// What the lock guards.
        with: String,
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
    within(LONGEST_ACCOUNT_WAIT, format!("account \"{account}\""), acquire(home, &name)).await
}

/// Takes the lock over deliveries to an engine, waiting for up to [`LONGEST_ENGINE_WAIT`].
pub async fn engine(home: &Path, engine: &str) -> Result<Lock, LockError> {
    within(LONGEST_ENGINE_WAIT, format!("deliveries to {engine}"), acquire(home, &engine_name(engine))).await
}

fn engine_name(engine: &str) -> String {
    format!("engine-{}", super::short_hash(engine.as_bytes()))
}

/// Takes the lock over the file of settings; whoever holds it only writes a small file.
pub async fn settings(home: &Path) -> Result<Lock, LockError> {
    acquire(home, "settings").await
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

/// Whether some process does the standing work now. Looking takes nothing away from who wants the keeper's lock, and two
/// who look at once don't take each other for a keeper.
pub fn is_kept(home: &Path) -> Result<bool, LockError> {
    is_held(home, KEEPER)
}

fn is_held(home: &Path, name: &str) -> Result<bool, LockError> {
    let (file, path) = open(home, name)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(LockError::Disk { path, source }),
    }
}

/// Whether some process delivers to this engine now.
pub fn is_engine_busy(home: &Path, engine: &str) -> Result<bool, LockError> {
    is_held(home, &engine_name(engine))
}

/// Whether some process changes this account's credentials now.
pub fn is_account_busy(home: &Path, account: &AccountName) -> Result<bool, LockError> {
    is_held(home, &super::file_stem(super::Entry::Account(account)))
}

/// Takes the lock over the vault's trial, waiting for up to [`LONGEST_TRIAL_WAIT`].
pub(super) async fn trial(home: &Path) -> Result<Lock, LockError> {
    within(LONGEST_TRIAL_WAIT, "the trial of the vault".to_owned(), acquire(home, "vault-trial")).await
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

async fn within(
    longest: Duration,
    with: String,
    lock: impl Future<Output = Result<Lock, LockError>>,
) -> Result<Lock, LockError> {
    tokio::time::timeout(longest, lock).await.unwrap_or(Err(LockError::Busy { with, waited: longest }))
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Long enough for a thread to take a free lock, on a busy machine.
    const SOON: Duration = Duration::from_secs(10);
    /// Long enough to be sure that somebody waits.
    const A_WHILE: Duration = Duration::from_millis(200);
    /// Tells this test program's child which home to lock.
    const HOME: &str = "TOKENFERRY_TEST_LOCKED_HOME";

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(SOON, future).await.expect("it should not have to wait")
    }

    #[tokio::test]
    async fn one_at_a_time_and_each_account_by_itself() {
        let home = tempfile::tempdir().unwrap();
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let first = account(home.path(), &ada).await.unwrap();
        let _other = soon(account(home.path(), &bob)).await.unwrap();
        let mut second = Box::pin(account(home.path(), &ada));
        assert!(tokio::time::timeout(A_WHILE, &mut second).await.is_err(), "two have the same lock");
        drop(first);
        let _second = soon(second).await.unwrap();
    }

    #[tokio::test]
    async fn who_has_gone_away_takes_no_lock() {
        let home = tempfile::tempdir().unwrap();
        let held = keeper(home.path()).await.unwrap();
        for _ in 0..5 {
            assert!(tokio::time::timeout(A_WHILE / 5, keeper(home.path())).await.is_err());
        }
        drop(held);
        let _lock = soon(keeper(home.path())).await.unwrap();
    }

    #[tokio::test]
    async fn looking_is_not_keeping() {
        let home = tempfile::tempdir().unwrap();
        let (looker, _) = open(home.path(), KEEPER).unwrap();
        looker.try_lock_shared().unwrap();
        assert!(!is_kept(home.path()).unwrap(), "who looks was taken for a keeper");
        drop(looker);
        let held = keeper(home.path()).await.unwrap();
        assert!(is_kept(home.path()).unwrap());
        drop(held);
        assert!(!is_kept(home.path()).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_an_account_ends() {
        let home = tempfile::tempdir().unwrap();
        let name = AccountName::default();
        let _held = account(home.path(), &name).await.unwrap();
        let error = account(home.path(), &name).await.unwrap_err();
        assert_eq!(error.code(), "lock_busy");
        assert_eq!(error.to_string(), "Another Tokenferry has been busy with account \"default\" for 90 s.");
    }

    #[tokio::test]
    async fn a_killed_process_holds_nothing() {
        let home = tempfile::tempdir().unwrap();
        let mut child = holder(home.path());
        assert!(try_keeper(home.path()).unwrap().is_none(), "the child has the lock");
        let waiting = tokio::spawn({
            let home = home.path().to_owned();
            async move { keeper(&home).await }
        });
        tokio::time::sleep(A_WHILE).await;
        assert!(!waiting.is_finished());
        child.kill().unwrap();
        let _lock = soon(waiting).await.unwrap().unwrap();
        child.wait().unwrap();
        assert!(try_keeper(home.path()).unwrap().is_none());
    }

    /// This test program once more, as a process that holds the keeper's lock until it is killed.
    fn holder(home: &Path) -> Child {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "vault::lock::tests::hold", "--nocapture"])
            .env(HOME, home)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("held")), "the child could not take the lock");
        child
    }

    #[test]
    fn hold() {
        let Some(home) = std::env::var_os(HOME) else { return };
        let _lock = try_keeper(Path::new(&home)).unwrap().unwrap();
        println!("held");
        // Long enough for any test; a parent that dies before does not leave it behind for ever.
        std::thread::sleep(Duration::from_secs(60));
    }
}
