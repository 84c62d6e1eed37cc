//! Searches the files of a folder for secrets in plain text.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What was searched, and where a secret was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) files: usize,
    pub(super) found: Vec<PathBuf>,
}

impl Search {
    /// Searches every file below a folder. Links are not followed.
    pub(super) fn below(folder: &Path, secrets: &[&str]) -> io::Result<Self> {
        let mut search = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                match entry.file_type()? {
                    kind if kind.is_dir() => folders.push(entry.path()),
                    kind if kind.is_file() => search.look_into(entry.path(), secrets)?,
                    _ => {}
                }
            }
        }
        Ok(search)
    }

    fn look_into(&mut self, path: PathBuf, secrets: &[&str]) -> io::Result<()> {
        let content = fs::read(&path)?;
        self.files += 1;
        if secrets.iter().any(|secret| content.windows(secret.len()).any(|part| part == secret.as_bytes())) {
            self.found.push(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/log"), "token=canary!").unwrap();
        fs::write(folder.path().join("other"), "canar").unwrap();
        let search = Search::below(folder.path(), &["nothing", "canary"]).unwrap();
        assert_eq!(search.files, 2);
        assert_eq!(search.found, [folder.path().join("deep/log")]);
    }
}
