//! Signing in by the browser, and all that may come to the loopback listener meanwhile.

use std::time::Duration;

use bed::{Canary, Home, Provider, Running};
use jiff::{SignedDuration, Timestamp};
use practice::{EndedBy, Endpoint, Fault, Trouble};
use rustix::process::Signal;
use serde_json::{Value, json};
use url::Url;

use crate::steps::{
    Browser, account, eventually, is_open, parameter, printed_address, refusal, report, sign_in, status, vault_entries,
};

/// A login that waits for its browser, which the test plays: where to go, and where it will be sent back to.
async fn waiting(home: &Home) -> (Running, Url, Url) {
    let mut login = home.tokenferry(["login"]).set("BROWSER", "true").spawn();
    let authorize = printed_address(&mut login).await;
    let redirect = parameter(&authorize, "redirect_uri").parse().unwrap();
    (login, authorize, redirect)
}

/// Nothing of a sign-in that did not come to pass is left.
async fn assert_nothing_is_left(home: &Home) {
    assert_eq!(status(home).await["accounts"], json!([]));
    assert_eq!(vault_entries(home), [] as [String; 0]);
}

#[tokio::test]
async fn a_person_signs_in_and_is_known() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider).talkative();
    let login = home.tokenferry(["login"]).run().await.succeeds();
    assert!(login.stderr.contains("Signed in as ada@practice.example, Ada's practice organization (max)."), "{login}");
    assert_eq!(login.stdout, "");

    let ada = account(&home, "default").await;
    assert_eq!((ada["code"].as_str(), ada["refresh_count"].as_u64()), (Some("fresh"), Some(0)), "{ada}");
    assert_eq!(ada["identity"]["email"], "ada@practice.example");
    // The provider names no end of the sign-in, so it is counted as the official CLI does.
    let ends: Timestamp = ada["sign_in_ends"].as_str().unwrap().parse().unwrap();
    let left = ends.duration_since(Timestamp::now());
    let month = SignedDuration::from_hours(30 * 24);
    assert!(left <= month && left > month - SignedDuration::from_mins(5), "{left}");
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains("Fresh until ") && words.contains("Signed in until "), "{words}");

    let record = provider.record();
    assert_eq!([Endpoint::Authorize, Endpoint::Exchange, Endpoint::Profile].map(|it| record.count(it)), [1; 3]);
    let mut canary = Canary::new(provider.secrets());
    home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn programs_are_told_as_json() {
    let provider = Provider::start();
    provider.set(|options| options.show_sign_in_end = true);
    provider.set(|options| options.sign_in_lifetime = Duration::from_secs(3 * 24 * 3600));
    let home = Home::new().provider(&provider);
    let told = report(home.tokenferry(["login", "--account", "work"])).await;
    assert_eq!((told["account"].as_str(), told["identity"]["plan"].as_str()), (Some("work"), Some("max")), "{told}");
    // Where the provider names the sign-in's end, that one counts, and within the last week it is said plainly.
    let ends: Timestamp = told["sign_in_ends"].as_str().unwrap().parse().unwrap();
    assert!(ends.duration_since(Timestamp::now()) < SignedDuration::from_hours(3 * 24), "{told}");
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains("ends in 2 days") && words.contains("tokenferry login --account work"), "{words}");
}

#[tokio::test]
async fn strays_and_wrong_states_change_nothing_and_a_second_hit_is_told_so() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let (login, authorize, redirect) = waiting(&home).await;
    let browser = Browser::new();
    let at = |path: &str| redirect.join(path).unwrap();
    assert_eq!(browser.open(at("/favicon.ico")).await.0, 404);
    assert_eq!(browser.open(at("/callback")).await.0, 400);
    let (code, page) = browser.open(at("/callback?code=stolen&state=guessed")).await;
    assert!(code == 400 && page.contains("not the sign-in that was begun"), "{page}");
    assert_eq!(browser.open(at("/callback?error=access_denied&state=guessed")).await.0, 400);
    assert_eq!(provider.record().count(Endpoint::Exchange), 0);

    provider.fault(Fault::at(Endpoint::Exchange, Trouble::SlowHeaders { ms: 500 }).times(1));
    let answer = browser.led_to(&authorize).await;
    let first = tokio::spawn({
        let (browser, answer) = (browser.clone(), answer.clone());
        async move { browser.open(answer).await }
    });
    eventually("the code is traded", async || provider.record().count(Endpoint::Exchange) == 1).await;
    let (code, page) = browser.open(&answer).await;
    assert!(code == 200 && page.contains("has already arrived"), "{page}");
    let (code, page) = first.await.unwrap();
    assert!(code == 200 && page.contains("You are signed in"), "{page}");
    assert!(page.contains("ada@practice.example") && page.contains("You can close this page."), "{page}");

    login.finish().await.succeeds();
    assert_eq!(provider.record().count(Endpoint::Exchange), 1);
    assert_eq!(account(&home, "default").await["code"], "fresh");
    assert!(!is_open(redirect.port().unwrap()).await, "the port is still open");
}

#[tokio::test]
async fn a_no_is_shown_in_the_browser_and_the_terminal() {
    let provider = Provider::start();
    provider.set(|options| options.deny = true);
    let home = Home::new().provider(&provider);
    let (login, authorize, _) = waiting(&home).await;
    let (_, page) = Browser::new().open(authorize).await;
    assert!(page.contains("That did not work") && page.contains("access_denied"), "{page}");
    let login = login.finish().await.ends_with(1);
    assert!(login.stderr.contains("The sign-in was not granted (access_denied)."), "{login}");
    assert_eq!(refusal(home.tokenferry(["login"]), 1).await, "denied");
    assert_nothing_is_left(&home).await;
}

#[tokio::test]
async fn a_code_that_is_refused_is_shown_too() {
    let provider = Provider::start();
    provider.set(|options| options.code_lifetime = Duration::ZERO);
    let home = Home::new().provider(&provider);
    let (login, authorize, _) = waiting(&home).await;
    let (_, page) = Browser::new().open(authorize).await;
    assert!(page.contains("That did not work"), "{page}");
    let login = login.finish().await.ends_with(1);
    assert!(login.stderr.contains("Start again with `tokenferry login`"), "{login}");
    assert_nothing_is_left(&home).await;
}

#[tokio::test]
async fn a_profile_that_cannot_be_had_holds_no_sign_in_up() {
    let provider = Provider::start();
    provider.fault(Fault::at(Endpoint::Profile, Trouble::status(500)));
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    // The token's answer names them as well.
    assert_eq!(account(&home, "default").await["identity"]["email"], "ada@practice.example");
}

#[tokio::test]
async fn a_sign_in_that_could_not_be_kept_fresh_is_not_taken() {
    let provider = Provider::start();
    provider.fault(Fault::at(Endpoint::Exchange, Trouble::Without { field: "refresh_token".to_owned() }));
    let home = Home::new().provider(&provider);
    assert_eq!(refusal(home.tokenferry(["login"]), 1).await, "no_refresh_token");
    assert_nothing_is_left(&home).await;
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_behind() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let (login, _, redirect) = waiting(&home).await;
    login.signal(Signal::INT);
    login.finish().await.ends_with(130);
    assert!(!is_open(redirect.port().unwrap()).await, "the port is still open");
    assert_nothing_is_left(&home).await;
}

/// The provider has made a sign-in by then, and nobody would ever end it.
#[tokio::test]
async fn ctrl_c_while_the_code_is_traded_leaves_nothing_behind_either() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    provider.fault(Fault::at(Endpoint::Profile, Trouble::SlowHeaders { ms: 1500 }).times(1));
    let login = home.tokenferry(["login"]).spawn();
    eventually("the profile is asked for", async || provider.record().count(Endpoint::Profile) == 1).await;
    login.signal(Signal::INT);
    login.finish().await.ends_with(130);
    assert_nothing_is_left(&home).await;
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation), "the tokens are still good");
}

#[tokio::test]
async fn without_a_browser_the_address_is_printed() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let no_programs = home.path().join("tmp");
    let mut login = home.tokenferry(["login"]).unset("BROWSER").set("PATH", no_programs).spawn();
    let said = login.says("--paste").await;
    assert!(said.contains("Open this address in a browser on this machine"), "{said}");
    let address = printed_address(&mut login).await;
    Browser::new().open(address).await;
    login.finish().await.succeeds();
    assert_ne!(account(&home, "default").await, Value::Null);
}
