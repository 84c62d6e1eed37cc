//! From nobody signed in to a container that has the file, by the menu.

use std::time::{Duration, Instant};

use bed::TestEngine;
use bed::steps::{account, approve, destination, sign_in, token, token_in};

use crate::scene::{Scene, within};

/// What a person sees follows within a second, and a busy machine takes its time.
const FOLLOWS: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn signed_in_synced_and_quit_by_the_menu() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let scene = Scene::new().set(|home| home.engine(&engine));
    let (panel, notifications) = (scene.panel().await, scene.notifications().await);
    let tray = scene.start();
    let icon = panel.icon().await;
    icon.shows("signed-out").await;
    assert!(icon.tooltip().await.contains("Nobody is signed in"));
    for (line, enabled) in [("Nobody is signed in", false), ("Sync to containers", false), ("Renew now", false)] {
        assert_eq!(icon.find(line).await.map(|line| line.enabled), Some(enabled), "{line}");
    }

    icon.click("Sign in…").await;
    assert_eq!(scene.opened_times(1).await, "window --sign-in");
    sign_in(&scene.home).await;
    let begun = Instant::now();
    icon.shows("fresh").await;
    assert!(begun.elapsed() < FOLLOWS, "the icon followed after {:?}", begun.elapsed());
    icon.lists("ada@practice.example: Fresh until ").await;
    let tooltip = icon.tooltip().await;
    assert!(tooltip.contains("ada@practice.example: Fresh until "), "{tooltip}");

    icon.click("Pause").await;
    within("the pause is ticked", async || icon.find("Pause").await.unwrap().checked == Some(true)).await;
    approve(&scene.home, "my_web", &volume).await;
    icon.lists("my_web: Paused").await;
    assert!(volume.find(".credentials.json").await.is_none());
    icon.click("Sync to containers").await;
    icon.lists("Sync to containers (1 up to date at ").await;
    assert_eq!(token_in(&volume).await, token(&scene.home).await);
    let notice = notifications.notice("1 destination up to date").await;
    assert!(notice.buttons.is_empty() && notice.body.contains("read back"), "{notice:?}");
    icon.click("Pause").await;
    within("the pause is over", async || icon.find("Pause").await.unwrap().checked == Some(false)).await;

    let before = token_in(&volume).await;
    icon.click("Renew now").await;
    within("it is renewed", async || account(&scene.home, "default").await["refresh_count"] == 1).await;
    within("the volume has the new one", async || token_in(&volume).await != before).await;
    icon.lists("my_web: Up to date").await;
    icon.lists("1 destination: up to date").await;
    assert_eq!(destination(&scene.home, "my_web").await["code"], "up_to_date");

    icon.click("my_web").await;
    assert_eq!(scene.opened_times(2).await, "window --page destinations");
    icon.left_click().await;
    assert_eq!(scene.opened_times(3).await, "window ");

    icon.click("Quit").await;
    tray.finish().await.succeeds();
    assert!(!icon.is_there().await);
    assert_eq!(notifications.all().len(), 1, "{:?}", notifications.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_says_at_what() {
    let scene = Scene::new();
    let (panel, notifications) = (scene.panel().await, scene.notifications().await);
    sign_in(&scene.home).await;
    let add = ["destination", "add", "web", "--volume", "claude-auth"];
    scene.home.tokenferry(add).run().await.succeeds();
    let _tray = scene.start();
    let icon = panel.icon().await;
    icon.lists("web: Waiting for Docker").await;
    icon.click("Sync to containers").await;
    icon.lists("Sync to containers (web failed").await;
    let notice = notifications.notice("Nothing could be delivered to web").await;
    // It mends itself when Docker is back, so the icon stays calm.
    icon.shows("fresh").await;
    notifications.press(&notice, "Show").await;
    assert_eq!(scene.opened_times(1).await, "window --page destinations");
}
