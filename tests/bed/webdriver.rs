//! The app's window driven from outside, by WebKit's own driver: what a test does is what a person could.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::{Capabilities, TimeoutConfiguration};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// A start of the driver and of the app takes some 2 s on an idle machine.
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// How long a page may take to load, before what was asked about it fails. The driver asks on where a window closes while
/// its page loads, as that of a sign-in does.
const LOAD: Duration = Duration::from_secs(2);

/// Has a Tauri app let itself be driven.
const AUTOMATION: [(&str, &str); 2] = [("TAURI_AUTOMATION", "true"), ("TAURI_WEBVIEW_AUTOMATION", "true")];

/// Where an app listens for a driver that has not started it.
#[derive(Debug, Clone, Copy)]
pub struct Door(u16);

impl Door {
    /// One that nobody else listens at.
    #[must_use]
    pub fn new() -> Self {
        Self(free_port())
    }

    fn address(self) -> String {
        format!("127.0.0.1:{}", self.0)
    }

    /// What the app has to have in its environment. Whoever starts the app hands it on.
    #[must_use]
    pub fn environment(self) -> Vec<(&'static str, String)> {
        let listens = ("WEBKIT_INSPECTOR_SERVER", self.address());
        AUTOMATION.into_iter().map(|(name, value)| (name, value.to_owned())).chain([listens]).collect()
    }
}

impl Default for Door {
    fn default() -> Self {
        Self::new()
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("a free port").port()
}

/// The driver, which starts the app and ends with all that it started on drop.
#[derive(Debug)]
pub struct WebDriver {
    driver: Child,
    port: u16,
}

impl WebDriver {
    /// Starts the driver; the app has this environment and no other.
    #[must_use]
    pub fn start(environment: impl Fn(&mut Command)) -> Self {
        let mut command = Command::new("WebKitWebDriver");
        command.env_clear();
        environment(&mut command);
        command.envs(AUTOMATION);
        Self::run(command)
    }

    /// Starts the driver for an app that somebody else starts, with what [`Door`] puts into its environment.
    #[must_use]
    pub fn at(door: Door) -> Self {
        let mut command = Command::new("WebKitWebDriver");
        command.arg(format!("--target={}", door.address()));
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt as _;
        let port = free_port();
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null());
        // A group of its own, to be ended with all that it started.
        let driver = command.process_group(0).spawn();
        Self { driver: driver.expect("WebKitWebDriver should start: `setup/install desktop` installs it"), port }
    }

    /// Starts the app and sees into its window.
    ///
    /// # Panics
    /// Where no window opens.
    pub async fn open(&self, app: &Path, arguments: &[&str]) -> Client {
        let options = json!({"binary": app, "args": arguments});
        self.connect([("webkitgtk:browserOptions".to_owned(), options)].into_iter().collect()).await
    }

    /// Sees into the window of the app that somebody else starts, as soon as there is one.
    ///
    /// # Panics
    /// Where none opens.
    pub async fn join(&self) -> Client {
        self.connect(Capabilities::new()).await
    }

    async fn connect(&self, capabilities: Capabilities) -> Client {
        let begun = Instant::now();
        loop {
            let connecting = ClientBuilder::new(HttpConnector::new())
                .capabilities(Clone::clone(&capabilities))
                .connect(&format!("http://127.0.0.1:{}", self.port))
                .await;
            match connecting {
                Ok(client) => {
                    let timeouts = TimeoutConfiguration::new(None, Some(LOAD), None);
                    client.update_timeouts(timeouts).await.expect("the driver should take a time-out");
                    return client;
                }
                Err(why) => assert!(begun.elapsed() < START, "the app should open a window: {why}"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_raw(self.driver.id().cast_signed());
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

/// Calls one of the app's commands as its page does; gives what it gave, or what it told in its place.
///
/// # Panics
/// Where the page can't call at all.
pub async fn invoke(page: &Client, command: &str, arguments: Value) -> Result<Value, Value> {
    let call = "const [command, args, done] = arguments;
        window.__TAURI_INTERNALS__.invoke(command, args).then(
            (good) => done({ good: good ?? null }), (bad) => done({ bad: bad ?? null }))";
    let answer = page.execute_async(call, vec![command.into(), arguments]).await.expect("the page should answer");
    match answer.get("bad") {
        Some(bad) => Err(bad.clone()),
        None => Ok(answer["good"].clone()),
    }
}
