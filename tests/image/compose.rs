//! What docker-compose is told, in a folder with the files of `setup/server`.

use std::fs;
use std::path::{Path, PathBuf};

use bed::{Home, Tokenferry};
use serde_json::Value;

use crate::made::file;

/// A project of compose.
pub(crate) struct Project {
    folder: PathBuf,
    files: [PathBuf; 2],
}

impl Project {
    /// One by this file, and by what is different here.
    pub(crate) fn new(home: &Home, name: &str, here: &Value) -> Self {
        let folder = home.path().join("server");
        fs::create_dir(&folder).expect("the home takes a folder");
        let files = [name, "here.yaml"].map(|name| folder.join(name));
        fs::write(&files[0], file(name)).expect("the home takes a file");
        fs::write(&files[1], here.to_string()).expect("the home takes a file");
        Self { folder, files }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tells compose something.
    pub(crate) fn tell(&self, home: &Home, words: &[&str]) -> Tokenferry {
        let compose = home.program("docker-compose", ["--project-name", "server", "--project-directory"]);
        let compose = compose.arg(&self.folder);
        let compose = self.files.iter().fold(compose, |compose, file| compose.arg("--file").arg(file));
        // By the engine itself: builders of newer docker commands bring an image of their own.
        compose.args(words).set("COMPOSE_DOCKER_CLI_BUILD", "0")
    }

    /// A command in the container of Tokenferry.
    pub(crate) fn tokenferry(&self, home: &Home, words: &[&str]) -> Tokenferry {
        self.tell(home, &["exec", "-T", "tokenferry", "tokenferry"]).args(words)
    }
}
