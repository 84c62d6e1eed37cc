//! A place of each kind, as a test has it: how it is named on the command line, and what lies in it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use bed::{TestEngine, Volume};
use tempfile::TempDir;

/// A place that is gone when this is dropped.
#[derive(Debug)]
pub(crate) enum Place {
    Volume(Volume),
    Directory(TempDir),
}

/// The content and the permission bits of each file, by its path.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, u32)>;

impl Place {
    /// One of each kind, empty.
    pub(crate) async fn all(engine: &TestEngine) -> Vec<Self> {
        vec![Self::Volume(engine.volume().await), Self::Directory(tempfile::tempdir().unwrap())]
    }

    /// As `destination add` takes it.
    pub(crate) fn arguments(&self) -> [String; 2] {
        match self {
            Self::Volume(volume) => ["--volume".to_owned(), volume.name().to_owned()],
            Self::Directory(folder) => ["--directory".to_owned(), folder.path().to_str().unwrap().to_owned()],
        }
    }

    /// All that lies in it.
    pub(crate) async fn files(&self) -> Files {
        match self {
            Self::Volume(volume) => {
                let all = volume.all().await.into_iter();
                all.filter(|(_, found)| found.is_file())
                    .map(|(path, found)| {
                        let (.., mode) = found.rights();
                        (path.to_str().unwrap().to_owned(), (found.contents().to_vec(), mode))
                    })
                    .collect()
            }
            Self::Directory(folder) => {
                let mut files = Files::new();
                let mut folders = vec![folder.path().to_owned()];
                while let Some(next) = folders.pop() {
                    for entry in std::fs::read_dir(next).unwrap() {
                        let path = entry.unwrap().path();
                        if path.is_dir() {
                            folders.push(path);
                            continue;
                        }
                        let name = path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
                        let mode = path.symlink_metadata().unwrap().mode() & 0o777;
                        files.insert(name, (std::fs::read(&path).unwrap(), mode));
                    }
                }
                files
            }
        }
    }
}
