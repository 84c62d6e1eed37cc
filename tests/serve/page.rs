//! The page in a real browser, on the real server: see `page.mjs`, which is the person at it.

use std::path::Path;
use std::time::Duration;

use bed::steps::sign_in;
use practice::Options;

use crate::scene::{Scene, started};

/// A browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const PORT: &str = "127.0.0.1:4918";

#[tokio::test]
async fn a_person_signs_in_by_pasting_and_sees_all_live() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ui = here.join("../ui");
    assert!(ui.join("node_modules/playwright-core").is_dir(), "Playwright is missing: `make page` fetches it.");
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    assert!(Path::new(&browser).is_file(), "{browser} is missing: `setup/install screen` installs it.");

    let scene = Scene::with(Options::default(), &["--listen", PORT]).await;
    let script = here.join("serve/page.mjs");
    let person = scene.home.program("node", [script.as_os_str(), ui.as_os_str(), browser.as_ref()]);
    let mut person = person.within(PATIENCE).input_stays_open().spawn();
    person.types(&format!("{}/enter#{}\n", scene.url, scene.key)).await;
    person.gives("in\n").await;
    person.gives("signed in\n").await;
    person.types("\n").await;
    person.gives("signed out\n").await;
    assert!(scene.provider.sign_ins().iter().all(|it| !it.alive), "Claude was told");

    // The server starts anew, and somebody signs in at a terminal.
    let Scene { server, home, provider: _provider, .. } = scene;
    server.signal(rustix::process::Signal::TERM);
    server.finish().await.succeeds();
    let (server, _) = started(&home, &["--listen", PORT]).await;
    sign_in(&home).await;
    person.types("\n").await;
    person.gives("again\n").await;
    person.finish().await.succeeds();
    server.signal(rustix::process::Signal::TERM);
    server.finish().await.succeeds();
}
