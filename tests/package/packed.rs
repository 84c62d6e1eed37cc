//! The packages, made of the programs that the other tests use, without what is in them for debuggers.

use std::path::{Path, PathBuf};
use std::process::Command;

use bed::programs::built;
use tempfile::TempDir;

/// The workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A folder with programs to pack, and one for the packages.
pub(crate) struct Packed {
    folder: TempDir,
}

impl Packed {
    pub(crate) fn new() -> Self {
        // On the disk, where a copy of the system sees nothing of it unless it is given.
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        for name in ["tokenferry", "tokenferry-desktop"] {
            let done = Command::new("strip").arg("-o").arg(programs.join(name)).arg(built(name)).status().unwrap();
            assert!(done.success(), "{name} could not be stripped");
        }
        std::fs::create_dir(folder.path().join("packages")).unwrap();
        Self { folder }
    }

    /// Where the packages are.
    pub(crate) fn packages(&self) -> PathBuf {
        self.folder.path().join("packages")
    }

    /// Makes one of this version, and says where it is.
    pub(crate) fn make(&self, kind: &str, version: &str, into: &str) -> PathBuf {
        let done = Command::new(workspace().join("setup/package"))
            .arg(kind)
            .arg(self.folder.path().join("programs"))
            .arg(self.packages().join(into))
            .envs([("PACKAGE_VERSION", version), ("PACKAGE_QUICKLY", "yes")])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        PathBuf::from(String::from_utf8(done.stdout).unwrap().trim())
    }
}
