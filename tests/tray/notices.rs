//! Notices: at the right moment, with a button, once each, and none where a person wants quiet.

use std::fs;
use std::time::Duration;

use bed::Notifications;
use bed::steps::sign_in;
use practice::{Endpoint, Fault, Options, Trouble};

use crate::scene::Scene;

/// Long enough for a notice that must not come.
const A_WHILE: Duration = Duration::from_secs(2);

/// A sign-in that ends in a bit less than so many days.
fn ends_in(days: u64) -> Options {
    let lives = Duration::from_secs(days * 24 * 3600 - 600);
    Options { sign_in_lifetime: lives, show_sign_in_end: true, ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ends_soon_is_told_of_once() {
    let scene = Scene::with(ends_in(3));
    let (panel, notifications) = (scene.panel().await, scene.notifications().await);
    sign_in(&scene.home).await;
    let tray = scene.start();
    let icon = panel.icon().await;
    let notice = notifications.notice("The sign-in of ada@practice.example ends within 3 days").await;
    notifications.press(&notice, "Sign in").await;
    assert_eq!(scene.opened_times(1).await, "window --sign-in default");
    icon.shows("fresh").await;
    icon.lists("The sign-in ends in 2 days").await;
    icon.click("Sign in again").await;
    assert_eq!(scene.opened_times(2).await, "window --sign-in default");
    icon.click("Quit").await;
    tray.finish().await.succeeds();

    let _again = scene.start();
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(notifications.all().len(), 1, "{:?}", notifications.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_quiet_has_it_until_they_want_it_no_more() {
    let scene = Scene::with(ends_in(1));
    let (panel, notifications) = (scene.panel().await, scene.notifications().await);
    let settings = scene.home.state().join("config.toml");
    sign_in(&scene.home).await;
    fs::write(&settings, "quiet = true\n").unwrap();
    let _tray = scene.start();
    panel.icon().await.shows("needs-you").await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(notifications.all(), []);
    fs::write(&settings, "quiet = false\n").unwrap();
    notifications.notice("ends within a day").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_is_told_with_a_way_out() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    // One who shows neither buttons nor markup.
    let notifications = Notifications::start_with(&scene.keychain.address(), &["body"]).await;
    sign_in(&scene.home).await;
    let _tray = scene.start();
    let icon = panel.icon().await;
    icon.shows("fresh").await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::oauth_error("invalid_grant")).times(1));
    icon.click("Renew now").await;
    let notice = notifications.notice("Claude asks ada@practice.example to sign in again").await;
    assert_eq!(notice.buttons, []);
    icon.shows("needs-you").await;
    assert!(icon.needs_attention().await);
    icon.click("Sign in again: default").await;
    assert_eq!(scene.opened_times(1).await, "window --sign-in default");
    sign_in(&scene.home).await;
    icon.shows("fresh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_notices_may_be_missing() {
    let scene = Scene::with(ends_in(7));
    let panel = scene.panel().await;
    sign_in(&scene.home).await;
    let tray = scene.start();
    let icon = panel.icon().await;
    icon.lists("The sign-in ends in 6 days").await;
    icon.click("Renew now").await;
    icon.click("Quit").await;
    tray.finish().await.succeeds();
    // Told when there is somebody to show it.
    let notifications = scene.notifications().await;
    let _again = scene.start();
    notifications.notice("ends within 7 days").await;
}
