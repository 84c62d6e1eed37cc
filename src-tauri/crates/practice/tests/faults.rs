//! Each fault, as a client meets it; and whether the provider had done its work by then.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code")]

mod bed;

use std::time::{Duration, Instant};

use bed::{Client, Tokens, automatic, read};
use practice::{Endpoint, Fault, OAUTH_BETA, RetryAfter, Trouble};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A client that is signed in, whose renewals meet `fault`.
async fn signed_in_with(fault: Fault) -> (Client, Tokens) {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    client.practice.fault(fault);
    (client, tokens)
}

fn refresh(trouble: Trouble) -> Fault {
    Fault::at(Endpoint::Refresh, trouble).times(1)
}

/// How often the refresh token has rotated.
fn generation(client: &Client) -> u32 {
    client.practice.sign_ins()[0].generation
}

#[tokio::test]
async fn a_status_comes_as_often_as_asked_and_touches_nothing() {
    let fault = refresh(Trouble::retry(503, RetryAfter::Seconds(7))).times(2);
    let (client, tokens) = signed_in_with(fault).await;
    for _ in 0..2 {
        let answer = client.refreshing(&tokens.refresh).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "7");
    }
    assert_eq!(generation(&client), 0);
    assert_eq!(client.refresh(&tokens.refresh).await.0, StatusCode::OK);
    let record = client.practice.record();
    let statuses: Vec<_> = record.of(Endpoint::Refresh).map(|entry| (entry.status, entry.fault)).collect();
    assert_eq!(statuses, [(Some(503), Some("status")), (Some(503), Some("status")), (Some(200), None)]);
}

#[tokio::test]
async fn retry_after_can_be_a_date_by_the_providers_clock() {
    let (client, tokens) = signed_in_with(refresh(Trouble::retry(429, RetryAfter::DateIn(3600)))).await;
    client.practice.set(|options| options.clock_offset = jiff::SignedDuration::from_hours(24));
    let answer = client.refreshing(&tokens.refresh).send().await.unwrap();
    let date = jiff::fmt::rfc2822::parse(answer.headers()["retry-after"].to_str().unwrap()).unwrap();
    let ahead = date.timestamp().duration_since(jiff::Timestamp::now());
    assert!((ahead.as_secs() - 25 * 3600).abs() < 5, "{ahead}");
    assert_eq!(read(answer).await.1["error"]["type"], "rate_limit_error");
}

#[tokio::test]
async fn the_clear_refusals_come_as_json_and_bare() {
    let (client, tokens) = signed_in_with(refresh(Trouble::oauth_error("invalid_grant"))).await;
    let bare = Trouble::OAuthError { status: 401, error: "invalid_client".to_owned(), json: false };
    client.practice.fault(refresh(bare));
    let (status, answer) = client.refresh(&tokens.refresh).await;
    assert_eq!((status, answer), (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    let answer = client.refreshing(&tokens.refresh).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.text().await.unwrap(), "invalid_client");
    assert!(client.practice.sign_ins()[0].alive, "it was only said");
}

#[tokio::test]
async fn pages_and_garbage_are_not_json() {
    let (client, tokens) = signed_in_with(refresh(Trouble::HtmlPage { status: 502 })).await;
    client.practice.fault(refresh(Trouble::Garbage));
    let page = client.refreshing(&tokens.refresh).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::BAD_GATEWAY);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let garbage = client.refreshing(&tokens.refresh).send().await.unwrap();
    assert_eq!(garbage.status(), StatusCode::OK);
    assert_eq!(garbage.headers()["content-type"], "application/json");
    assert!(garbage.json::<Value>().await.unwrap_err().is_decode());
    assert_eq!(generation(&client), 0);
}

#[tokio::test]
async fn a_cut_body_arrives_in_part() {
    for after_work in [false, true] {
        let fault = Fault { after_work, ..refresh(Trouble::CutBody) };
        let (client, tokens) = signed_in_with(fault).await;
        let mut answer = client.refreshing(&tokens.refresh).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.chunk().await.unwrap().unwrap().starts_with(b"{\"token_type\""));
        assert!(answer.chunk().await.is_err());
        assert_eq!(generation(&client), u32::from(after_work));
    }
}

#[tokio::test]
async fn no_answer_may_come_before_or_after_the_work() {
    for after_work in [false, true] {
        let fault = Fault { after_work, ..refresh(Trouble::NoAnswer) };
        let (client, tokens) = signed_in_with(fault).await;
        let error = client.refreshing(&tokens.refresh).send().await.unwrap_err();
        assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(generation(&client), u32::from(after_work));
        let record = client.practice.record();
        let entry = record.of(Endpoint::Refresh).next().unwrap();
        assert_eq!((entry.status, entry.granted.is_some()), (None, after_work));
        // The answer that was lost held the only good refresh token.
        let expected = if after_work { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(client.refresh(&tokens.refresh).await.0, expected);
    }
}

#[tokio::test]
async fn a_hanging_request_ends_with_the_clients_patience() {
    let (client, tokens) = signed_in_with(refresh(Trouble::Hang)).await;
    let request = client.refreshing(&tokens.refresh).timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(generation(&client), 0);
    assert_eq!(client.refresh(&tokens.refresh).await.0, StatusCode::OK);
}

#[tokio::test]
async fn slow_headers_hold_the_whole_answer() {
    let (client, tokens) = signed_in_with(refresh(Trouble::SlowHeaders { ms: 1000 })).await;
    client.practice.fault(refresh(Trouble::SlowHeaders { ms: 1000 }).after_work());
    let impatient = || client.refreshing(&tokens.refresh).timeout(Duration::from_millis(500)).send();
    assert!(impatient().await.unwrap_err().is_timeout());
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(generation(&client), 0, "who goes away before the work is done is not served");
    assert!(impatient().await.unwrap_err().is_timeout());
    assert_eq!(generation(&client), 1);

    client.practice.fault(Fault::at(Endpoint::Profile, Trouble::SlowHeaders { ms: 300 }));
    let begun = Instant::now();
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::OK);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_slow_body_starts_at_once() {
    let (client, tokens) = signed_in_with(refresh(Trouble::SlowBody { ms: 1000 })).await;
    let begun = Instant::now();
    let answer = client.refreshing(&tokens.refresh).send().await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900));
    Tokens::of(&read(answer).await.1);
    assert!(begun.elapsed() >= Duration::from_millis(1000));
}

#[tokio::test]
async fn an_oversized_body_goes_on_and_on() {
    const MIB: u64 = 1024 * 1024;
    let (client, tokens) = signed_in_with(refresh(Trouble::Oversized { bytes: 3 * MIB })).await;
    let answer = client.refreshing(&tokens.refresh).send().await.unwrap();
    assert_eq!(answer.content_length(), None);
    assert!(answer.bytes().await.unwrap().len() as u64 >= 3 * MIB);
}

#[tokio::test]
async fn a_refresh_token_held_back_stays_valid() {
    let (client, tokens) = signed_in_with(refresh(Trouble::KeepRefreshToken)).await;
    let (status, answer) = client.refresh(&tokens.refresh).await;
    assert_eq!((status, answer.get("refresh_token")), (StatusCode::OK, None));
    let sign_in = client.practice.sign_ins().pop().unwrap();
    assert_eq!((sign_in.generation, sign_in.refreshes, sign_in.refresh_token_used), (0, 1, true));
    assert_eq!(client.profile(answer["access_token"].as_str().unwrap()).await.0, StatusCode::OK);
    assert_eq!(client.refresh(&tokens.refresh).await.0, StatusCode::OK);
}

#[tokio::test]
async fn fields_can_be_missing_or_of_the_wrong_type() {
    let cases = [
        ("expires_in", Some(json!("soon"))),
        ("expires_in", Some(json!(-5))),
        ("expires_in", None),
        ("access_token", Some(json!(""))),
        ("access_token", None),
        ("token_type", None),
    ];
    for (field, value) in cases {
        let field = field.to_owned();
        let trouble = match value.clone() {
            Some(value) => Trouble::With { field: field.clone(), value },
            None => Trouble::Without { field: field.clone() },
        };
        let (client, tokens) = signed_in_with(refresh(trouble)).await;
        let (status, answer) = client.refresh(&tokens.refresh).await;
        assert_eq!((status, answer.get(&field)), (StatusCode::OK, value.as_ref()));
        assert!(answer["refresh_token"].is_string());
    }
}

#[tokio::test]
async fn a_fault_spoils_its_own_endpoint_alone() {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    let prompt = json!({ "model": "practice", "messages": [{}] });
    let status = async |endpoint: Endpoint| {
        let request = match endpoint {
            Endpoint::Exchange => client.post("/v1/oauth/token").json(&json!({ "grant_type": "authorization_code" })),
            Endpoint::Refresh => client.post("/v1/oauth/token").json(&json!({ "grant_type": "refresh_token" })),
            Endpoint::Token => client.post("/v1/oauth/token").json(&json!({})),
            Endpoint::Revoke => client.post("/v1/oauth/token/revoke").json(&json!({})),
            Endpoint::Profile => client.get("/api/oauth/profile"),
            Endpoint::Usage => client.get("/api/oauth/usage"),
            Endpoint::Messages => client.post("/v1/messages").json(&prompt),
            Endpoint::Models => client.get("/v1/models"),
            Endpoint::CountTokens => client.post("/v1/messages/count_tokens").json(&prompt),
            Endpoint::Authorize => client.get("/oauth/authorize"),
            Endpoint::Callback => client.get("/oauth/code/callback"),
            Endpoint::Other => client.get("/elsewhere"),
        };
        let request = request.bearer_auth(&tokens.access).header("anthropic-beta", OAUTH_BETA);
        request.send().await.unwrap().status().as_u16()
    };
    let all = [
        Endpoint::Authorize,
        Endpoint::Callback,
        Endpoint::Exchange,
        Endpoint::Refresh,
        Endpoint::Token,
        Endpoint::Revoke,
        Endpoint::Profile,
        Endpoint::Usage,
        Endpoint::Messages,
        Endpoint::Models,
        Endpoint::CountTokens,
        Endpoint::Other,
    ];
    for spoiled in all {
        client.practice.fault(Fault::at(spoiled, Trouble::status(529)));
        for endpoint in all {
            assert_eq!(status(endpoint).await == 529, endpoint == spoiled, "{endpoint:?} while {spoiled:?} is spoiled");
        }
        client.practice.clear_faults();
    }
}
