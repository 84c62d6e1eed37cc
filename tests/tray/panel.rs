//! A panel that is there, that comes late, that comes back, that never comes; and no D-Bus session at all.

use std::time::{Duration, Instant};

use bed::steps::{account, eventually, sign_in};
use bed::{Home, Provider, Vault};
use rustix::process::Signal;

use crate::scene::Scene;

/// From start to icon; 300 ms on an idle machine.
const AT_ONCE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_is_there_at_once() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    sign_in(&scene.home).await;
    let begun = Instant::now();
    let _tray = scene.start();
    let icon = panel.icon().await;
    let took = begun.elapsed();
    assert!(took < AT_ONCE, "{took:?} from start to icon");
    icon.shows("fresh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_comes_late_or_comes_back_is_found() {
    let scene = Scene::new();
    let mut tray = scene.start();
    tray.says("Keeping everything fresh.").await;
    for _ in 0..2 {
        let panel = scene.panel().await;
        assert!(panel.icon().await.is_there().await);
        drop(panel);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_without_a_panel_is_told_so_once() {
    let scene = Scene::new();
    let notifications = scene.notifications().await;
    let mut tray = scene.start();
    tray.says("no place for an icon").await;
    let notice = notifications.notice("works without an icon").await;
    notifications.press(&notice, "Open").await;
    assert_eq!(scene.opened_times(1).await, "window ");
    scene.tray().run().await.succeeds();
    assert_eq!(scene.opened_times(2).await, "window ");
    tray.signal(Signal::TERM);
    tray.finish().await.succeeds();

    let mut again = scene.start();
    again.says("no place for an icon").await;
    assert_eq!(notifications.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_it_keeps_everything_fresh_all_the_same() {
    let provider = Provider::start_with(practice::Options {
        automatic: true,
        access_token_lifetime: Duration::from_secs(8),
        ..practice::Options::default()
    });
    let home = Home::new().provider(&provider).vault(Vault::File);
    sign_in(&home).await;
    let mut tray = home.tokenferry(["tray"]).spawn();
    tray.says("There is no icon in the panel").await;
    eventually("it is renewed", async || account(&home, "default").await["refresh_count"].as_u64() > Some(0)).await;
    tray.signal(Signal::TERM);
    tray.finish().await.succeeds();
}
