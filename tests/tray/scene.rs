//! A session with a keychain, a panel, somebody who shows notices, a provider and an installation whose window is a stand-in
//! that notes how it was opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bed::programs::built;
use bed::steps::eventually;
use bed::{Home, Keychain, Notifications, Provider, Running, Tokenferry, TrayHost, Vault};
use practice::Options;

/// What a person sees follows within this; the rest is patience with a busy machine.
const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) keychain: Keychain,
    pub(crate) provider: Provider,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let keychain = Keychain::unlocked();
        let home = Home::new().provider(&provider).vault(Vault::Keychain(keychain.address()));
        install(home.path());
        Self { home, keychain, provider }
    }

    pub(crate) fn set(mut self, change: impl FnOnce(Home) -> Home) -> Self {
        self.home = change(self.home);
        self
    }

    pub(crate) async fn panel(&self) -> TrayHost {
        TrayHost::start(&self.keychain.address()).await
    }

    pub(crate) async fn notifications(&self) -> Notifications {
        Notifications::start(&self.keychain.address()).await
    }

    /// `tokenferry tray`, as it is installed: with the window beside it.
    pub(crate) fn tray(&self) -> Tokenferry {
        let program = self.home.path().join("bin/tokenferry");
        self.home.program(program.to_str().expect("a path of letters"), ["tray"])
    }

    pub(crate) fn start(&self) -> Running {
        self.tray().spawn()
    }

    /// With what the window was opened, each time.
    pub(crate) fn opened(&self) -> Vec<String> {
        let noted = fs::read_to_string(self.home.path().join("opened")).unwrap_or_default();
        noted.lines().map(str::to_owned).collect()
    }

    /// Waits until the window was opened so often, and says with what it was the last time.
    pub(crate) async fn opened_times(&self, times: usize) -> String {
        eventually(&format!("the window is opened {times} times"), async || self.opened().len() >= times).await;
        assert_eq!(self.opened().len(), times, "{:?}", self.opened());
        self.opened().pop().unwrap()
    }
}

/// The program, and beside it a window that notes its arguments.
fn install(home: &Path) {
    let folder = home.join("bin");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("tokenferry");
    if fs::hard_link(built("tokenferry"), &program).is_err() {
        fs::copy(built("tokenferry"), &program).unwrap();
    }
    let window = folder.join("tokenferry-desktop");
    fs::write(&window, format!("#!/bin/sh\necho \"window $*\" >> '{}'\n", home.join("opened").display())).unwrap();
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) async fn within(what: &str, is: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(SOON, eventually(what, is)).await.unwrap_or_else(|_| panic!("{what}: not within {SOON:?}"));
}
