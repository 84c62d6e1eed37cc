//! The app's own window: it opens, notices, comes back when started again, has a resident beside it, and ends with its last
//! window and what is under way.

use std::time::Duration;

use bed::steps::{account, sign_in};
use bed::webdriver::invoke;
use bed::{Home, Provider};
use practice::{Endpoint, Fault, Trouble};
use serde_json::json;

use crate::session::{Session, until};

const ADA: &str = "ada@practice.example";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_a_terminal_is_seen_and_a_second_start_shows_its_page() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let person = session.sit_down(&["--page", "activity"]).await;
    person.reads("Nothing has happened yet").await;
    session.shoot("activity-empty");
    sign_in(&session.home).await;
    person.reads("Signed in").await;
    person.go("Accounts").await;
    person.reads(ADA).await;
    session.home.tokenferry(["logout"]).run().await.succeeds();
    person.reads("Nobody is signed in yet").await;

    // It lies below another window.
    let _cover = session.display.cover();
    assert_ne!(session.display.top().as_deref(), Some("Tokenferry"));
    session.app(&["--page", "settings"]).run().await.succeeds();
    person.reads("Start at login").await;
    until("it is at the front", async || session.display.top().as_deref() == Some("Tokenferry")).await;

    // What fails is told by a word that stays the same.
    let refused = invoke(&person.page, "sync", json!({"names": ["nowhere"]})).await.unwrap_err();
    assert_eq!(refused["code"], "no_such_destination", "{refused}");
    assert_eq!(invoke(&person.page, "refresh", json!({"account": "a b"})).await.unwrap_err()["code"], "bad_name");
    invoke(&person.page, "open_url", json!({"url": "file:///etc/passwd"})).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_is_started_beside_it_and_lives_on() {
    let provider = Provider::start();
    let session = Session::without_resident(&provider.url());
    let panel = session.panel().await;
    let window = session.app(&[]).spawn();
    let icon = panel.icon().await;
    icon.shows("signed-out").await;
    session.shows("Tokenferry").await;
    let resident = session.running("tokenferry");
    assert_eq!(resident.len(), 1);
    // The window itself draws no icon, so it carries nothing for one.
    let [this] = session.running("tokenferry-desktop")[..] else { panic!("one window should run") };
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", this.as_raw_nonzero())).unwrap();
    assert!(maps.contains("webkit2gtk") && !maps.contains("appindicator"), "{maps}");
    session.display.close("Tokenferry");
    window.finish().await.succeeds();
    assert!(icon.is_there().await);

    // The window finds it the next time; and a wrong word opens none.
    session.app(&["--page", "nowhere"]).run().await.ends_with(2);
    let again = session.app(&[]).spawn();
    session.shows("Tokenferry").await;
    session.display.close("Tokenferry");
    again.finish().await.succeeds();
    assert_eq!(session.running("tokenferry"), resident);
    assert_eq!(panel.number(), 1);

    icon.click("Quit").await;
    until("it is gone", async || session.running("tokenferry").is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_it_waits_for_a_renewal_in_flight() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    sign_in(&session.home).await;
    let person = session.sit_down(&[]).await;
    let slow = Trouble::SlowHeaders { ms: 2000 };
    provider.fault(Fault::at(Endpoint::Refresh, slow).times(1).after_work());
    person.press("Renew").await;
    until("it is asked", async || provider.record().count(Endpoint::Refresh) > 0).await;
    session.display.close("Tokenferry");
    session.shows_no("Tokenferry").await;
    assert_eq!(account(&session.home, "default").await["refresh_count"], 0, "it is still under way");
    until("the app has ended", async || session.running("tokenferry-desktop").is_empty()).await;
    assert_eq!(account(&session.home, "default").await["refresh_count"], 1, "what it got is kept");
}

#[tokio::test]
async fn without_a_screen_it_says_what_to_use_instead() {
    let home = Home::new();
    let app = home.program("tokenferry-desktop", [] as [&str; 0]).within(Duration::from_secs(20));
    let said = app.run().await.ends_with(1);
    for word in ["no screen", "tokenferry login --paste", "tokenferry run"] {
        assert!(said.stderr.contains(word), "{said}");
    }
}
