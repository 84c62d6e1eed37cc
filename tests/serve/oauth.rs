//! The endpoints that LiteLLM's documents describe: a whole sign-in, by a grant and by a person.

use practice::Endpoint;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::scene::{Scene, problem};

#[tokio::test]
async fn a_grant_signs_its_account_in_and_out() {
    let scene = Scene::new().await;
    let key = scene.grant("litellm", &["--account", "work", "--allow", "sign-in", "--allow", "status"]).await;
    let asks = |method: &str, path: &str| scene.asks(method, path).bearer_auth(&key);
    let status = async || asks("GET", "/auth/claude/oauth/status").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(status().await, json!({"authenticated": false, "expires_in": 0, "needs_refresh": false}));

    let started: Value = asks("GET", "/auth/claude/oauth/start").send().await.unwrap().json().await.unwrap();
    let pasted = scene.provider.code_to_paste(started["authorization_url"].as_str().unwrap()).await;
    let (code, state) = pasted.split_once('#').unwrap();
    assert_eq!(state, started["state"]);
    let exchange = async |body: Value| asks("POST", "/auth/claude/oauth/exchange").json(&body).send().await.unwrap();
    problem(exchange(json!({"code": code, "state": "another"})).await, 400, "not_pending").await;
    problem(exchange(json!({"code": code})).await, 400, "bad_request").await;
    problem(exchange(json!({"code": code, "state": state, "more": 1})).await, 400, "bad_request").await;
    problem(exchange(json!({"code": "", "state": state})).await, 400, "code_incomplete").await;
    assert_eq!(scene.provider.record().count(Endpoint::Exchange), 0, "none of these is worth asking");
    let done = exchange(json!({"code": pasted, "state": state})).await;
    assert_eq!(done.status(), StatusCode::OK);
    let done: Value = done.json().await.unwrap();
    assert!(done["success"] == true && done["expires_in"].as_i64().unwrap() > 28_000, "{done}");
    problem(exchange(json!({"code": code, "state": state})).await, 400, "not_pending").await;

    let stands = status().await;
    assert_eq!((&stands["authenticated"], &stands["needs_refresh"]), (&json!(true), &json!(false)));
    let renewed: Value = asks("POST", "/auth/claude/oauth/refresh").send().await.unwrap().json().await.unwrap();
    assert_eq!(renewed["success"], true);
    assert_eq!(bed::steps::account(&scene.home, "work").await["refresh_count"], 1);
    let out: Value = asks("DELETE", "/auth/claude/oauth").send().await.unwrap().json().await.unwrap();
    assert_eq!(out, json!({"success": true, "copies_left": 0, "provider_told": true}));
    assert_eq!(status().await["authenticated"], false);
    problem(asks("POST", "/auth/claude/oauth/refresh").send().await.unwrap(), 409, "signed_out").await;
    problem(asks("GET", "/auth/claude/oauth/start?account=default").send().await.unwrap(), 403, "another_account")
        .await;
    scene.ends().await;
}

#[tokio::test]
async fn what_was_begun_for_another_account_is_not_a_grants_to_finish() {
    let scene = Scene::new().await;
    let (ada, bob) = (["--account", "ada", "--allow", "sign-in"], ["--account", "bob", "--allow", "sign-in"]);
    let (ada, bob) = (scene.grant("ada", &ada).await, scene.grant("bob", &bob).await);
    let started = scene.asks("GET", "/auth/claude/oauth/start").bearer_auth(&ada).send().await.unwrap();
    let started: Value = started.json().await.unwrap();
    let pasted = scene.provider.code_to_paste(started["authorization_url"].as_str().unwrap()).await;
    let body = json!({"code": pasted, "state": started["state"]});
    let finish = |key: &str| scene.asks("POST", "/auth/claude/oauth/exchange").bearer_auth(key).json(&body).send();
    let refused = finish(&bob).await.unwrap();
    assert!([400, 403].contains(&refused.status().as_u16()), "{}", refused.status());
    assert_eq!(finish(&ada).await.unwrap().status(), StatusCode::OK, "and it waits on for its owner");
    scene.ends().await;
}

#[tokio::test]
async fn somebody_elses_sign_in_is_replaced_only_where_that_is_said() {
    let scene = Scene::signed_in().await;
    let person = scene.person().await;
    let signs_in = async |replace: bool| {
        let started = person.changes(scene.asks("GET", "/auth/claude/oauth/start")).send().await.unwrap();
        let started: Value = started.json().await.unwrap();
        let address = format!("{}&login_hint=grace%40practice.example", started["authorization_url"].as_str().unwrap());
        let code = scene.provider.code_to_paste(&address).await;
        let body = json!({"code": code, "state": started["state"], "replace": replace});
        person.changes(scene.asks("POST", "/auth/claude/oauth/exchange")).json(&body).send().await.unwrap()
    };
    problem(signs_in(false).await, 409, "somebody_else").await;
    assert_eq!(bed::steps::account(&scene.home, "default").await["identity"]["email"], "ada@practice.example");
    assert_eq!(signs_in(true).await.status(), StatusCode::OK);
    assert_eq!(bed::steps::account(&scene.home, "default").await["identity"]["email"], "grace@practice.example");
    scene.ends().await;
}

#[tokio::test]
async fn so_many_sign_ins_wait_and_no_more() {
    let scene = Scene::new().await;
    let key = scene.grant("page", &["--account", "ada", "--allow", "sign-in", "--per-second", "1000"]).await;
    let mut last = None;
    for _ in 0..21 {
        last = Some(scene.asks("GET", "/auth/claude/oauth/start").bearer_auth(&key).send().await.unwrap());
    }
    problem(last.unwrap(), 429, "too_many_waiting").await;
    scene.ends().await;
}
