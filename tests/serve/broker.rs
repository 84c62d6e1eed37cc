//! Tokens for programs with a grant: their own account's, while they may, and never one that is dead.

use std::time::Duration;

use bed::steps::{eventually, token};
use practice::{Endpoint, Fault, Trouble};
use reqwest::StatusCode;
use serde_json::Value;

use crate::scene::{Scene, grant_file, problem};

/// What the token endpoint gives.
async fn given(scene: &Scene, key: &str) -> Value {
    let answer = scene.asks("GET", "/v1/token").bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_grant_is_given_the_access_token_and_nothing_else() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &[]).await;
    let answer = given(&scene, &key).await;
    assert_eq!(answer["access_token"], token(&scene.home).await);
    assert_eq!((&answer["token_type"], &answer["account"]), (&"Bearer".into(), &"default".into()));
    let left = answer["expires_in"].as_i64().unwrap();
    assert!((8 * 3600 - 60..=8 * 3600).contains(&left), "{left}");
    let names: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "token_type", "expires_in", "account"], "and no refresh token");
    // It is kept as a hash, and shown nowhere.
    let listed = scene.home.tokenferry(["grant", "list", "--json"]).run().await.succeeds();
    assert_eq!(listed.json()[0]["name"], "ci");
    let mut canary = bed::Canary::new([key[21..].to_owned()].into_iter().chain(scene.provider.secrets()));
    scene.ends().await.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn after_a_renewal_the_new_token_is_given() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &[]).await;
    let before = given(&scene, &key).await["access_token"].clone();
    assert_eq!(given(&scene, &key).await["access_token"], before);
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    let renewed = token(&scene.home).await;
    eventually("the new one is given", async || given(&scene, &key).await["access_token"] == renewed.as_str()).await;
    scene.ends().await;
}

#[tokio::test]
async fn another_accounts_token_is_nobodys_business() {
    let scene = Scene::signed_in().await;
    scene.home.tokenferry(["login", "--account", "work"]).run().await.succeeds();
    let key = scene.grant("ci", &["--account", "work"]).await;
    assert_eq!(given(&scene, &key).await["account"], "work");
    let asks = |path: &str| scene.asks("GET", path).bearer_auth(&key).send();
    problem(asks("/v1/token?account=default").await.unwrap(), 403, "another_account").await;
    problem(asks("/v1/token?account=nobody").await.unwrap(), 403, "another_account").await;
    problem(asks("/v1/token?account=../x").await.unwrap(), 400, "bad_request").await;
    problem(asks("/v1/token?account=work&account=default").await.unwrap(), 400, "bad_request").await;
    // Nor may it do anything else.
    for (method, path) in [("GET", "/status"), ("GET", "/metrics"), ("DELETE", "/auth/claude/oauth")] {
        let answer = scene.asks(method, path).bearer_auth(&key).send().await.unwrap();
        problem(answer, 403, "out_of_scope").await;
    }
    // Nor does one that may look get a token, or see the other.
    let looks = scene.grant("page", &["--account", "work", "--allow", "status"]).await;
    problem(scene.asks("GET", "/v1/token").bearer_auth(&looks).send().await.unwrap(), 403, "out_of_scope").await;
    let status: Value = scene.asks("GET", "/status").bearer_auth(&looks).send().await.unwrap().json().await.unwrap();
    let names: Vec<_> = status["accounts"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["work"]);
    let other = scene.asks("GET", "/status?account=default").bearer_auth(&looks).send().await.unwrap();
    problem(other, 403, "another_account").await;
    let metrics = scene.asks("GET", "/metrics").bearer_auth(&looks).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("account=\"work\"") && !metrics.contains("account=\"default\""), "{metrics}");
    scene.ends().await;
}

#[tokio::test]
async fn a_grant_ends_when_it_is_revoked_and_when_its_time_is_over() {
    let scene = Scene::signed_in().await;
    let (key, short) = (scene.grant("ci", &[]).await, scene.grant("short", &["--expires", "1s"]).await);
    let asks = |key: &str| scene.asks("GET", "/v1/token").bearer_auth(key).send();
    eventually("its time is over", async || asks(&short).await.unwrap().status() == StatusCode::UNAUTHORIZED).await;
    problem(asks(&short).await.unwrap(), 401, "grant_over").await;
    given(&scene, &key).await;
    scene.home.tokenferry(["grant", "revoke", "ci"]).run().await.succeeds();
    eventually("it is revoked", async || asks(&key).await.unwrap().status() == StatusCode::UNAUTHORIZED).await;
    problem(asks(&key).await.unwrap(), 401, "no_grant").await;
    let twice = scene.home.tokenferry(["grant", "revoke", "ci", "--json"]).run().await.ends_with(1);
    assert_eq!(twice.json()["error"]["code"], "no_such_grant");
    let taken = scene.home.tokenferry(["grant", "add", "short", "--yes", "--json"]).run().await.ends_with(1);
    assert_eq!(taken.json()["error"]["code"], "grant_taken");
    scene.ends().await;
}

#[tokio::test]
async fn a_grant_has_its_rate_and_each_use_is_counted() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &["--per-second", "5"]).await;
    let (mut given, mut refused) = (0, 0);
    for _ in 0..40 {
        match scene.asks("GET", "/v1/token").bearer_auth(&key).send().await.unwrap().status() {
            StatusCode::OK => given += 1,
            StatusCode::TOO_MANY_REQUESTS => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(given >= 4 && refused > 0, "{given} given, {refused} refused");
    let home = scene.ends().await;
    let listed = home.tokenferry(["grant", "list", "--json"]).run().await.succeeds().json();
    assert_eq!(listed[0]["uses"], given);
    let activity = home.tokenferry(["activity"]).run().await.succeeds().stdout;
    assert!(activity.contains("Gave the token of default to ci"), "{activity}");
}

#[tokio::test]
async fn who_asks_while_it_is_renewed_waits_for_the_new_one() {
    let options = practice::Options { access_token_lifetime: Duration::from_secs(8), ..practice::Options::default() };
    let scene = Scene::with(options, &[]).await;
    bed::steps::sign_in(&scene.home).await;
    let key = scene.grant("ci", &[]).await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::SlowHeaders { ms: 1500 }).times(1));
    let mut last = given(&scene, &key).await["access_token"].clone();
    let mut changes = 0;
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(12) {
        let answer = given(&scene, &key).await;
        assert!(answer["expires_in"].as_i64().unwrap() >= 1, "a token that ends: {}", answer["expires_in"]);
        if answer["access_token"] != last {
            last = answer["access_token"].clone();
            changes += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!((2..=4).contains(&changes), "{changes} renewals");
    scene.ends().await;
}

#[tokio::test]
async fn who_is_signed_out_has_no_token_any_more() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &["--allow", "token", "--allow", "sign-in"]).await;
    given(&scene, &key).await;
    let gone = scene.asks("DELETE", "/auth/claude/oauth").bearer_auth(&key).send().await.unwrap();
    assert_eq!(gone.json::<Value>().await.unwrap()["success"], true);
    let asks = scene.asks("GET", "/v1/token").bearer_auth(&key).send().await.unwrap();
    problem(asks, 409, "signed_out").await;
    // Whoever signs in again is who the grant is for.
    bed::steps::sign_in(&scene.home).await;
    given(&scene, &key).await;
    scene.home.tokenferry(["logout"]).run().await.succeeds();
    let asks = || scene.asks("GET", "/v1/token").bearer_auth(&key).send();
    eventually("it is heard of", async || asks().await.unwrap().status() == StatusCode::CONFLICT).await;
    let file = grant_file(&scene.home, &key);
    let ask = scene.home.tokenferry(["token", "--from", &scene.url, "--json", "--grant-file"]).arg(&file);
    assert_eq!(ask.run().await.ends_with(4).json()["error"]["code"], "signed_out");
    scene.ends().await;
}
