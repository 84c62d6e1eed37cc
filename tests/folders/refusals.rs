//! Folders that can't be delivered into, where it takes a file system or another user to show it. Skipped aloud where we
//! are not root or the system has no such file system.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::destinations::{Ids, NextStep, OwnerChoice};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::parcels::{FILE, carry, child as program, names, on_disk, writing};

/// Tells this test program to deliver into a folder as the user that it is: an owner and the folder.
const STEP: &str = "TOKENFERRY_TEST_USER";
/// Nobody, wherever there is one.
const NOBODY: u32 = 65534;

/// Something mounted, until it is dropped.
struct Mount {
    path: PathBuf,
    _folder: TempDir,
}

impl Mount {
    /// In a folder of its own; none where the system can't.
    fn new(arguments: &[&str]) -> Option<Self> {
        let folder = on_disk();
        Self::at(folder.path().join("mount"), folder, arguments)
    }

    fn at(path: PathBuf, folder: TempDir, arguments: &[&str]) -> Option<Self> {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: mounting {arguments:?} takes root");
            return None;
        }
        if !path.exists() {
            fs::create_dir(&path).unwrap();
        }
        let mounted = Command::new("mount").args(arguments).arg(&path).output().expect("mount should run");
        if !mounted.status.success() {
            eprintln!("SKIPPED: {}", String::from_utf8_lossy(&mounted.stderr).trim());
            return None;
        }
        Some(Self { path, _folder: folder })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

/// The code of a refusal, which is printed.
async fn refused(folder: &Path, content: &[u8]) -> &'static str {
    let undelivered = carry(writing(folder, content)).await.expect_err("it should not arrive");
    assert!(undelivered.uncertain.is_empty());
    eprintln!("{} {}", undelivered.error, undelivered.error.fix());
    undelivered.error.code()
}

#[tokio::test]
async fn a_full_folder_keeps_the_old_file() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]) else { return };
    carry(writing(&mount.path, b"old")).await.unwrap();
    assert_eq!(refused(&mount.path, &[b'x'; 200_000]).await, "folder_full");
    assert_eq!(fs::read(mount.path.join(FILE)).unwrap(), b"old");
    assert_eq!(names(&mount.path), [FILE]);
    carry(writing(&mount.path, b"new")).await.unwrap();
}

#[tokio::test]
async fn a_read_only_folder_is_told() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "ro,mode=700", "tmpfs"]) else { return };
    assert_eq!(refused(&mount.path, b"x").await, "folder_read_only");
}

#[tokio::test]
async fn a_file_that_is_mounted_by_itself_can_t_be_replaced() {
    let folder = on_disk();
    let (theirs, target) = (folder.path().join("theirs"), folder.path().join(FILE));
    fs::write(&theirs, "theirs").unwrap();
    fs::write(&target, "").unwrap();
    let path = folder.path().to_owned();
    let Some(_mount) = Mount::at(target, folder, &["--bind", theirs.to_str().unwrap()]) else { return };
    assert_eq!(refused(&path, b"x").await, "folder_without_rename");
    assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
    assert_eq!(names(&path), ["theirs", FILE]);
}

#[tokio::test]
async fn a_file_system_without_permissions_is_refused() {
    let disk = on_disk();
    let image = disk.path().join("image");
    fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
    let made = Command::new("mkfs.vfat").arg(&image).output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("SKIPPED: there is no mkfs.vfat");
        return;
    }
    for options in ["loop,umask=022", "loop,umask=022,quiet", "loop,umask=022,uid=1000"] {
        let Some(mount) = Mount::new(&["-t", "vfat", "-o", options, image.to_str().unwrap()]) else { return };
        let expected = if options.contains("uid") { "folder_of_another" } else { "folder_without_rights" };
        assert_eq!(refused(&mount.path, b"x").await, expected, "{options}");
        assert_eq!(names(&mount.path), Vec::<String>::new());
    }
}

/// What came of a delivery by nobody, as whom no test runs.
fn as_nobody(folder: &Path, owner: &str) -> Option<String> {
    if !geteuid().is_root() {
        eprintln!("SKIPPED: being another user takes root");
        return None;
    }
    // The folder lies below one that is ours alone.
    fs::set_permissions(folder.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = program("refusals::child", STEP, &format!("{owner} {}", folder.display()));
    let mut child = child.uid(NOBODY).gid(NOBODY).spawn().expect("the test program should be open to all");
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    let code = said.lines().find_map(|line| line.strip_prefix("code ")).expect("a code");
    Some(code.to_owned())
}

#[test]
fn a_user_delivers_into_their_own_folders_and_gives_no_file_away() {
    let above = on_disk();
    let folder = above.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let Some(in_root_s) = as_nobody(&folder, "auto") else { return };
    assert_eq!(in_root_s, "folder_forbids");
    chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    assert_eq!(as_nobody(&folder, "auto").unwrap(), "delivered");
    assert_eq!(as_nobody(&folder, "65534:65534").unwrap(), "delivered");
    assert_eq!(as_nobody(&folder, "1000:1000").unwrap(), "folder_forbids");
    assert_eq!(fs::read(folder.join(FILE)).unwrap(), b"by nobody");
    chown(folder.join(FILE), Some(0), Some(0)).unwrap();
    assert_eq!(as_nobody(&folder, "auto").unwrap(), "folder_forbids", "it can't be read");
    fs::set_permissions(folder.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(as_nobody(&folder, "auto").unwrap(), "delivered");
    chown(&folder, Some(1000), Some(NOBODY)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o775)).unwrap();
    assert_eq!(as_nobody(&folder, "auto").unwrap(), "folder_of_another");
    assert_eq!(names(&folder), [FILE]);
}

#[tokio::test]
async fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let (owner, folder) = step.split_once(' ').unwrap();
    let owner: OwnerChoice = owner.parse().unwrap();
    let bringing = writing(Path::new(folder), b"by nobody");
    let carried = carry(engine::destinations::Parcel { owner, ..bringing }).await;
    println!("\ncode {}", carried.map_or_else(|undelivered| undelivered.error.code(), |_| "delivered"));
}

#[tokio::test]
async fn an_owner_that_can_t_be_given_is_for_a_person_to_mend() {
    if geteuid().is_root() {
        // As root, see above.
        return;
    }
    let folder = on_disk();
    let owner = OwnerChoice::Ids(Ids { uid: 0, gid: 0 });
    let bringing = writing(folder.path(), b"x");
    let undelivered = carry(engine::destinations::Parcel { owner, ..bringing }).await.unwrap_err();
    assert_eq!((undelivered.error.code(), undelivered.error.next()), ("folder_forbids", NextStep::AskUser));
}
