//! One resident at a time, its start at login, its end.

use std::fs;
use std::time::{Duration, Instant};

use bed::steps::{account, sign_in};
use practice::{Endpoint, Fault, Trouble};
use rustix::process::Signal;

use crate::scene::{Scene, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_opens_the_window() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    let _tray = scene.start();
    let icon = panel.icon().await;
    scene.tray().run().await.succeeds();
    assert_eq!(scene.opened_times(1).await, "window ");
    assert!(icon.is_there().await);
    assert_eq!(panel.number(), 1);
    fs::remove_file(scene.home.path().join("bin/tokenferry-desktop")).unwrap();
    let refused = scene.tray().run().await.ends_with(1);
    assert!(refused.stderr.contains("runs already") && refused.stderr.contains("in the panel"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_at_login_where_that_is_ticked() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    let _tray = scene.start();
    let icon = panel.icon().await;
    let entry = scene.home.path().join("user/.config/autostart/tokenferry.desktop");
    assert_eq!(icon.find("Start at login").await.unwrap().checked, Some(false));
    icon.click("Start at login").await;
    within("it is ticked", async || icon.find("Start at login").await.unwrap().checked == Some(true)).await;
    let text = fs::read_to_string(&entry).unwrap();
    let exec = format!("Exec={} tray", scene.home.path().join("bin/tokenferry").display());
    assert!(text.lines().any(|line| line == exec), "{text}");
    icon.click("Start at login").await;
    within("it is not ticked", async || icon.find("Start at login").await.unwrap().checked == Some(false)).await;
    assert!(!entry.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn quitting_waits_for_a_renewal_in_flight() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    sign_in(&scene.home).await;
    let tray = scene.start();
    let icon = panel.icon().await;
    icon.lists("ada@practice.example: Fresh until ").await;
    let slow = Trouble::SlowHeaders { ms: 2000 };
    scene.provider.fault(Fault::at(Endpoint::Refresh, slow).times(1));
    icon.click("Renew now").await;
    within("it is asked", async || scene.provider.record().count(Endpoint::Refresh) > 0).await;
    let begun = Instant::now();
    icon.click("Quit").await;
    tray.finish().await.succeeds();
    assert!(begun.elapsed() < Duration::from_secs(8), "it took {:?} to quit", begun.elapsed());
    assert_eq!(account(&scene.home, "default").await["refresh_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_within_seconds() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    sign_in(&scene.home).await;
    let tray = scene.start();
    panel.icon().await;
    let begun = Instant::now();
    tray.signal(Signal::TERM);
    tray.finish().await.succeeds();
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?} to end", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_settings_is_shown_until_it_is_mended() {
    let scene = Scene::new();
    let panel = scene.panel().await;
    let _tray = scene.start();
    let icon = panel.icon().await;
    icon.lists("Nobody is signed in").await;
    let settings = scene.home.state().join("config.toml");
    fs::write(&settings, "paused = perhaps\n").unwrap();
    icon.lists("There is a mistake in").await;
    assert!(icon.needs_attention().await);
    fs::write(&settings, "paused = true\n").unwrap();
    icon.lists("Nobody is signed in").await;
    assert_eq!(icon.find("Pause").await.unwrap().checked, Some(true));
}
