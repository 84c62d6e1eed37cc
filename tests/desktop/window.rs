//! The app's own window: it opens, answers, notices, comes back when started again, and ends with its last window.

use std::time::Duration;

use bed::webdriver::invoke;
use bed::{Home, Provider};
use serde_json::json;

use crate::session::{Session, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_window_opens_and_its_page_is_told_how_things_are() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    let view = invoke(&page, "view", json!({})).await.unwrap();
    assert_eq!((&view["vault"], &view["paused"], &view["accounts"]), (&json!("keychain"), &json!(false), &json!([])));
    assert_eq!((&view["provider"], &view["signing_in"]), (&json!(provider.url()), &json!(null)));
    session.shows("Tokenferry").await;
    session.shoot("window");

    // What is done in a terminal is noticed by the page, and the other way round.
    let listen = "window.__seen = []; const [done] = arguments;
        const { invoke, transformCallback } = window.__TAURI_INTERNALS__;
        const handler = transformCallback((event) => window.__seen.push(event.payload));
        invoke('plugin:event|listen', { event: 'view', target: { kind: 'Any' }, handler }).then(() => done(1), (e) => done(String(e)))";
    assert_eq!(page.execute_async(listen, vec![]).await.unwrap(), json!(1));
    session.home.tokenferry(["login"]).run().await.succeeds();
    let seen = "return window.__seen.some((view) => view.accounts.some((it) => it.code === 'fresh'))";
    until("the account is told", async || page.execute(seen, vec![]).await.unwrap() == json!(true)).await;
    invoke(&page, "set_paused", json!({"on": true})).await.unwrap();
    until("the pause is told", async || {
        page.execute("return window.__seen.some((view) => view.paused)", vec![]).await.unwrap() == json!(true)
    })
    .await;

    // It starts at login from now on, if the person wants.
    invoke(&page, "set_start_at_login", json!({"on": true})).await.unwrap();
    assert_eq!(invoke(&page, "view", json!({})).await.unwrap()["start_at_login"], true);
    invoke(&page, "set_start_at_login", json!({"on": false})).await.unwrap();
    assert_eq!(invoke(&page, "view", json!({})).await.unwrap()["start_at_login"], false);

    // What fails is told in three words.
    let refused = invoke(&page, "sync", json!({"names": ["nowhere"]})).await.unwrap_err();
    assert_eq!(refused["code"], "no_such_destination", "{refused}");
    assert_eq!(invoke(&page, "refresh", json!({"account": "a b"})).await.unwrap_err()["code"], "bad_name");
    invoke(&page, "open_url", json!({"url": "file:///etc/passwd"})).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_brings_the_first_and_the_app_ends_with_its_window() {
    let provider = Provider::start();
    let session = Session::new(&provider.url());
    let first = session.app(&["--page", "activity"]).spawn();
    session.shows("Tokenferry").await;
    session.app(&["--page", "problems"]).within(Duration::from_secs(20)).run().await.succeeds();
    session.app(&["--page", "nowhere"]).run().await.ends_with(2);
    session.display.close("Tokenferry");
    first.finish().await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_has_its_page_shown() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let page = session.open(&["--page", "activity"]).await;
    assert!(page.current_url().await.unwrap().as_str().ends_with("#activity"));
    let listen = "const [done] = arguments; const { invoke, transformCallback } = window.__TAURI_INTERNALS__;
        const handler = transformCallback((event) => { window.__page = event.payload; });
        invoke('plugin:event|listen', { event: 'page', target: { kind: 'Any' }, handler }).then(() => done(1))";
    page.execute_async(listen, vec![]).await.unwrap();
    session.app(&["--page", "settings"]).run().await.succeeds();
    until("the page is told", async || {
        page.execute("return window.__page ?? null", vec![]).await.unwrap() == json!("settings")
    })
    .await;
}

#[tokio::test]
async fn without_a_screen_it_says_what_to_use_instead() {
    let home = Home::new();
    let said = home.program("tokenferry-desktop", [] as [&str; 0]).run().await.ends_with(1);
    for word in ["no screen", "tokenferry login --paste", "tokenferry run"] {
        assert!(said.stderr.contains(word), "{said}");
    }
}
