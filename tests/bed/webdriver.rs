//! The app's window driven from outside, by WebKit's own driver: what a test does is what a person could.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// A start of the driver and of the app takes some 2 s on an idle machine.
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// The driver, which starts the app and ends with all that it started on drop.
#[derive(Debug)]
pub struct WebDriver {
    driver: Child,
    port: u16,
}

impl WebDriver {
    /// Starts the driver; the app has this environment and no other.
    ///
    /// # Panics
    /// Where there is no `WebKitWebDriver`.
    #[must_use]
    pub fn start(environment: impl Fn(&mut Command)) -> Self {
        use std::os::unix::process::CommandExt as _;
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("a free port").port();
        let mut command = Command::new("WebKitWebDriver");
        command.env_clear();
        environment(&mut command);
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
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
        let capabilities = [("webkitgtk:browserOptions".to_owned(), options)].into_iter().collect();
        let begun = Instant::now();
        loop {
            let connecting = ClientBuilder::new(HttpConnector::new())
                .capabilities(Clone::clone(&capabilities))
                .connect(&format!("http://127.0.0.1:{}", self.port))
                .await;
            match connecting {
                Ok(client) => return client,
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
