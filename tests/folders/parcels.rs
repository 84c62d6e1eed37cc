//! Short words for parcels, a folder of a test's own, and contents that tell whether they are whole.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::destinations::folder::Folders;
use engine::destinations::{Change, OwnerChoice, Parcel, ParcelFile, Receipt, Undelivered};
use engine::secret::SecretBytes;
use tempfile::TempDir;

/// The file that is delivered.
pub(crate) const FILE: &str = "token.json";

/// A folder that is removed with the test, on the disk of the temporary folders.
pub(crate) fn on_disk() -> TempDir {
    own(&std::env::temp_dir())
}

/// The same in memory, where there is such a place, as a disk may need milliseconds for each file.
pub(crate) fn in_memory() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    own(&if memory.is_dir() { memory } else { std::env::temp_dir() })
}

fn own(within: &Path) -> TempDir {
    // Behind no link, as it would be on macOS.
    let within = fs::canonicalize(within).unwrap();
    let folder = tempfile::Builder::new().prefix("tokenferry-folders-").tempdir_in(within).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What is published in a round: of another length each time, so that a mixture of two shows.
pub(crate) fn content(round: usize, length: usize) -> Vec<u8> {
    format!("{{\"round\":{round},\"padding\":\"{}\"}}", "x".repeat(length + round % 1000)).into_bytes()
}

/// The round of a content that is whole.
pub(crate) fn round_of(found: &[u8], length: usize) -> Option<usize> {
    let text = std::str::from_utf8(found).ok()?.strip_prefix("{\"round\":")?;
    let round = text.split(',').next()?.parse().ok()?;
    (content(round, length) == found).then_some(round)
}

pub(crate) fn parcel(
    folder: &Path,
    owner: OwnerChoice,
    compose: impl Fn(Option<&[u8]>) -> Change + Send + Sync + 'static,
) -> Parcel {
    let compose = Box::new(move |there: Option<&[u8]>| Ok(compose(there)));
    let root = folder.to_str().unwrap().to_owned();
    let files = vec![ParcelFile { path: FILE.to_owned(), mode: 0o600, compose }];
    Parcel { destination: root.clone(), root, owner, files }
}

/// A parcel that brings these bytes.
pub(crate) fn writing(folder: &Path, bytes: &[u8]) -> Parcel {
    let bytes = bytes.to_vec();
    parcel(folder, OwnerChoice::Auto, move |_| Change::Write(SecretBytes::new(bytes.clone())))
}

/// Carries one parcel.
pub(crate) async fn carry(parcel: Parcel) -> Result<Receipt, Undelivered> {
    Folders.carry(vec![parcel]).await.remove(0).1
}

/// This test program once more, to run one function of it with a word about what to do.
pub(crate) fn child(function: &str, name: &str, word: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", function, "--nocapture"]).env(name, word).stdout(Stdio::piped());
    child
}
