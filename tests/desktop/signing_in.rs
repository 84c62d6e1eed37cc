//! Signing in, as a person does it: in the window, in the browser, by a pasted code; and giving it up.

use bed::Provider;
use bed::webdriver::invoke;
use practice::Options;
use serde_json::json;

use crate::session::{Session, phase, signing_in, until};

/// Where nobody presses anything, so the page waits.
fn unhurried() -> Provider {
    Provider::start_with(Options::default())
}

async fn is_signed_in(session: &Session) {
    until("the account is there", async || {
        let accounts = session.accounts().await;
        accounts[0]["code"] == "fresh" && !accounts[0]["identity"]["email"].is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_takes_the_answer_before_it_is_loaded() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    is_signed_in(&session).await;
    until("all is quiet", async || signing_in(&page).await.is_null()).await;
    session.shows_no("Sign in").await;
    session.shoot("signed-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_comes_back_by_the_loopback() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "work", "way": "browser"})).await.unwrap();
    is_signed_in(&session).await;
    assert_eq!(session.accounts().await[0]["name"], "work");
    until("all is quiet", async || signing_in(&page).await.is_null()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_pasted_and_a_wrong_one_ends_nothing() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in_paste", json!({"code": "a#b"})).await.unwrap_err();
    invoke(&page, "sign_in", json!({"account": "default", "way": "paste"})).await.unwrap();
    until("an address is told", async || signing_in(&page).await["url"].is_string()).await;
    let told = signing_in(&page).await;
    for wrong in ["half a code", "code#of-another-state"] {
        invoke(&page, "sign_in_paste", json!({"code": wrong})).await.unwrap();
        until("it is remarked upon", async || signing_in(&page).await["trouble"].is_object()).await;
    }
    let code = provider.code_to_paste(told["url"].as_str().unwrap()).await;
    invoke(&page, "sign_in_paste", json!({"code": code})).await.unwrap();
    is_signed_in(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_window_cancels_and_leaves_nothing() {
    let provider = unhurried();
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    session.shows("Sign in").await;
    assert_eq!(phase(&page, "waiting").await["account"], "default");
    session.shoot("sign-in-window");
    let second = invoke(&page, "sign_in", json!({"account": "work", "way": "window"})).await.unwrap_err();
    assert_eq!(second["code"], "signing_in");
    session.display.close("Sign in");
    until("all is quiet", async || signing_in(&page).await.is_null()).await;
    assert_eq!(session.accounts().await, json!([]));

    // And so does the page's Cancel.
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    session.shows("Sign in").await;
    invoke(&page, "sign_in_cancel", json!({})).await.unwrap();
    session.shows_no("Sign in").await;
    assert!(signing_in(&page).await.is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_says_what_to_do() {
    let provider = Provider::start_with(Options { deny: true, ..Options::default() });
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    let told = phase(&page, "failed").await;
    assert!(told["message"].as_str().unwrap().contains("Sign in again when you are ready"), "{told}");
    session.shows_no("Sign in").await;
    invoke(&page, "sign_in_cancel", json!({})).await.unwrap();
    assert!(signing_in(&page).await.is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_is_replaced_only_after_a_yes() {
    let options = Options { automatic: true, ..Options::default() };
    let other = options.people.iter().find(|it| it.email != options.person).unwrap().email.clone();
    let provider = Provider::start_with(options.clone());
    let mut session = Session::new(&provider.url());
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    is_signed_in(&session).await;
    until("all is quiet", async || signing_in(&page).await.is_null()).await;
    provider.set(|options| options.person.clone_from(&other));
    for (yes, who) in [(false, &options.person), (true, &other)] {
        invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
        let told = phase(&page, "replace").await;
        assert!(told["message"].as_str().unwrap().contains(other.as_str()), "{told}");
        invoke(&page, "sign_in_replace", json!({"yes": yes})).await.unwrap();
        until("all is quiet", async || signing_in(&page).await.is_null()).await;
        assert_eq!(session.accounts().await[0]["identity"]["email"], who.as_str());
    }
    let alive = provider.sign_ins().into_iter().filter(|it| it.alive).count();
    assert_eq!(alive, 1, "what was turned down and what was replaced are ended at the provider");
}

/// The official CLI, as far as signing in goes (facts: "Its own sign-in, run by another program"); what it knows of the
/// sign-in is in the file beside it. Nobody listens at its address.
const CLAUDE: &str = r#"#!/bin/sh
[ "$*" = "auth login" ] || exit 9
echo "$CLAUDE_CONFIG_DIR" > "${0%/*}/folder"
echo "If the browser didn't open, visit: http://127.0.0.1:9/oauth/authorize?code=true&state=s"
printf 'Paste code here if prompted > '
read -r code || exit 1
[ "$code" = "code#s" ] || { echo "Invalid code"; exit 1; }
umask 077
cp "${0%/*}/sign-in.json" "$CLAUDE_CONFIG_DIR/.credentials.json"
echo "Login successful."
"#;

/// A sign-in that the official CLI made, as its file.
async fn sign_in_of_the_cli(provider: &Provider) -> String {
    let home = bed::Home::new().provider(provider);
    home.tokenferry(["login"]).run().await.succeeds();
    let file = home.path().join("given.json");
    let out = file.to_str().unwrap();
    home.tokenferry(["export", "claude-code", "--with-refresh-token", "--yes", "--to", out]).run().await.succeeds();
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_cli_signs_in_and_its_sign_in_is_taken_over() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url()).with_program("claude", CLAUDE);
    let programs = session.home.path().join("programs");
    std::fs::write(programs.join("sign-in.json"), sign_in_of_the_cli(&provider).await).unwrap();
    let page = session.open(&[]).await;
    for (code, is_good) in [("wrong", false), ("code#s", true)] {
        invoke(&page, "sign_in", json!({"account": "default", "way": "cli"})).await.unwrap();
        until("its address is told", async || signing_in(&page).await["url"].is_string()).await;
        let address = signing_in(&page).await["url"].as_str().unwrap().to_owned();
        assert!(address.ends_with("?code=true&state=s"), "{address}");
        let folder = std::fs::read_to_string(programs.join("folder")).unwrap();
        assert!(std::path::Path::new(folder.trim()).is_dir());
        invoke(&page, "sign_in_paste", json!({"code": code})).await.unwrap();
        if is_good {
            is_signed_in(&session).await;
        } else {
            phase(&page, "failed").await;
        }
        until("its folder is gone", async || !std::path::Path::new(folder.trim()).exists()).await;
    }
    let renewed = provider.sign_ins().into_iter().filter(|it| it.alive).all(|it| it.generation > 0);
    assert!(renewed, "what the CLI had is of no more use");
}
