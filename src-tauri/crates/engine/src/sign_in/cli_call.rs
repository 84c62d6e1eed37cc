//! The official CLI's own sign-in, as this program has it made: which program, with what, in a folder of its own.
//!
//! That program with those arguments is all that is ever run, so nobody but this module makes a call.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::OfficialCli;
use crate::formats::claude_code::{CREDENTIALS, CREDENTIALS_VARIABLE, FOLDER_VARIABLE};

const PROGRAM: &str = "claude";
const ARGUMENTS: [&str; 2] = ["auth", "login"];

/// Where its own installer puts it: what starts by the desktop often has a shorter PATH than a terminal.
const BELOW_HOME: [&str; 2] = [".local/bin/claude", ".claude/local/claude"];

/// What it is not to see: each would have it use something else than the sign-in that it is to make.
const NOT_FOR_IT: [&str; 3] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Both name its folder. The second, were it there and empty, would have it keep its sign-in elsewhere.
const FOLDER_VARIABLES: [&str; 2] = [FOLDER_VARIABLE, CREDENTIALS_VARIABLE];

/// A folder that nobody else may look into, for one sign-in of the CLI. It goes when this is dropped.
#[derive(Debug)]
pub struct CliFolder(TempDir);

/// How the CLI is called.
#[derive(Clone, Debug)]
pub struct CliCall {
    program: PathBuf,
    environment: Vec<(&'static str, OsString)>,
}

impl CliFolder {
    /// A new one; in memory, and gone with the session, where the system has such a place.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        let mut builder = tempfile::Builder::new();
        builder.prefix("tokenferry-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let made = match runtime {
            Some(runtime) => builder.tempdir_in(runtime),
            None => builder.tempdir(),
        };
        made.map(Self)
    }

    /// How the CLI is called to sign in here.
    pub fn call(&self) -> CliCall {
        let mut environment = Vec::from(FOLDER_VARIABLES.map(|name| (name, self.0.path().into())));
        environment.extend(NOT_FOR_IT.map(|name| (name, OsString::new())));
        CliCall { program: program(|name| std::env::var_os(name)), environment }
    }

    /// The sign-in that it makes here.
    pub fn sign_in(&self) -> OfficialCli {
        OfficialCli::at(self.0.path().join(CREDENTIALS))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl CliCall {
    /// Keeps it from opening a browser: whoever calls does that. `BROWSER` names a program that does nothing.
    #[must_use]
    pub fn without_browser(mut self) -> Self {
        self.environment.push(("BROWSER", "true".into()));
        self
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &'static [&'static str] {
        &ARGUMENTS
    }

    /// What it sees besides this process's own environment.
    pub fn environment(&self) -> &[(&'static str, OsString)] {
        &self.environment
    }
}

/// The one in the PATH goes before the one below the home. `variable` looks an environment variable up.
fn program(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let named = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let is_on_the_path =
        variable("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(&named).is_file()));
    if is_on_the_path {
        return PROGRAM.into();
    }
    let home = variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
    let below = home.and_then(|home| BELOW_HOME.iter().map(|it| home.join(it)).find(|it| it.is_file()));
    below.unwrap_or_else(|| PROGRAM.into())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn the_one_in_the_path_goes_first_and_then_that_of_its_installer() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join(BELOW_HOME[0]);
        std::fs::create_dir_all(below.parent().unwrap()).unwrap();
        let found = || {
            program(|name| match name {
                "PATH" => Some(folder.path().into()),
                "HOME" => Some(folder.path().into()),
                _ => None,
            })
        };
        assert_eq!(found(), Path::new(PROGRAM), "for the system to say that there is none");
        std::fs::write(&below, "").unwrap();
        assert_eq!(found(), below);
        std::fs::write(folder.path().join(PROGRAM), "").unwrap();
        assert_eq!(found(), Path::new(PROGRAM));
    }

    #[test]
    fn it_sees_its_own_folder_and_nobodys_tokens() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = CliFolder::new().unwrap();
        let call = folder.call().without_browser();
        assert_eq!(call.arguments(), ["auth", "login"]);
        let sees = |name: &str| call.environment().iter().find(|it| it.0 == name).map(|it| it.1.clone());
        assert_eq!(sees("CLAUDE_CONFIG_DIR").unwrap(), folder.path());
        assert_eq!(sees("CLAUDE_SECURESTORAGE_CONFIG_DIR").unwrap(), folder.path());
        assert_eq!(sees("CLAUDE_CODE_OAUTH_TOKEN").unwrap(), "");
        assert_eq!(sees("BROWSER").unwrap(), "true");
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
