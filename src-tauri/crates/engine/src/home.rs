//! Where this installation keeps its state: one folder by `TOKENFERRY_HOME`, otherwise the platform's folders.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::unfinished;

/// The folders and files of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    state: PathBuf,
    settings: PathBuf,
    own: bool,
}

/// No folder can be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The system names none.
    #[error("The system names no folder for Tokenferry's files. Set TOKENFERRY_HOME to a folder of your own.")]
    Unknown,
    /// It can't be made or used.
    #[error("The folder {0} can't be used: {1}. Mend that, or set TOKENFERRY_HOME to another folder.")]
    Unusable(PathBuf, #[source] io::Error),
}

impl Home {
    /// All state in one folder where `TOKENFERRY_HOME` names it, otherwise the platform's folders. Nothing is made yet.
    ///
    /// # Errors
    /// [`HomeError::Unknown`] where the system names none.
    pub fn named_by(tokenferry_home: Option<OsString>) -> Result<Self, HomeError> {
        match tokenferry_home.filter(|value| !value.is_empty()) {
            Some(folder) => {
                Ok(Self::at(std::path::absolute(&folder).map_err(|why| HomeError::Unusable(folder.into(), why))?))
            }
            None => {
                let dirs = ProjectDirs::from("", "", "tokenferry").ok_or(HomeError::Unknown)?;
                let settings = dirs.config_dir().join("config.toml");
                Ok(Self { state: dirs.data_local_dir().to_owned(), settings, own: false })
            }
        }
    }

    /// All state in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let state = folder.into();
        Self { settings: state.join("config.toml"), state, own: true }
    }

    /// Makes the folders, readable by their owner alone, and clears away what killed processes left in them.
    ///
    /// # Errors
    /// [`HomeError::Unusable`]
    pub fn make(&self) -> Result<(), HomeError> {
        for folder in [Some(self.state.as_path()), self.settings.parent()].into_iter().flatten() {
            make_private(folder)
                .and_then(|()| unfinished::sweep(folder))
                .map_err(|why| HomeError::Unusable(folder.to_owned(), why))?;
        }
        Ok(())
    }

    /// The folder of all state but the settings.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The file of settings.
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.db")
    }

    /// What the keychain calls this installation.
    pub fn keychain_service(&self) -> String {
        let default = if self.own { Path::new("") } else { &self.state };
        crate::vault::keychain_service(&self.state, default)
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}
