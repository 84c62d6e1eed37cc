//! Packages of the Python Package Index that tests try: fetched once, each of the version that the test names, and kept in
//! an environment of their own below the target folder. See [`crate::npm`] for its sibling.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{process::Command, time::timeout};

use crate::fetched;

/// For 300 MB over a slow line; `make test` has other things to do meanwhile.
const FETCH: Duration = Duration::from_secs(600);
/// Says that an environment is whole: its programs know where they lie, so it can't be made elsewhere and moved.
const WHOLE: &str = "whole";

/// Packages that are used together.
#[derive(Debug, Clone, Copy)]
pub struct Packages {
    /// What is not tested without them: `THE REAL LITELLM`.
    pub what: &'static str,
    /// Their names and versions, as `pip install --requirement` takes them. All that is needed has to be among them.
    pub requirements: &'static str,
    /// Those of which there are several versions, such as `litellm==1.106.2`. See [`Python::apart`].
    pub apart: &'static [&'static str],
}

/// An environment with packages in it.
#[derive(Debug, Clone)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// The folder of its programs; `python` is one of them.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// The folder of a package that was put apart: for `PYTHONPATH`. Its programs are in `bin` there.
    #[must_use]
    pub fn apart(&self, package: &str) -> PathBuf {
        self.folder.join("apart").join(package)
    }

    /// Itself, and what of the system's Python it stands on, for who looks at this from another place.
    ///
    /// # Panics
    /// Where its Python doesn't run.
    #[must_use]
    pub fn stands_on(&self) -> Vec<PathBuf> {
        let asked = std::process::Command::new(self.programs().join("python"))
            .args(["-c", "import sys; print(sys.base_prefix)"])
            .output()
            .expect("it was made a moment ago");
        let base = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
        vec![self.folder.clone(), base]
    }
}

impl Packages {
    /// All of them, in Cargo's own folder for what tests leave; none, said loudly, where they can't be had.
    ///
    /// # Panics
    /// Where that folder can't be used.
    pub async fn installed(&self, kept: &Path) -> Option<Python> {
        let version = self.apart.join(", ");
        fetched::once(self.what, &version, kept, self.had(kept)).await
    }

    async fn had(&self, kept: &Path) -> Result<Python, String> {
        let mut digest = Sha256::new_with_prefix(self.requirements);
        digest.update(self.apart.join("\n"));
        let tag: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let python = Python { folder: kept.join(format!("python-{tag}")) };
        // The Python that it was made from may have gone.
        if python.folder.join(WHOLE).exists() && python.programs().join("python").exists() {
            return Ok(python);
        }
        let _ = fs::remove_dir_all(&python.folder);
        // It would lie there half made for ever.
        let made = timeout(FETCH, self.make(&python)).await.unwrap_or_else(|_| Err(format!("it took {FETCH:?}")));
        made.inspect_err(|_| drop(fs::remove_dir_all(&python.folder)))?;
        fs::write(python.folder.join(WHOLE), []).expect("the folder should take a note");
        Ok(python)
    }

    async fn make(&self, python: &Python) -> Result<(), String> {
        let mut venv = Command::new("python3");
        carried_out(venv.args(["-m", "venv"]).arg(&python.folder)).await?;
        let requirements = python.folder.join("requirements.txt");
        fs::write(&requirements, self.requirements).map_err(|why| why.to_string())?;
        carried_out(pip(python).arg("--requirement").arg(&requirements)).await?;
        for package in self.apart {
            carried_out(pip(python).arg("--target").arg(python.apart(package)).arg(package)).await?;
        }
        Ok(())
    }
}

/// Installs just what it is told, without running anybody's build. It looks where the person's own settings say.
fn pip(python: &Python) -> Command {
    let mut pip = Command::new(python.programs().join("pip"));
    // What is imported is compiled then, and the greater part never is.
    let options = ["--quiet", "--no-deps", "--only-binary=:all:", "--no-compile"];
    // There may be no way to a registry, which shall be found out soon.
    let patience = ["--no-input", "--disable-pip-version-check", "--timeout=10", "--retries=1"];
    pip.arg("install").args(options).args(patience);
    pip
}

async fn carried_out(command: &mut Command) -> Result<(), String> {
    let name = Path::new(command.as_std().get_program()).file_name().unwrap_or_else(|| OsStr::new("it")).to_owned();
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let done = done.map_err(|why| format!("{}: {why}", name.display()))?;
    if done.status.success() {
        return Ok(());
    }
    // `venv` says on standard output what it lacks.
    let said = [done.stderr, done.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let complaint = said.lines().filter(|line| !line.trim().is_empty()).find(|line| line.contains("ERROR"));
    let complaint = complaint.or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
    Err(format!("{} says: {}", name.display(), complaint.unwrap_or_default().trim()))
}
