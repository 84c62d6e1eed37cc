//! What is no sign-in: the token of a year that `setup-token` gets, and API keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code")]

mod bed;

use std::time::Duration;

use bed::{Client, automatic, parameter, read};
use practice::{CLIENT_ID, EndedBy, Endpoint, Fingerprint, Options};
use reqwest::StatusCode;
use serde_json::{Value, json};

const YEAR: u64 = 365 * 24 * 3600;

/// What a client is answered that asks for these scopes and a token of a year.
async fn year_for(client: &Client, scope: &str) -> (StatusCode, Value) {
    let mut parameters = Client::parameters();
    parameters.iter_mut().filter(|(name, _)| *name == "scope").for_each(|(_, value)| scope.clone_into(value));
    let code = parameter(&client.authorize(&parameters).await, "code").unwrap();
    let mut body = Client::exchange_body(&code);
    body["expires_in"] = json!(YEAR);
    client.token(&body).await
}

async fn year(client: &Client) -> String {
    let (status, answer) = year_for(client, "user:inference").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn revoke(client: &Client, token: &str) -> (StatusCode, Value) {
    let body = json!({"token": token, "token_type_hint": "access_token", "client_id": CLIENT_ID});
    read(client.post("/v1/oauth/token/revoke").json(&body).send().await.unwrap()).await
}

/// The status of a prompt, asked with a Bearer token.
async fn prompt(client: &Client, token: &str) -> StatusCode {
    let request = client.post("/v1/messages").bearer_auth(token).header("anthropic-beta", practice::OAUTH_BETA);
    request.json(&json!({"model": "m", "messages": [{}]})).send().await.unwrap().status()
}

#[tokio::test]
async fn setup_token_gets_a_year_and_no_refresh_token() {
    let client = Client::start(Options { show_sign_in_end: true, ..automatic() }).await;
    let (status, answer) = year_for(&client, "user:inference").await;
    assert_eq!((status, answer["expires_in"].as_u64()), (StatusCode::OK, Some(YEAR)), "{answer}");
    assert_eq!(answer["scope"], "user:inference");
    for absent in ["refresh_token", "refresh_token_expires_in"] {
        assert_eq!(answer.get(absent), None);
    }
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(prompt(&client, token).await, StatusCode::OK);
    assert_eq!(client.profile(token).await.0, StatusCode::FORBIDDEN, "it is for inference alone");
    client.practice.advance(Duration::from_secs(YEAR - 60));
    assert_eq!(prompt(&client, token).await, StatusCode::OK);
    client.practice.advance(Duration::from_secs(61));
    assert_eq!(prompt(&client, token).await, StatusCode::UNAUTHORIZED);
    assert!(!client.practice.sign_ins()[0].alive);
}

#[tokio::test]
async fn a_year_is_for_inference_alone() {
    let client = Client::start(automatic()).await;
    for scope in ["user:profile user:inference", "user:profile"] {
        let (status, answer) = year_for(&client, scope).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_scope")));
    }
    assert_eq!(client.practice.sign_ins(), []);
}

#[tokio::test]
async fn a_year_can_be_ended_where_the_provider_does_such_a_thing() {
    let client = Client::start(automatic()).await;
    let token = year(&client).await;
    assert_eq!(revoke(&client, &token).await.0, StatusCode::OK);
    assert_eq!(prompt(&client, &token).await, StatusCode::UNAUTHORIZED);
    let ended = client.practice.sign_ins().remove(0);
    assert_eq!((ended.alive, ended.ended_by), (false, Some(EndedBy::Revocation)));
    assert_eq!(revoke(&client, "unknown").await.0, StatusCode::OK);

    let sign_in = client.sign_in().await;
    assert_eq!(revoke(&client, &sign_in.access).await.0, StatusCode::OK);
    assert_eq!(client.profile(&sign_in.access).await.0, StatusCode::OK, "it is a sign-in's");

    client.practice.set(|options| options.keep_year_tokens = true);
    let token = year(&client).await;
    let (status, refusal) = revoke(&client, &token).await;
    assert_eq!((status, refusal["error"].as_str()), (StatusCode::BAD_REQUEST, Some("unsupported_token_type")));
    assert_eq!(prompt(&client, &token).await, StatusCode::OK);
}

#[tokio::test]
async fn an_api_key_is_taken_as_the_api_takes_it() {
    let client = Client::start(automatic()).await;
    let key = client.practice.make_api_key("ada@practice.example").unwrap();
    assert!(key.starts_with("sk-ant-api03-practice-"));
    assert_eq!(client.practice.make_api_key("nobody@practice.example"), None);
    let models = async |headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(client.get("/v1/models"), |request, (name, value)| request.header(*name, *value));
        read(request.send().await.unwrap()).await
    };
    let version = ("anthropic-version", "2023-06-01");
    let (status, answer) = models(&[("x-api-key", &key), version]).await;
    assert_eq!((status, answer["data"][0]["type"].as_str()), (StatusCode::OK, Some("model")), "{answer}");
    let as_bearer = format!("Bearer {key}");
    for (headers, status) in [
        (vec![version], StatusCode::UNAUTHORIZED),
        (vec![("x-api-key", key.as_str())], StatusCode::BAD_REQUEST),
        (vec![("x-api-key", "sk-ant-api03-practice-never-made"), version], StatusCode::UNAUTHORIZED),
        (vec![("authorization", as_bearer.as_str()), version], StatusCode::UNAUTHORIZED),
        (vec![("x-api-key", key.as_str()), ("authorization", "Bearer x"), version], StatusCode::UNAUTHORIZED),
        // As Claude Code sends what its apiKeyHelper prints.
        (vec![("x-api-key", key.as_str()), ("authorization", as_bearer.as_str()), version], StatusCode::OK),
    ] {
        assert_eq!(models(&headers).await.0, status, "{} headers", headers.len());
    }
    let entry = client.practice.record().of(Endpoint::Models).next().unwrap().clone();
    assert_eq!(entry.presented, Some(Fingerprint::of(&key)));
    assert!(client.practice.secrets().contains(&key));

    let request = client.post("/v1/messages").header("x-api-key", &key).header(version.0, version.1);
    let (status, answer) = read(request.json(&json!({"model": "m", "messages": [{}]})).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("Hello Ada Practice") && text.contains(Fingerprint::of(&key).as_str()), "{text}");
}
