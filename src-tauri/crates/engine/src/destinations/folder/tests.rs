//! What is delivered, and what is refused: with real folders, links and modes.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::*;
use crate::destinations::{Change, ComposeError, Ids, NextStep, Outcome, OwnerChoice, ParcelFile};
use crate::secret::SecretBytes;

struct Scene {
    // Behind no link, as it would be on macOS.
    folder: PathBuf,
    _temporary: TempDir,
}

impl Scene {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(temporary.path()).unwrap().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder, _temporary: temporary }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        fs::write(self.path(name), content).unwrap();
        set_mode(&self.path(name), mode);
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn carry(&self, path: &str, change: impl Fn(Option<&[u8]>) -> Change + Send + Sync + 'static) -> Outcome {
        let compose = move |there: Option<&[u8]>| Ok(change(there));
        let carried = see_to(&parcel(&self.folder, OwnerChoice::Auto, path, compose), Way::Deliver);
        carried.unwrap().files[0].outcome
    }

    fn refused(&self, path: &str) -> FolderError {
        refused_at(self.folder.to_str().unwrap(), path)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn parcel(
    folder: impl AsRef<Path>,
    owner: OwnerChoice,
    path: &str,
    compose: impl Fn(Option<&[u8]>) -> Result<Change, ComposeError> + Send + Sync + 'static,
) -> Parcel {
    let files = vec![ParcelFile { path: path.to_owned(), mode: 0o600, compose: Box::new(compose) }];
    Parcel { destination: "d".to_owned(), root: folder.as_ref().to_str().unwrap().to_owned(), owner, files }
}

fn write(_: Option<&[u8]>) -> Change {
    Change::Write(SecretBytes::new(b"ours".to_vec()))
}

fn error_of<T: std::fmt::Debug>(carried: Result<T, Undelivered>) -> FolderError {
    let Undelivered { error, files, uncertain } = carried.expect_err("it should not arrive");
    assert_eq!((files, uncertain), (Vec::new(), Vec::new()));
    let DeliveryError::Folder(error) = error else { panic!("{error}") };
    assert!(error.to_string().ends_with('.') && error.fix().ends_with('.'), "{error} {}", error.fix());
    error
}

fn refused_at(folder: &str, path: &str) -> FolderError {
    error_of(see_to(&parcel(folder, OwnerChoice::Auto, path, |there| Ok(write(there))), Way::Deliver))
}

#[test]
fn a_file_is_written_settled_kept_and_taken_away() {
    let scene = Scene::new();
    assert_eq!(scene.carry("file", |_| Change::Keep), Outcome::Absent);
    assert_eq!(scene.carry("file", write), Outcome::Written);
    let inode = || fs::metadata(scene.path("file")).unwrap().ino();
    let written = inode();
    assert_eq!(scene.carry("file", |_| Change::Settle), Outcome::Kept);
    assert_eq!(inode(), written, "as it should be");
    set_mode(&scene.path("file"), 0o644);
    assert_eq!(scene.carry("file", |_| Change::Settle), Outcome::Written);
    assert_eq!(fs::metadata(scene.path("file")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!((scene.read("file").as_str(), scene.names()), ("ours", vec!["file".to_owned()]));
    assert_eq!(scene.carry("file", |_| Change::Remove), Outcome::Removed);
    assert_eq!(scene.carry("file", |_| Change::Remove), Outcome::Absent);
    assert_eq!(scene.names(), Vec::<String>::new());
}

#[test]
fn folders_on_the_way_are_made_for_us_alone() {
    let scene = Scene::new();
    assert_eq!(scene.carry("a/b/file", |_| Change::Remove), Outcome::Absent);
    assert_eq!(scene.names(), Vec::<String>::new(), "nothing is made for nothing");
    let carried = see_to(&parcel(&scene.folder, OwnerChoice::Auto, "a/b/file", |there| Ok(write(there))), Way::Deliver);
    let file = &carried.unwrap().files[0];
    let us = geteuid().as_raw();
    assert_eq!((file.owner.unwrap().uid, file.mode, file.size, file.entries_at_top), (us, Some(0o600), Some(4), 1));
    for folder in ["a", "a/b"] {
        assert_eq!(fs::metadata(scene.path(folder)).unwrap().mode() & 0o7777, 0o700);
    }
    assert_eq!(scene.read("a/b/file"), "ours");
}

#[test]
fn leftovers_go_also_where_a_file_is_kept_and_nothing_goes_at_a_look() {
    let scene = Scene::new();
    let left = temporary_name().unwrap();
    let leave = || scene.write(&left, "half", 0o600);
    for change in [|_: Option<&[u8]>| Change::Keep, |_: Option<&[u8]>| Change::Remove, write] {
        leave();
        let looked = parcel(&scene.folder, OwnerChoice::Auto, "file", |_| Ok(Change::Keep));
        see_to(&looked, Way::Look).unwrap();
        assert!(scene.names().contains(&left), "a look changes nothing");
        scene.carry("file", change);
        assert!(!scene.names().contains(&left));
    }
}

#[test]
fn what_changed_meanwhile_is_composed_from_again() {
    let scene = Scene::new();
    scene.write("file", "0", 0o600);
    let path = scene.path("file");
    let changed = scene.carry("file", move |there| {
        let there = there.unwrap();
        if there == b"0" {
            fs::write(&path, "1").unwrap();
        }
        Change::Write(SecretBytes::new([there, b"+ours"].concat()))
    });
    assert_eq!((changed, scene.read("file").as_str()), (Outcome::Written, "1+ours"));

    let path = scene.path("file");
    let always = parcel(&scene.folder, OwnerChoice::Auto, "file", move |there| {
        fs::write(&path, [there.unwrap(), b"."].concat()).unwrap();
        Ok(write(None))
    });
    let error = error_of(see_to(&always, Way::Deliver));
    assert_eq!((error.code(), error.next()), ("file_keeps_changing", NextStep::TryAgain));
    assert_eq!(scene.read("file"), "1+ours....", "theirs");
    assert_eq!(scene.names(), ["file"]);
}

#[test]
fn links_are_not_followed_and_it_is_said_where_they_lead() {
    let scene = Scene::new();
    let real = scene.path("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, scene.path("link")).unwrap();
    for given in ["link", "link/", "link/.", "link//"] {
        let error = refused_at(scene.path(given).to_str().unwrap(), "file");
        assert_eq!(error.code(), "folder_is_link", "{given}");
        assert_eq!(error.fix(), format!("Give the path {} itself.", real.display()));
    }
    let error = scene.refused("link/file");
    assert_eq!(error.code(), "link_in_the_way");
    assert!(error.to_string().contains(&format!("to \"{}\"", real.display())), "{error}");
    assert_eq!(fs::read_dir(&real).unwrap().count(), 0);

    scene.write("theirs", "theirs", 0o600);
    symlink("theirs", scene.path("file")).unwrap();
    let error = scene.refused("file");
    assert_eq!(error.code(), "file_is_link");
    assert!(error.to_string().contains(&format!("to \"{}\"", scene.path("theirs").display())), "{error}");
    let taken = parcel(&scene.folder, OwnerChoice::Auto, "file", |_| Ok(Change::Remove));
    assert_eq!(error_of(see_to(&taken, Way::Deliver)).code(), "file_is_link");
    assert_eq!(scene.read("theirs"), "theirs");
    symlink("nowhere", scene.path("dangling")).unwrap();
    assert_eq!(scene.refused("dangling").code(), "file_is_link");
    // The way to the folder is the user's own.
    assert_eq!(scene.carry("real/inner/file", write), Outcome::Written);
    let through = parcel(scene.path("link/inner"), OwnerChoice::Auto, "file", |there| Ok(write(there)));
    see_to(&through, Way::Deliver).unwrap();
}

#[test]
fn what_is_no_folder_and_no_file_is_left_alone() {
    let scene = Scene::new();
    scene.write("file", "theirs", 0o600);
    fs::create_dir(scene.path("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scene.path("socket")).unwrap();
    let given = |name: &str| refused_at(scene.path(name).to_str().unwrap(), "x");
    assert_eq!(given("file").code(), "not_a_folder");
    assert_eq!(given("file/below").code(), "folder_missing");
    let missing = given("none");
    assert_eq!((missing.code(), missing.next()), ("folder_missing", NextStep::AskUser));
    assert!(missing.fix().contains(&format!("mkdir -p -m 700 {}", scene.path("none").display())));
    assert_eq!(scene.refused("file/x").code(), "file_in_the_way");
    assert_eq!(scene.refused("folder").code(), "folder_in_place");
    assert_eq!(scene.refused("socket").code(), "no_file_in_place");
    assert_eq!(scene.names(), ["file", "folder", "socket"]);
    assert_eq!(scene.read("file"), "theirs");
}

#[test]
fn paths_stay_within_the_folder() {
    let scene = Scene::new();
    let temporary = temporary_name().unwrap();
    for bad in ["", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0b", &temporary] {
        assert_eq!(scene.refused(bad).code(), "bad_path", "{bad:?}");
    }
    for bad in ["", "folder", "./folder", "~/folder", "/tmp/../etc", "/a\0b"] {
        assert_eq!(refused_at(bad, "file").code(), "folder_path_bad", "{bad:?}");
    }
    assert_eq!(scene.refused(&"n".repeat(256)).code(), "bad_path");
    assert_eq!(scene.names(), Vec::<String>::new());
}

#[test]
fn folders_that_anybody_can_write_to_are_refused_but_looked_at_and_emptied() {
    let scene = Scene::new();
    scene.write("file", "ours", 0o600);
    for (mode, advice) in [(0o777, "chmod o-w"), (0o1777, "mkdir -m 700"), (0o702, "chmod o-w")] {
        set_mode(&scene.folder, mode);
        let error = scene.refused("file");
        assert_eq!(error.code(), "folder_open_to_all");
        assert!(error.fix().contains(advice), "{}", error.fix());
        let settle = parcel(&scene.folder, OwnerChoice::Auto, "file", |_| Ok(Change::Settle));
        assert_eq!(error_of(see_to(&settle, Way::Deliver)).code(), "folder_open_to_all");
    }
    assert_eq!(scene.carry("file", |_| Change::Keep), Outcome::Kept);
    assert_eq!(scene.carry("file", |_| Change::Remove), Outcome::Removed);
    set_mode(&scene.folder, 0o770);
    assert_eq!(scene.carry("file", write), Outcome::Written, "a group is the user's own choice");

    fs::create_dir(scene.path("within")).unwrap();
    set_mode(&scene.path("within"), 0o777);
    assert_eq!(scene.refused("within/file").code(), "folder_open_to_all");
    assert_eq!(scene.refused("within/new/file").code(), "folder_open_to_all");
    assert_eq!(fs::read_dir(scene.path("within")).unwrap().count(), 0);
}

#[test]
fn as_root_the_file_is_whose_it_was_or_whose_it_shall_be() {
    if !geteuid().is_root() {
        eprintln!("SKIPPED: owners can only be given by root");
        return;
    }
    let scene = Scene::new();
    let ids = |id| Ids { uid: id, gid: id };
    let carry = |owner| {
        let carried = see_to(&parcel(&scene.folder, owner, "a/file", |there| Ok(write(there))), Way::Deliver);
        carried.map(|receipt| receipt.files[0].owner.unwrap())
    };
    assert_eq!(carry(OwnerChoice::Ids(ids(1000))).unwrap(), ids(1000));
    assert_eq!(fs::metadata(scene.path("a")).unwrap().uid(), 1000, "so that they can reach it");
    let error = error_of(carry(OwnerChoice::Auto));
    assert_eq!(error.code(), "folder_of_another");
    assert!(error.fix().contains("--owner 1000:1000"), "{}", error.fix());

    chown(scene.path("a"), Some(0), Some(0)).unwrap();
    assert_eq!(carry(OwnerChoice::Auto).unwrap(), ids(1000), "whose it was");
    assert_eq!(carry(OwnerChoice::Ids(ids(1001))).unwrap(), ids(1001));
    chown(scene.path("a"), Some(0), Some(50)).unwrap();
    set_mode(&scene.path("a"), 0o770);
    assert_eq!(carry(OwnerChoice::Auto).unwrap().uid, 0, "anybody of the group may have put it there");
}

#[test]
fn what_is_too_large_or_not_understood_is_left_alone() {
    let scene = Scene::new();
    let large = fs::File::create(scene.path("large")).unwrap();
    large.set_len(MAX_CONTENT as u64 + 1).unwrap();
    assert_eq!(scene.refused("large").code(), "file_too_large");
    let compose = |_: Option<&[u8]>| Ok(Change::Write(SecretBytes::new(vec![b'x'; MAX_CONTENT + 1])));
    let error = error_of(see_to(&parcel(&scene.folder, OwnerChoice::Auto, "new", compose), Way::Deliver));
    assert_eq!(error.code(), "file_too_large");
    for (reason, code) in [
        (ComposeError::NotUnderstood("it is no JSON".to_owned()), "file_not_understood"),
        (ComposeError::Foreign, "foreign"),
    ] {
        let compose = move |_: Option<&[u8]>| Err(reason.clone());
        let error = error_of(see_to(&parcel(&scene.folder, OwnerChoice::Auto, "file", compose), Way::Deliver));
        assert_eq!((error.code(), error.is_without_copy()), (code, true));
    }
    assert_eq!(scene.names(), ["large"]);
}

#[test]
fn one_file_that_is_refused_holds_up_no_other() {
    let scene = Scene::new();
    fs::create_dir(scene.path("folder")).unwrap();
    let mut parcel = parcel(&scene.folder, OwnerChoice::Auto, "folder", |there| Ok(write(there)));
    let compose = Box::new(|there: Option<&[u8]>| Ok(write(there)));
    parcel.files.push(ParcelFile { path: "file".to_owned(), mode: 0o600, compose });
    let undelivered = see_to(&parcel, Way::Deliver).unwrap_err();
    assert_eq!(undelivered.error.code(), "folder_in_place");
    assert_eq!(undelivered.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["file"]);
    assert_eq!(scene.read("file"), "ours");
}

#[tokio::test]
async fn a_look_sees_files_links_and_that_there_is_nothing() {
    let scene = Scene::new();
    scene.write("file", "content", 0o640);
    symlink("file", scene.path("link")).unwrap();
    let paths = ["file", "link", "none", "no/file"].map(ToOwned::to_owned).to_vec();
    let root = scene.folder.to_str().unwrap().to_owned();
    let glance = |root: String| Glance { destination: root.clone(), root, paths: paths.clone() };
    let missing = format!("{root}/missing");
    let mut looked = Folders.look(vec![glance(root.clone()), glance(missing.clone())]).await.into_iter();
    let (destination, seen) = looked.next().unwrap();
    let seen = seen.unwrap();
    assert_eq!(destination, root);
    let content = |number: usize| seen[number].file.as_ref().map(|file| file.content.as_ref().map(SecretBytes::expose));
    assert_eq!(content(0), Some(Some(&b"content"[..])));
    assert_eq!(seen[0].file.as_ref().unwrap().mode, 0o640);
    assert_eq!((content(1), content(2), content(3)), (Some(None), None, None));
    let (destination, seen) = looked.next().unwrap();
    assert_eq!((destination, seen.unwrap_err().code()), (missing, "folder_missing"));
}
