//! A session of a person's own for the app: screen, D-Bus, keychain, home; and what there is to see of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bed::webdriver::{Door, WebDriver, invoke};
use bed::{
    ClaudeCli, ClaudeHosts, Display, Home, Keychain, Notifications, Output, Provider, TestEngine, Tokenferry, TrayHost,
    Vault, programs, spent,
};
use fantoccini::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::person::Person;

/// Far beyond what anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(50);

/// All that the app runs in. It ends on drop.
pub(crate) struct Session {
    // Ended in this order: the app before what it stands on.
    driver: Option<WebDriver>,
    left: Leftovers,
    pub(crate) home: Home,
    pub(crate) display: Display,
    keychain: Keychain,
}

impl Session {
    /// A session with a provider at this address, in which a resident seems to run already: the app starts none.
    pub(crate) fn new(provider: &str) -> Self {
        let session = Self::without_resident(provider);
        pretend_a_resident(&session.home);
        session
    }

    /// The same, in which no resident runs: the app starts one.
    pub(crate) fn without_resident(provider: &str) -> Self {
        let (display, keychain) = (Display::start(), Keychain::unlocked());
        let mut home = Home::new();
        for (name, value) in keychain.environment() {
            home = home.set(name, value);
        }
        for (name, value) in display.environment() {
            home = home.set(name, value);
        }
        let home = home.vault(Vault::Keychain(keychain.address())).set("TOKENFERRY_PROVIDER", provider);
        let left = Leftovers(home.state());
        Self { driver: None, left, home, display, keychain }
    }

    /// With this Docker Engine.
    pub(crate) fn with_engine(self, engine: &TestEngine) -> Self {
        self.set("DOCKER_HOST", engine.host())
    }

    /// The window of a sign-in can be looked into. Otherwise it is as for everybody: without cookies, and so hidden from the
    /// driver.
    pub(crate) fn with_plain_sign_in(self) -> Self {
        self.set("TOKENFERRY_SIGN_IN_PLAIN", "1")
    }

    /// With a variable set for all that runs here.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.home = self.home.set(name, value);
        self
    }

    /// The stand-in for the official CLI is in the PATH.
    pub(crate) async fn with_stand_in_cli(&mut self, provider: &Provider) -> ClaudeCli {
        let (cli, home) = ClaudeCli::stand_in(std::mem::take(&mut self.home), provider).await;
        self.home = home;
        cli
    }

    /// The real official CLI is, whose way to Claude leads to these; `false`, said loudly, where it can't be had.
    pub(crate) async fn with_real_cli(&mut self, hosts: &ClaudeHosts) -> bool {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let had = ClaudeCli::real(std::mem::take(&mut self.home), hosts, kept).await;
        had.map(|(_, home)| self.home = home).is_some()
    }

    /// A panel to show icons in.
    pub(crate) async fn panel(&self) -> TrayHost {
        TrayHost::start(&self.keychain.address()).await
    }

    /// Somebody who shows notices.
    pub(crate) async fn notifications(&self) -> Notifications {
        Notifications::start(&self.keychain.address()).await
    }

    /// Opens the app under the eyes of the driver.
    pub(crate) async fn open(&mut self, arguments: &[&str]) -> Client {
        let home = &self.home;
        let driver = self.driver.insert(WebDriver::start(|command| {
            command.envs(home.environment());
        }));
        driver.open(&app(), arguments).await
    }

    /// Opens the app, and sits down before it.
    pub(crate) async fn sit_down(&mut self, arguments: &[&str]) -> Person {
        Person { page: self.open(arguments).await }
    }

    /// Sits down before an app that somebody else opens, such as the resident.
    pub(crate) async fn join(&mut self, door: Door) -> Person {
        let driver = self.driver.insert(WebDriver::at(door));
        Person { page: driver.join().await }
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

    /// The programs of this name that work on this session's state.
    pub(crate) fn running(&self, name: &str) -> Vec<Pid> {
        self.left.running(name)
    }
}

/// What the app starts outlives it, and shall not outlive the test.
struct Leftovers(PathBuf);

impl Leftovers {
    fn running(&self, name: &str) -> Vec<Pid> {
        // Others may work there, too: a shell, a browser.
        let here = spent::working_on(&self.0).into_iter();
        here.filter(|(_, called)| called.ends_with(name)).map(|(pid, _)| pid).collect()
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for pid in ["tokenferry", "tokenferry-desktop"].into_iter().flat_map(|name| self.running(name)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Holds the resident's lock from outside, so that the app starts none.
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
