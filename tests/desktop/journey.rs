//! The whole way as a person goes it: from the icon in the panel over the window to a container, and back to a clean volume.

use std::time::{Duration, Instant};

use bed::steps::{account, destination, eventually, token, token_in};
use bed::webdriver::Door;
use bed::{Container, Provider, Run, TestEngine, Volume};
use jiff::{Timestamp, ToSpan as _};
use practice::Options;

use crate::google;
use crate::session::{Session, until};

const ADA: &str = "ada@practice.example";

/// What a person sees follows within a second, and a busy machine takes its time.
const FOLLOWS: Duration = Duration::from_secs(3);

/// A sign-in is told of when it ends within 7 days; this much of its life is before that.
const BEFORE_THE_NOTICE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn from_the_icon_to_a_container_and_back_to_a_clean_volume() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let clean = volume.all().await;
    let provider = Provider::start_with(Options {
        sign_in_lifetime: Duration::from_secs(7 * 24 * 3600) + BEFORE_THE_NOTICE,
        show_sign_in_end: true,
        ..Options::default()
    });
    let door = Door::new();
    let mut session = Session::without_resident(&provider.url()).with_engine(&engine).with_plain_sign_in();
    for (name, value) in door.environment() {
        session = session.set(name, &value);
    }
    let (panel, notifications) = (session.panel().await, session.notifications().await);
    let tray = session.home.tokenferry(["tray"]).spawn();
    let icon = panel.icon().await;
    icon.shows("signed-out").await;
    assert!(icon.find("Nobody is signed in").await.is_some());

    // Sign in: the click opens the window, and that of the sign-in.
    icon.click("Sign in…").await;
    let person = session.join(door).await;
    person.reads("Sign in in the window that has opened").await;
    session.shows(&format!("{} – Sign in", provider.url())).await;
    session.shoot("journey-sign-in");
    person.authorizes_as("Ada", &provider.url()).await;
    until("the account is kept", async || account(&session.home, "default").await["code"] == "fresh").await;
    let kept = Instant::now();
    icon.shows("fresh").await;
    icon.lists(&format!("{ADA}: Fresh until ")).await;
    assert!(kept.elapsed() < FOLLOWS, "icon and menu followed after {:?}", kept.elapsed());
    person.reads(ADA).await;
    session.shows_no("– Sign in").await;

    // A container has its volume, and nothing in it until the person says so.
    icon.click("Pause").await;
    person.reads("Nothing is delivered by itself.").await;
    let app = asks(&engine, &volume, &provider).await;
    app.prints("not logged in").await;
    person.go("Destinations").await;
    person.press("Add destination").await;
    person.write("Volume", volume.name()).await;
    person.write("Name", "web").await;
    person.press("Add destination").await;
    icon.lists("web: Paused").await;
    assert!(volume.find(".credentials.json").await.is_none());
    icon.click("Sync to containers").await;
    icon.lists("Sync to containers (1 up to date at ").await;
    notifications.notice("1 destination up to date").await;
    app.prints("answered").await;
    assert_eq!(token_in(&volume).await, token(&session.home).await);
    person.press("Go on").await;
    person.reads("Up to date, read back").await;
    session.shoot("journey-delivered");

    // The sign-in's end comes near, and nobody has touched anything.
    let notice = notifications.notice(&format!("The sign-in of {ADA} ends within 7 days")).await;
    let ends: Timestamp = account(&session.home, "default").await["sign_in_ends"].as_str().unwrap().parse().unwrap();
    assert!(ends <= Timestamp::now() + (7 * 24).hours() + 1.second(), "told of too early: it ends {ends}");
    icon.lists("The sign-in ends in ").await;
    provider.set(|options| options.sign_in_lifetime = Options::default().sign_in_lifetime);
    notifications.press(&notice, "Sign in").await;
    person.authorizes_as("Ada", &provider.url()).await;
    eventually("the menu is calm", async || icon.find("The sign-in ends").await.is_none()).await;
    until("the new token is there", async || {
        let newest = token(&session.home).await;
        token_in(&volume).await == newest
    })
    .await;

    // Sign out, by the page's own button.
    person.go("Accounts").await;
    person.press("Sign out…").await;
    person.reads("Sign out default?").await;
    session.shoot("journey-sign-out");
    person.press("Sign out").await;
    person.reads("Signed out default.").await;
    icon.shows("signed-out").await;
    assert_eq!(names(&volume.all().await), names(&clean), "the volume is as it was");
    app.prints("answered").await;
    until("the container is signed out", async || {
        app.logs().await.lines().last().is_some_and(|line| line.starts_with("not logged in"))
    })
    .await;
    assert!(provider.sign_ins().iter().all(|it| !it.alive), "both sign-ins are ended at the provider");

    // The window closes, and the resident stays until it is told to go.
    session.display.close("Tokenferry");
    until("the window's program is gone", async || session.running("tokenferry-desktop").is_empty()).await;
    assert!(icon.is_there().await);
    icon.click("Quit").await;
    tray.finish().await.succeeds();
    let told: Vec<String> = notifications.all().into_iter().map(|it| it.title).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(destination(&session.home, "web").await["account"], "default");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_over_google_goes_on_in_the_browser_and_ends_signed_in() {
    let provider = Provider::start();
    let front = google::front(&provider.url()).await;
    let mut session = Session::new(&front).with_plain_sign_in();
    let person = session.sit_down(&["--sign-in", "work"]).await;
    person.turns_to(&front).await;
    person.press_and_leave("Continue with Google").await;
    session.shows_no("– Sign in").await;
    // The browser has gone the whole way with the same question; nothing was begun anew.
    until("the account is kept", async || account(&session.home, "work").await["identity"]["email"] == ADA).await;
    person.turns_back().await;
    person.reads(ADA).await;
    let trace = std::fs::read_to_string(session.home.path().join("browser-trace")).unwrap();
    assert!(trace.lines().any(|line| line.starts_with(&format!("{front}/oauth/authorize?"))), "{trace}");
    assert_eq!(provider.sign_ins().len(), 1);
}

/// A container that asks the provider's API over and over, as far as the volume lets it.
async fn asks(engine: &TestEngine, volume: &Volume, provider: &Provider) -> Container {
    let url = provider.url();
    let words = ["keep-asking", "--credentials", "/claude/.credentials.json", "--url", &url, "--every-ms", "100"];
    engine.run(Run::app(words).mount(volume, "/claude")).await
}

fn names<F>(all: &std::collections::BTreeMap<std::path::PathBuf, F>) -> Vec<&std::path::Path> {
    all.keys().map(std::path::PathBuf::as_path).collect()
}
