//! What is told: health to everybody, how things stand to those who may, and a document of it all.

use bed::steps::eventually;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::scene::{Scene, problem};

#[tokio::test]
async fn live_and_ready_are_told_apart() {
    let scene = Scene::new().await;
    let asks = async |path: &str| {
        let answer = scene.asks("GET", path).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let well = (StatusCode::OK, json!({"live": true, "ready": true}));
    eventually("it is ready", async || asks("/health/ready").await == well).await;
    assert_eq!(asks("/health").await, well);
    assert_eq!(asks("/health/live").await, well);
    // Settings that can't be read: live, and not ready.
    let settings = scene.home.state().join("config.toml");
    std::fs::write(&settings, "no-such-setting = true").unwrap();
    let (status, problem) = asks("/health/ready").await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("not_ready")));
    assert_eq!(asks("/health").await, (StatusCode::SERVICE_UNAVAILABLE, json!({"live": true, "ready": false})));
    assert_eq!(asks("/health/live").await.0, StatusCode::OK);
    std::fs::remove_file(&settings).unwrap();
    assert_eq!(asks("/health").await, well);
    scene.ends().await;
}

#[tokio::test]
async fn metrics_tell_states_ends_and_what_happened() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("prometheus", &["--allow", "status"]).await;
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    let folder = scene.home.path().join("delivered");
    std::fs::create_dir(&folder).unwrap();
    scene.home.tokenferry(["destination", "add", "web", "--yes", "--directory"]).arg(&folder).run().await.succeeds();
    scene.home.tokenferry(["sync"]).run().await.succeeds();
    let metrics = async || scene.asks("GET", "/metrics").bearer_auth(&key).send().await.unwrap().text().await.unwrap();
    eventually("the renewal is counted", async || {
        metrics().await.contains("tokenferry_events_total{kind=\"renewed\"} 1")
    })
    .await;
    // The server may deliver, too, as soon as it hears of the destination.
    let delivered = |text: &str| {
        let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.parse::<u32>().ok());
        let within = number("tokenferry_delivery_duration_seconds_bucket{le=\"60.0\"} ");
        (number("tokenferry_delivery_duration_seconds_count "), within)
    };
    eventually("the delivery is timed", async || delivered(&metrics().await).0.is_some_and(|it| it > 0)).await;
    let text = metrics().await;
    let (timed, within) = delivered(&text);
    assert_eq!(within, timed, "{text}");
    for line in [
        "tokenferry_account_state{account=\"default\",state=\"fresh\"} 1",
        "tokenferry_account_renewals{account=\"default\"} 1",
        "tokenferry_access_token_ends_timestamp_seconds{account=\"default\"} ",
        "tokenferry_sign_in_ends_timestamp_seconds{account=\"default\"} ",
        "tokenferry_http_answers_total{endpoint=\"metrics\",status=\"200\"} ",
        "tokenferry_http_duration_seconds_bucket{le=\"0.01\",endpoint=\"oauth\"} ",
        "tokenferry_kept_fresh 1",
        "tokenferry_renewal_duration_seconds_count 1",
        "tokenferry_renewal_duration_seconds_bucket{le=\"60.0\"} 1",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
    let took = text.lines().find_map(|line| line.strip_prefix("tokenferry_renewal_duration_seconds_sum "));
    let took: f64 = took.unwrap().parse().unwrap();
    assert!(took > 0.0 && took < 20.0, "a renewal took {took} s");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut canary = bed::Canary::new(scene.provider.secrets());
    canary.look("the metrics", text.as_bytes());
    canary.assert_unseen();
    scene.ends().await;
}

#[tokio::test]
async fn the_document_tells_what_there_is() {
    let scene = Scene::new().await;
    let document: Value = scene.asks("GET", "/openapi.json").send().await.unwrap().json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in document["paths"].as_object().unwrap().keys() {
        let answer = scene.asks("OPTIONS", path).send().await.unwrap();
        assert!(answer.headers().contains_key("allow"), "{path} is there");
        problem(answer, 405, "bad_method").await;
    }
    problem(scene.asks("GET", "/nothing").send().await.unwrap(), 404, "not_found").await;
    scene.ends().await;
}
