//! How a person comes in: by a link, once; then by a cookie, and for changes with the page's own word.

use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::scene::{Scene, problem};

#[tokio::test]
async fn a_link_lets_in_once() {
    let scene = Scene::signed_in().await;
    problem(scene.asks("GET", "/status").send().await.unwrap(), 401, "not_let_in").await;
    let person = scene.person().await;
    let status: Value = person.looks(scene.asks("GET", "/status")).send().await.unwrap().json().await.unwrap();
    assert_eq!(status["accounts"][0]["code"], "fresh");
    // An old link.
    problem(scene.enters(&scene.key).await, 401, "link_over").await;
    // Another, made by another process.
    let printed = scene.home.tokenferry(["serve", "--link"]).run().await.succeeds();
    let (page, key) = printed.stdout.trim().split_once("/enter#").unwrap();
    assert_eq!(page, scene.url);
    assert_eq!(scene.enters(key).await.status(), StatusCode::OK);
    problem(scene.enters(key).await, 401, "link_over").await;
    // A key of another kind opens nothing, and neither does half a one.
    for bad in ["", &key[..key.len() - 1], &key.replace("tfl_", "tfs_"), "tfl_0123456789abcdef_"] {
        problem(scene.enters(bad).await, 401, "link_over").await;
    }
    scene.ends().await;
}

#[tokio::test]
async fn of_several_who_show_a_link_one_comes_in() {
    let scene = Scene::new().await;
    let all = futures_util::future::join_all((0..16).map(|_| scene.enters(&scene.key))).await;
    let let_in = all.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!(let_in, 1);
    scene.ends().await;
}

#[tokio::test]
async fn the_cookie_is_for_the_browser_alone() {
    let scene = Scene::new().await;
    let entered = scene.enters(&scene.key).await;
    let cookie = entered.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let told = entered.text().await.unwrap();
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!told.contains(secret), "the session's key is in the cookie alone");
    scene.ends().await;
}

#[tokio::test]
async fn a_change_needs_the_pages_own_word() {
    let scene = Scene::signed_in().await;
    let person = scene.person().await;
    let changes = [
        ("POST", "/auth/claude/oauth/refresh"),
        ("DELETE", "/auth/claude/oauth"),
        ("GET", "/auth/claude/oauth/start"),
        ("POST", "/auth/claude/oauth/exchange"),
        ("DELETE", "/session"),
    ];
    for (method, path) in changes {
        let without = person.looks(scene.asks(method, path)).send().await.unwrap();
        problem(without, 403, "no_csrf_token").await;
        let wrong = person.looks(scene.asks(method, path)).header("x-csrf-token", "wrong").send().await.unwrap();
        problem(wrong, 403, "no_csrf_token").await;
    }
    assert_eq!(scene.provider.sign_ins().len(), 1, "nothing came of it");
    let told: Value = person.looks(scene.asks("GET", "/session")).send().await.unwrap().json().await.unwrap();
    assert_eq!(told, json!({"csrf_token": person.csrf}));
    let renewed = person.changes(scene.asks("POST", "/auth/claude/oauth/refresh")).send().await.unwrap();
    assert_eq!(renewed.status(), StatusCode::OK);

    // Another session's word is no good.
    let printed = scene.home.tokenferry(["serve", "--link"]).run().await.succeeds().stdout;
    let (_, key) = printed.trim().split_once("/enter#").unwrap();
    let other: Value = scene.enters(key).await.json().await.unwrap();
    let mixed = person.looks(scene.asks("POST", "/auth/claude/oauth/refresh"));
    let mixed = mixed.header("x-csrf-token", other["csrf_token"].as_str().unwrap()).send().await.unwrap();
    problem(mixed, 403, "no_csrf_token").await;

    // Who leaves is out.
    let left = person.changes(scene.asks("DELETE", "/session")).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    problem(person.looks(scene.asks("GET", "/status")).send().await.unwrap(), 401, "not_let_in").await;
    scene.ends().await;
}

#[tokio::test]
async fn a_person_stays_in_over_a_restart() {
    let scene = Scene::new().await;
    let person = scene.person().await;
    let provider = bed::Provider::start();
    let again = Scene::over(provider, scene.ends().await, &[]).await;
    let status = person.looks(again.asks("GET", "/status")).send().await.unwrap();
    assert_eq!(status.status(), StatusCode::OK);
    again.ends().await;
}

#[tokio::test]
async fn browsers_are_led_to_the_door_and_shown_nothing_else() {
    let scene = Scene::with(practice::Options::default(), &["--base-path", "/auth"]).await;
    let front = scene.client.get(format!("{}/", scene.url)).send().await.unwrap();
    assert_eq!((front.status(), front.headers()["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/auth/enter"));
    let page = scene.asks("GET", "/enter").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    let expected = [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in expected {
        assert_eq!(page.headers()[name], value);
    }
    let text = page.text().await.unwrap();
    assert!(!text.contains("<script>") && !text.contains(" onclick"), "nothing inline:\n{text}");
    for asset in ["/enter.js", "/enter.css"] {
        assert_eq!(scene.asks("GET", asset).send().await.unwrap().status(), StatusCode::OK);
    }
    // What is for programs is at the root too, so that LiteLLM's paths are right whatever the page's are.
    let root = scene.url.strip_suffix("/auth").unwrap();
    for path in ["/auth/claude/oauth/status", "/status", "/auth/status", "/auth/auth/claude/oauth/status"] {
        problem(scene.client.get(format!("{root}{path}")).send().await.unwrap(), 401, "not_let_in").await;
    }
    scene.ends().await;
}
