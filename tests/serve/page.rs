//! The page in a real browser, on the real server. The scripts beside this file are the persons at it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bed::programs::Running;
use bed::steps::{account, eventually, sign_in, token, token_in};
use bed::{Canary, ClaudeCli, ClaudeHosts, Home, Provider, Run, TestEngine};
use practice::Options;
use rustix::process::Signal;
use serde_json::json;

use crate::scene::{Scene, started};

/// A browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Somebody in front of a browser, and how often they have said something.
struct Person(Running, usize);

impl Person {
    /// Sits down at the page.
    async fn sits_down(scene: &Scene, script: &str) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ui = here.join("../ui");
        assert!(ui.join("node_modules/playwright-core").is_dir(), "Playwright is missing: `make page` fetches it.");
        let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        assert!(Path::new(&browser).is_file(), "{browser} is missing: `setup/install screen` installs it.");
        let script = here.join("serve/page").join(script);
        let mut person = scene.home.program("node", [script.as_os_str(), ui.as_os_str(), browser.as_ref()]);
        if let Some(shots) = std::env::var_os("TOKENFERRY_TEST_SHOTS") {
            person = person.set("TOKENFERRY_TEST_SHOTS", shots);
        }
        let mut person = Self(person.within(PATIENCE).input_stays_open().spawn(), 0);
        person.goes_on(&format!("{}/enter#{}", scene.url, scene.key)).await;
        person
    }

    /// What they say next.
    async fn says(&mut self) -> String {
        self.1 += 1;
        self.0.gives_line(self.1 - 1).await
    }

    /// They are so far.
    async fn is(&mut self, so_far: &str) {
        assert_eq!(self.says().await, so_far);
    }

    /// They are told this, and go on.
    async fn goes_on(&mut self, word: &str) {
        self.0.types(&format!("{word}\n")).await;
    }

    /// They are through, and nothing was wrong.
    async fn gets_up(self) {
        self.0.finish().await.succeeds();
    }
}

#[tokio::test]
async fn a_person_signs_in_and_a_container_has_the_token_until_they_sign_out() {
    const PORT: &str = "127.0.0.1:4918";
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let clean = volume.all().await;
    let provider = Provider::start();
    let home = Home::new().provider(&provider).engine(&engine);
    let scene = Scene::over(provider, home, &["--listen", PORT]).await;
    let url = scene.provider.url();
    let words = ["keep-asking", "--credentials", "/claude/.credentials.json", "--url", &url, "--every-ms", "100"];
    let app =
        engine.run(Run::app(words).set("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/claude").mount(&volume, "/claude")).await;
    app.prints("not logged in").await;
    let last = async || app.logs().await.lines().last().unwrap_or_default().to_owned();

    let mut person = Person::sits_down(&scene, "journey.mjs").await;
    person.is("in").await;
    person.goes_on("").await;
    person.is("signed in").await;
    person.goes_on(volume.name()).await;
    person.is("added").await;
    assert!(volume.find(".credentials.json").await.is_none(), "nothing is delivered while that is paused");
    assert!(last().await.starts_with("not logged in"), "{}", last().await);
    person.goes_on("").await;
    person.is("synced").await;
    app.prints("answered").await;
    assert_eq!(token_in(&volume).await, token(&scene.home).await);
    let copy = volume.read(".credentials.json").await.json();
    assert!(copy["claudeAiOauth"].get("refreshToken").is_none(), "a container gets no refresh token");
    person.goes_on("").await;
    person.is("removed").await;
    eventually("the container is signed out", async || last().await.starts_with("not logged in")).await;
    assert_eq!(names(&volume.all().await), names(&clean), "it is as it was");
    person.goes_on("").await;
    person.is("added again").await;
    eventually("it is signed in again", async || last().await.starts_with("answered")).await;
    person.goes_on("").await;
    person.is("signed out").await;
    assert!(scene.provider.sign_ins().iter().all(|it| !it.alive), "Claude was told");
    eventually("the container is signed out", async || last().await.starts_with("not logged in")).await;
    assert_eq!(names(&volume.all().await), names(&clean), "it is as it was");

    // The server starts anew, and somebody signs in at a terminal.
    let Scene { server, home, provider: _provider, .. } = scene;
    server.signal(Signal::TERM);
    server.finish().await.succeeds();
    let (server, _) = started(&home, &["--listen", PORT]).await;
    sign_in(&home).await;
    person.goes_on("").await;
    person.is("again").await;
    person.goes_on("").await;
    person.gets_up().await;
    server.signal(Signal::TERM);
    server.finish().await.succeeds();
}

fn names<F>(all: &BTreeMap<PathBuf, F>) -> Vec<&Path> {
    all.keys().map(PathBuf::as_path).collect()
}

#[tokio::test]
async fn the_browser_of_the_same_machine_comes_back_by_itself() {
    let provider = Provider::start_with(Options::default());
    let home = Home::new().provider(&provider);
    let scene = Scene::over(provider, home, &[]).await;
    Person::sits_down(&scene, "by_browser.mjs").await.gets_up().await;
    assert_eq!(account(&scene.home, "default").await["identity"]["email"], "grace@practice.example");
    assert_eq!(scene.provider.sign_ins().len(), 1);
    scene.ends().await;
}

#[tokio::test]
async fn the_official_cli_signs_in_beside_the_server_and_is_relayed_live() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    let scene = Scene::over(provider, home, &[]).await;
    let gone = async || eventually("it is gone", async || !cli.runs() && !cli.told_folder().exists()).await;
    let mut person = Person::sits_down(&scene, "by_cli.mjs").await;
    person.is(AT_NO_CLAUDE).await;
    assert!(cli.runs() && cli.told_folder().is_dir());
    person.goes_on("wrong#but-long-enough-to-be-a-code").await;
    person.is("failed").await;
    gone().await;
    person.goes_on("").await;
    person.is(AT_NO_CLAUDE).await;
    // It gets through just as the person gives up: then nobody but Tokenferry would end what it has got.
    std::fs::copy(cli.sign_in(), cli.told_folder().join(".credentials.json")).unwrap();
    person.goes_on("").await;
    person.is("given up").await;
    gone().await;
    eventually("it is ended at Claude", async || scene.provider.sign_ins().iter().all(|it| !it.alive)).await;
    cli.knows_another(&scene.provider).await;
    person.goes_on("").await;
    person.is(AT_NO_CLAUDE).await;
    person.goes_on("code#s").await;
    person.is("signed in").await;
    gone().await;
    person.goes_on("").await;
    person.gets_up().await;
    is_taken_over(&scene).await;
    scene.ends().await;
}

/// The address that the stand-in for the CLI names.
const AT_NO_CLAUDE: &str = "http://127.0.0.1:9/oauth/authorize?code=true&state=s";

/// What the CLI had is of no more use, and Tokenferry's own is.
async fn is_taken_over(scene: &Scene) {
    let alive: Vec<_> = scene.provider.sign_ins().into_iter().filter(|it| it.alive).collect();
    assert!(alive.len() == 1 && alive[0].generation == 1, "{alive:?}");
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    token(&scene.home).await;
}

#[tokio::test]
async fn the_official_cli_ends_with_the_server() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    let scene = Scene::over(provider, home, &[]).await;
    let me = scene.person().await;
    let ask = json!({"account": "default", "way": "cli"});
    let begun = me.changes(scene.asks("POST", "/api/sign_in")).json(&ask).send().await.unwrap();
    assert!(begun.status().is_success(), "{}", begun.text().await.unwrap());
    eventually("it runs", async || cli.was_started() && cli.runs()).await;
    let _home = scene.ends().await;
    assert!(!cli.runs() && !cli.told_folder().exists(), "nothing of it outlives the server");
}

/// The real CLI, with the practice provider in place of Claude's hosts.
#[tokio::test]
async fn the_real_cli_signs_in_beside_the_server() {
    let provider = Provider::start();
    let hosts = ClaudeHosts::start(&provider).await;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some((_cli, home)) = ClaudeCli::real(Home::new().provider(&provider), &hosts, kept).await else { return };
    let scene = Scene::over(provider, home, &[]).await;
    let mut person = Person::sits_down(&scene, "by_cli.mjs").await;
    assert!(person.says().await.starts_with("https://claude.com/cai/oauth/authorize?code=true&client_id="));
    person.goes_on("made-up-code#made-up-state").await;
    person.is("failed").await;
    person.goes_on("").await;
    person.says().await;
    person.goes_on("").await;
    person.is("given up").await;
    person.goes_on("").await;
    let address = person.says().await;
    person.goes_on(&scene.provider.code_to_paste(&hosts.at_practice(&address)).await).await;
    person.is("signed in").await;
    person.goes_on("").await;
    person.gets_up().await;
    is_taken_over(&scene).await;
    // The CLI has left nothing of it in its home either, and nothing was printed.
    let mut canary = Canary::new(scene.provider.secrets());
    scene.ends().await.search(&mut canary);
    canary.assert_unseen();
}
