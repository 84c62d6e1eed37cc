//! A token for a year: got, shown, never renewed, told of before its end, taken back.

use std::time::Duration;

use bed::{Home, Provider};
use jiff::Timestamp;
use practice::{EndedBy, Endpoint};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Desk, prompted};
use crate::steps::{
    Browser, account, approve, delivering, outlive_token, printed_token, refusal, report, sign_in, token, token_in,
};

const DAY: u64 = 24 * 3600;

fn lifetime(provider: &Provider, seconds: u64) {
    provider.set(|options| options.year_token_lifetime = Duration::from_secs(seconds));
}

async fn get_year(home: &Home) {
    home.tokenferry(["login", "--one-year", "--account", "ci"]).run().await.succeeds();
}

/// The kinds of what happened to the account, oldest first.
async fn activity(home: &Home) -> Vec<String> {
    let events = report(home.tokenferry(["activity"])).await;
    let events = events.as_array().expect("events").iter().filter(|event| event["account"] == "ci");
    events.map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_year_for_inference_alone_that_nobody_renews() {
    let desk = Desk::new();
    let Desk { provider, home, .. } = &desk;
    let told = home.tokenferry(["login", "--one-year", "--account", "ci"]).run().await.succeeds();
    assert!(told.stderr.contains("Got a token for ada@practice.example"), "{told}");
    assert!(told.stderr.contains("never renewed"), "{told}");

    let ci = account(home, "ci").await;
    assert_eq!((&ci["kind"], &ci["code"], &ci["refresh_count"]), (&json!("one_year"), &json!("fresh"), &json!(0)));
    assert_eq!((&ci["access_token_ends"], &ci["next_step"]), (&ci["sign_in_ends"], &json!("")));
    let ends: Timestamp = ci["access_token_ends"].as_str().unwrap().parse().unwrap();
    let left = ends.duration_since(Timestamp::now()).as_secs().cast_unsigned();
    assert!((364 * DAY..=365 * DAY).contains(&left), "{left} seconds are left");
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains("A one-year token, for inference only: it is never renewed\n"), "{words}");

    let year = printed_token(home.tokenferry(["token", "--account", "ci"])).await;
    assert_eq!(prompted(provider, &year).await, 200);
    assert_eq!(Browser::new().as_holder_of(&year, &provider.url()).await.0, 403, "it is for inference alone");
    let told = home.tokenferry(["token", "--json"]).prints_a_secret().run().await.succeeds().json();
    assert_eq!((&told["kind"], &told["scopes"]), (&json!("one_year"), &json!(["user:inference"])));

    assert_eq!(refusal(home.tokenferry(["refresh"]), 1).await, "nothing_to_renew");
    let refused = home.tokenferry(["refresh"]).run().await.ends_with(1).stderr;
    assert!(refused.contains("ci has a one-year token, which is never renewed"), "{refused}");
    assert!(refused.contains("`tokenferry login --one-year --account ci`"), "{refused}");
    assert_eq!(token(home).await, year);
    assert_eq!(provider.record().count(Endpoint::Refresh), 0);
    assert_eq!(provider.record().count(Endpoint::Profile), 1, "only this test asked");

    let gone = home.tokenferry(["logout"]).run().await.succeeds();
    assert!(gone.stderr.contains("Signed out ci."), "{gone}");
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation));
    assert_eq!(prompted(provider, &year).await, 401);
    assert_eq!(account(home, "ci").await, Value::Null);
    assert_eq!(activity(home).await, ["signed_in", "signed_out"]);
    desk.search();
}

#[tokio::test]
async fn the_code_may_be_pasted_and_it_is_a_year_still() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let printed = home.tokenferry(["login", "--one-year", "--paste"]).run().await.succeeds().stdout;
    let code = provider.code_to_paste(printed.trim()).await;
    assert_eq!(report(home.tokenferry(["callback", &code])).await["kind"], "one_year");
    assert_eq!(account(&home, "default").await["kind"], "one_year");
}

#[tokio::test]
async fn its_end_is_told_in_time_and_once() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    lifetime(&provider, 5 * DAY + 3600);
    get_year(&home).await;
    let ci = account(&home, "ci").await;
    assert_eq!(ci["code"], "fresh");
    assert!(ci["state"].as_str().unwrap().ends_with(", and ends in 5 days"), "{ci}");
    assert_eq!(ci["next_step"], "Get another before it ends: `tokenferry login --one-year --account ci`.");
    let doctor = home.tokenferry(["doctor", "--json"]).run().await.stdout;
    assert!(doctor.contains("token_ends_soon"), "{doctor}");
    for _ in 0..2 {
        let mut run = home.tokenferry(["run"]).spawn();
        run.says("Keeping everything fresh.").await;
        if activity(&home).await.len() < 2 {
            run.says("The one-year token of ci ends").await;
        }
        run.signal(Signal::TERM);
        run.finish().await.succeeds();
    }
    assert_eq!(activity(&home).await, ["signed_in", "ends_soon"]);

    // Another token, another end.
    lifetime(&provider, 3);
    get_year(&home).await;
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("The one-year token of ci has ended: get another with `tokenferry login --one-year --account ci`.").await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    let told = activity(&home).await;
    assert_eq!(told.last().map(String::as_str), Some("ended"), "{told:?}");
    assert_eq!(account(&home, "ci").await["code"], "needs_sign_in");
    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "ended");
    assert_eq!(refusal(home.tokenferry(["refresh"]), 4).await, "ended");
    assert_eq!(provider.record().count(Endpoint::Refresh), 0);
}

#[tokio::test]
async fn every_copy_of_it_is_taken_back() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    get_year(&home).await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(token_in(&volume).await, token(&home).await);
    home.tokenferry(["account", "remove", "ci"]).run().await.succeeds();
    assert_eq!(volume.find(".credentials.json").await, None);
}

#[tokio::test]
async fn a_provider_that_ends_no_such_token_is_said_plainly() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    provider.set(|options| options.keep_year_tokens = true);
    get_year(&home).await;
    let year = token(&home).await;
    let gone = home.tokenferry(["logout"]).run().await.succeeds();
    assert!(gone.stderr.contains("Claude does not end a one-year token before its time"), "{gone}");
    assert_eq!(prompted(&provider, &year).await, 200);
    assert_eq!(account(&home, "ci").await, Value::Null, "here it is forgotten all the same");
}

#[tokio::test]
async fn it_takes_the_place_of_a_sign_in_only_where_somebody_says_so() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let refused = home.tokenferry(["login", "--one-year"]).run().await.ends_with(1);
    assert!(refused.stderr.contains("is signed in as ada@practice.example"), "{refused}");
    assert!(refused.stderr.contains("a one-year token for ada@practice.example"), "{refused}");
    assert_eq!(account(&home, "default").await["kind"], "sign_in");
    let ends = || provider.sign_ins().iter().map(|it| it.ended_by).collect::<Vec<_>>();
    assert_eq!(ends(), [None, Some(EndedBy::Revocation)], "the new token is ended, not the sign-in");
    home.tokenferry(["login", "--one-year", "--yes"]).run().await.succeeds();
    assert_eq!(account(&home, "default").await["kind"], "one_year");
    assert_eq!(ends(), [Some(EndedBy::Revocation), Some(EndedBy::Revocation), None]);
    // A new one in its place ends the one before.
    home.tokenferry(["login", "--one-year"]).run().await.succeeds();
    assert_eq!(ends()[2..], [Some(EndedBy::Revocation), None]);
}

#[tokio::test]
async fn one_that_has_ended_is_given_to_nobody() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    lifetime(&provider, 1);
    get_year(&home).await;
    outlive_token(&home, "ci").await;
    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "ended");
    let list = home.tokenferry(["account", "list"]).run().await.succeeds().stdout;
    assert!(list.starts_with("ci  one-year token  ended "), "{list}");
}
