//! A private home for the programs under test: a folder that holds their state, and an environment in which nothing of
//! the person who runs the tests can be reached. Everything that a program prints here is kept, so that it can be
//! searched for secrets at the end.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tempfile::TempDir;

use crate::{Canary, Provider, TestEngine, Tokenferry, programs};

/// Where the sign-ins are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vault {
    /// The encrypted file below the home.
    File,
    /// The keychain on this D-Bus address. It should be a private one.
    Keychain(String),
}

/// A private home. Its folder is removed on drop.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
    printed: Printed,
}

/// What was printed so far in a home, one output after the other.
pub(crate) type Printed = Arc<Mutex<Vec<u8>>>;

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// A home with the encrypted file as its vault, and neither provider nor engine: their addresses lead nowhere.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tokenferry-home-").tempdir().expect("a folder should be made");
        let below = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a folder should be made");
            path.into_os_string()
        };
        let nowhere = |scheme: &str| OsString::from(format!("{scheme}{}", folder.path().join("nowhere").display()));
        let environment = BTreeMap::from([
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".into(), below("user")),
            ("TMPDIR".into(), below("tmp")),
            ("TOKENFERRY_HOME".into(), below("state")),
            ("TOKENFERRY_VAULT".into(), "file".into()),
            // Nobody listens on the discard port.
            ("TOKENFERRY_PROVIDER".into(), "http://127.0.0.1:9".into()),
            // Without these two a program would find the person's own engine and keychain in the usual places.
            ("DOCKER_HOST".into(), nowhere("unix://")),
            ("DBUS_SESSION_BUS_ADDRESS".into(), nowhere("unix:path=")),
            ("BROWSER".into(), programs::browser().into_os_string()),
            ("PRACTICE_BROWSER_TRACE".into(), folder.path().join("browser-trace").into_os_string()),
        ]);
        Self { folder, environment, printed: Printed::default() }
    }

    /// Signs in and renews at this provider.
    #[must_use]
    pub fn provider(self, provider: &Provider) -> Self {
        self.set("TOKENFERRY_PROVIDER", provider.url())
    }

    /// Delivers into this engine.
    #[must_use]
    pub fn engine(self, engine: &TestEngine) -> Self {
        self.set("DOCKER_HOST", engine.host())
    }

    /// Keeps the sign-ins there.
    #[must_use]
    pub fn vault(self, vault: Vault) -> Self {
        match vault {
            Vault::File => self.set("TOKENFERRY_VAULT", "file"),
            Vault::Keychain(bus) => self.set("TOKENFERRY_VAULT", "keychain").set("DBUS_SESSION_BUS_ADDRESS", bus),
        }
    }

    /// Logs all there is to log.
    #[must_use]
    pub fn talkative(self) -> Self {
        self.set("TOKENFERRY_LOG", "trace")
    }

    /// Sets a variable for every program of this home.
    #[must_use]
    pub fn set(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Takes a variable away from every program of this home.
    #[must_use]
    pub fn unset(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.remove(name.as_ref());
        self
    }

    /// The folder of everything: of the state, of `HOME`, of temporary files.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that `TOKENFERRY_HOME` names.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// The environment of this home's programs, for those that something else starts.
    #[must_use]
    pub fn environment(&self) -> &BTreeMap<OsString, OsString> {
        &self.environment
    }

    /// `tokenferry` with these arguments, ready to run.
    pub fn tokenferry<I>(&self, arguments: I) -> Tokenferry
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.program("tokenferry", arguments)
    }

    /// Another of our programs.
    pub fn program<I>(&self, name: &str, arguments: I) -> Tokenferry
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Tokenferry::new(name, &self.environment, Arc::clone(&self.printed)).args(arguments)
    }

    /// Searches what was printed in this home, and what lies in its folder.
    pub fn search(&self, canary: &mut Canary) {
        canary.look("what the programs printed", &self.printed.lock().expect("no reader panicked"));
        canary.look_below(self.path());
    }
}

#[cfg(test)]
mod tests {
    use super::Home;
    use crate::Canary;

    #[tokio::test]
    async fn nothing_of_the_outside_is_in_the_environment() {
        let home = Home::new().set("DEFINED", "here");
        let output = home.program("env", [] as [&str; 0]).run().await.succeeds();
        let names: Vec<&str> = output.stdout.lines().filter_map(|line| line.split('=').next()).collect();
        assert!(names.contains(&"DEFINED"));
        assert!(!names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");
    }

    #[tokio::test]
    async fn what_is_printed_is_searched_unless_it_was_meant() {
        let home = Home::new();
        let found = |home: &Home| {
            let mut canary = Canary::new(["canary-canary".to_owned()]);
            home.search(&mut canary);
            canary.sightings().len()
        };
        home.program("echo", ["canary-canary"]).prints_a_secret().run().await.succeeds();
        assert_eq!(found(&home), 0);
        home.program("echo", ["canary-canary"]).run().await.succeeds();
        assert_eq!(found(&home), 1);
    }
}
