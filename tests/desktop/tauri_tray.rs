//! The app as the resident, with Tauri's own icon: as it is on macOS and Windows, and on Linux where it is asked for.

use bed::steps::{account, approve, sign_in, status, token, token_in};
use bed::{Provider, TestEngine};

use crate::session::{Session, until};

const ADA: &str = "ada@practice.example";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_menu_is_drawn_and_clicked_and_the_window_comes_and_goes() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let provider = Provider::start();
    let session = Session::without_resident(&provider.url()).with_engine(&engine);
    let (panel, notifications) = (session.panel().await, session.notifications().await);
    let app = session.app(&["--tray"]).spawn();
    let icon = panel.icon().await;
    icon.shows("signed-out").await;
    for (line, enabled) in [("Nobody is signed in", false), ("Sync to containers", false), ("Renew now", false)] {
        assert_eq!(icon.find(line).await.map(|line| line.enabled), Some(enabled), "{line}");
    }
    assert!(session.running("tokenferry").is_empty(), "it is the resident itself");

    sign_in(&session.home).await;
    icon.shows("fresh").await;
    icon.lists(&format!("{ADA}: Fresh until ")).await;
    icon.click("Pause").await;
    // The toolkit ticks it at once, so it is the state that is looked at.
    until("it is paused", async || status(&session.home).await["paused"] == true).await;
    until("the pause is ticked", async || icon.find("Pause").await.unwrap().checked == Some(true)).await;
    approve(&session.home, "my_web", &volume).await;
    icon.lists("my_web: Paused").await;
    icon.click("Sync to containers").await;
    icon.lists("Sync to containers (1 up to date at ").await;
    assert_eq!(token_in(&volume).await, token(&session.home).await);
    notifications.notice("1 destination up to date").await;
    icon.click("Pause").await;
    until("the pause is over", async || status(&session.home).await["paused"] == false).await;
    until("it is not ticked", async || icon.find("Pause").await.unwrap().checked == Some(false)).await;
    icon.click("Renew now").await;
    until("it is renewed", async || account(&session.home, "default").await["refresh_count"] == 1).await;
    icon.lists("my_web: Up to date").await;
    icon.lists("1 destination: up to date").await;

    // Windows come by clicks and by a second start, and the app stays when they go.
    for click in ["Open Tokenferry", "my_web"] {
        icon.click(click).await;
        session.shows("Tokenferry").await;
        session.display.close("Tokenferry");
        session.shows_no("Tokenferry").await;
    }
    session.app(&["--tray"]).run().await.succeeds();
    session.app(&["--page", "activity"]).run().await.succeeds();
    session.shows("Tokenferry").await;
    session.shows_no("– Sign in").await;
    icon.click("Sign in…").await;
    until("it is signed in anew", async || account(&session.home, "default").await["refresh_count"] == 0).await;
    session.shows_no("– Sign in").await;
    assert_eq!(panel.number(), 1);

    icon.click("Quit").await;
    app.finish().await.succeeds();
    assert!(!icon.is_there().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_resident_runs_it_is_a_window() {
    let provider = Provider::start();
    let session = Session::new(&provider.url());
    let app = session.app(&["--tray"]).spawn();
    session.shows("Tokenferry").await;
    session.display.close("Tokenferry");
    app.finish().await.succeeds();
}
