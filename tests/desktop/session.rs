//! A session of a person's own for the app: screen, D-Bus, keychain, home; and what there is to see of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bed::webdriver::{WebDriver, invoke};
use bed::{Display, Home, Keychain, Output, Tokenferry, Vault, programs};
use fantoccini::Client;
use serde_json::{Value, json};

/// Far beyond what anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(100);

/// All that the app runs in. It ends on drop.
pub(crate) struct Session {
    // Ended in this order: the app before what it stands on.
    driver: Option<WebDriver>,
    pub(crate) home: Home,
    pub(crate) display: Display,
    _keychain: Keychain,
}

impl Session {
    /// A session with a provider at this address, without a resident.
    pub(crate) fn new(provider: &str) -> Self {
        let (display, keychain) = (Display::start(), Keychain::unlocked());
        let mut home = Home::new();
        for (name, value) in keychain.environment() {
            home = home.set(name, value);
        }
        let home = home
            .vault(Vault::Keychain(keychain.address()))
            .set("TOKENFERRY_PROVIDER", provider)
            .set("DISPLAY", display.name())
            .set("LANG", "C.UTF-8")
            .set("NO_AT_BRIDGE", "1")
            // Nothing is drawn by a graphics card here.
            .set("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
            .set("LIBGL_ALWAYS_SOFTWARE", "1");
        pretend_a_resident(&home);
        Self { driver: None, home, display, _keychain: keychain }
    }

    /// Puts a program of this name and text first in the PATH.
    pub(crate) fn with_program(mut self, name: &str, text: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.home.path().join("programs");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        self.home = self.home.set("PATH", format!("{}:{path}", folder.display()));
        self
    }

    /// Opens the app under the eyes of the driver.
    pub(crate) async fn open(&mut self, arguments: &[&str]) -> Client {
        let home = &self.home;
        let driver = self.driver.insert(WebDriver::start(|command| {
            command.envs(home.environment());
        }));
        driver.open(&app(), arguments).await
    }

    /// The app without a driver.
    pub(crate) fn app(&self, arguments: &[&str]) -> Tokenferry {
        self.home.program("tokenferry-desktop", arguments.iter().copied())
    }

    /// What `tokenferry status --json` says of accounts.
    pub(crate) async fn accounts(&self) -> Value {
        let status: Output = self.home.tokenferry(["status", "--json"]).run().await.succeeds();
        status.json()["accounts"].clone()
    }

    pub(crate) async fn shows(&self, title: &str) {
        until(&format!("a window {title}"), async || self.display.titles().iter().any(|it| it.contains(title))).await;
    }

    pub(crate) async fn shows_no(&self, title: &str) {
        until(&format!("no window {title}"), async || self.display.titles().iter().all(|it| !it.contains(title))).await;
    }

    /// Keeps what is on the screen for a person to look at, where they say where.
    pub(crate) fn shoot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("TOKENFERRY_TEST_SHOTS") {
            self.display.shoot(&PathBuf::from(folder).join(format!("{name}.png")));
        }
    }
}

/// Holds the resident's lock from outside, so that the app starts none: it would outlive the test.
fn pretend_a_resident(home: &Home) {
    let folder = home.state().join("locks");
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join("resident.lock")).unwrap();
    file.try_lock().unwrap();
    // As long as this process lives.
    std::mem::forget(file);
}

pub(crate) fn app() -> PathBuf {
    programs::built("tokenferry-desktop")
}

/// The sign-in that is under way, as the page is told.
pub(crate) async fn signing_in(page: &Client) -> Value {
    invoke(page, "view", json!({})).await.expect("the view")["signing_in"].clone()
}

/// Waits until the sign-in has come to this phase.
pub(crate) async fn phase(page: &Client, phase: &str) -> Value {
    until(&format!("phase {phase}"), async || signing_in(page).await["phase"] == phase).await;
    signing_in(page).await
}

pub(crate) async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < PATIENCE, "{what} not within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}
