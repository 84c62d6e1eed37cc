//! Renewal, revocation and the API: what each token is good for, and until when.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code")]

mod bed;

use std::time::Duration;

use bed::{Client, Tokens, automatic, read};
use practice::{CLIENT_ID, EndedBy, Endpoint, Fingerprint, OAUTH_BETA, Options};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_refresh_token_rotates_with_each_use() {
    let client = Client::start(automatic()).await;
    let mut tokens = client.sign_in().await;
    for generation in 1..=3 {
        let (status, answer) = client.refresh(&tokens.refresh).await;
        assert_eq!(status, StatusCode::OK);
        let next = Tokens::of(&answer);
        assert_ne!((&next.access, &next.refresh), (&tokens.access, &tokens.refresh));
        let sign_in = client.practice.sign_ins().pop().unwrap();
        assert_eq!((sign_in.alive, sign_in.generation, sign_in.refreshes), (true, generation, generation));
        assert_eq!((sign_in.refresh_token, sign_in.refresh_token_used), (Fingerprint::of(&next.refresh), false));
        tokens = next;
    }
    assert_eq!(client.practice.record().renewals().count(), 3);
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_second_use_ends_the_sign_in() {
    // Whether the access tokens end with it is an option.
    for end_access_tokens in [false, true] {
        let client = Client::start(Options { end_access_tokens, ..automatic() }).await;
        let first = client.sign_in().await;
        let second = Tokens::of(&client.refresh(&first.refresh).await.1);
        let (status, refusal) = client.refresh(&first.refresh).await;
        assert_eq!((status, refusal["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));

        assert_eq!(client.refresh(&second.refresh).await.1["error"], "invalid_grant");
        let sign_in = client.practice.sign_ins().pop().unwrap();
        assert_eq!((sign_in.alive, sign_in.ended_by), (false, Some(EndedBy::RefreshTokenReuse)));
        let expected = if end_access_tokens { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
        assert_eq!(client.profile(&second.access).await.0, expected);
    }
}

#[tokio::test]
async fn refresh_refuses_what_is_wrong() {
    // (field, its value or null to leave it out, the error)
    let cases = [
        ("refresh_token", Value::Null, "invalid_request"),
        ("refresh_token", json!("sk-ant-ort01-practice-never-granted"), "invalid_grant"),
        ("client_id", Value::Null, "invalid_request"),
        ("client_id", json!("somebody-else"), "invalid_client"),
        ("scope", json!(["user:profile"]), "invalid_request"),
        ("scope", json!("user:profile user:inference user:plugins"), "invalid_scope"),
        ("state", json!("not here"), "invalid_request"),
    ];
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    for (name, value, error) in cases {
        let mut body = Client::refresh_body(&tokens.refresh);
        let fields = body.as_object_mut().unwrap();
        if value.is_null() {
            fields.remove(name)
        } else {
            fields.insert(name.to_owned(), value.clone())
        };
        assert_eq!(client.token(&body).await.1["error"], error, "{name} = {value}");
    }
    assert_eq!(client.practice.record().renewals().count(), 0);
    assert_eq!(client.refresh(&tokens.refresh).await.0, StatusCode::OK, "refusals leave the sign-in as it was");
}

#[tokio::test]
async fn an_access_token_may_ask_for_less_and_gets_less() {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    let mut body = Client::refresh_body(&tokens.refresh);
    body["scope"] = json!("user:inference");
    let (_, answer) = client.token(&body).await;
    assert_eq!(answer["scope"], "user:inference");
    let (status, refusal) = client.profile(&Tokens::of(&answer).access).await;
    assert_eq!((status, refusal["error"]["type"].as_str()), (StatusCode::FORBIDDEN, Some("permission_error")));
}

#[tokio::test]
async fn access_tokens_and_sign_ins_end_in_time() {
    let options = Options {
        access_token_lifetime: Duration::from_secs(20),
        sign_in_lifetime: Duration::from_secs(50),
        show_sign_in_end: true,
        ..automatic()
    };
    let client = Client::start(options).await;
    let tokens = client.sign_in().await;
    client.practice.advance(Duration::from_secs(10));
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::OK);
    client.practice.advance(Duration::from_secs(10));
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::UNAUTHORIZED);

    let (_, answer) = client.refresh(&tokens.refresh).await;
    assert_eq!(answer["expires_in"], 20);
    // 30, less the moments that the test itself took.
    let left = answer["refresh_token_expires_in"].as_i64().unwrap();
    assert!((26..=30).contains(&left), "{left}: renewing does not move the end");
    client.practice.advance(Duration::from_secs(30));
    assert_eq!(client.refresh(&Tokens::of(&answer).refresh).await.1["error"], "invalid_grant");
    assert!(!client.practice.sign_ins()[0].alive);
}

#[tokio::test]
async fn options_can_change_while_it_runs() {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    client.practice.set(|options| options.access_token_lifetime = Duration::from_secs(1));
    let (_, answer) = client.refresh(&tokens.refresh).await;
    assert_eq!(answer["expires_in"], 1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(client.profile(&Tokens::of(&answer).access).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::OK, "granted before, for 8 hours");
}

#[tokio::test]
async fn revocation_ends_the_sign_in_of_its_newest_token() {
    let client = Client::start(automatic()).await;
    let first = client.sign_in().await;
    let second = Tokens::of(&client.refresh(&first.refresh).await.1);
    let revoke = async |change: (&str, Value)| {
        let mut body = json!({ "token": second.refresh, "token_type_hint": "refresh_token", "client_id": CLIENT_ID });
        body[change.0] = change.1;
        let answer = client.post("/v1/oauth/token/revoke").json(&body).send().await.unwrap();
        (answer.status().as_u16(), client.practice.sign_ins()[0].alive)
    };
    assert_eq!(revoke(("token", json!("unknown"))).await, (200, true));
    assert_eq!(revoke(("token", json!(first.refresh))).await, (200, true));
    assert_eq!(revoke(("client_id", json!("somebody-else"))).await, (401, true));
    assert_eq!(revoke(("token_type_hint", json!("id_token"))).await, (400, true));
    assert_eq!(revoke(("more", json!(1))).await, (400, true));
    assert_eq!(revoke(("token", json!(second.refresh))).await, (200, false));
    assert_eq!(client.practice.sign_ins()[0].ended_by, Some(EndedBy::Revocation));
    assert_eq!(client.refresh(&second.refresh).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn the_api_wants_a_good_token_and_the_beta_header() {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    let prompt = json!({ "model": "practice", "messages": [{ "role": "user", "content": "hi" }] });
    for endpoint in ["profile", "usage", "messages"] {
        let request = || match endpoint {
            "messages" => client.post("/v1/messages?beta=true").json(&prompt),
            _ => client.get(&format!("/api/oauth/{endpoint}")),
        };
        for wrong in [
            request().header("anthropic-beta", OAUTH_BETA),
            request().bearer_auth(&tokens.access),
            request().bearer_auth(&tokens.access).header("anthropic-beta", "something-else"),
            request().bearer_auth(&tokens.refresh).header("anthropic-beta", OAUTH_BETA),
            request().header("x-api-key", &tokens.access).header("anthropic-beta", OAUTH_BETA),
        ] {
            let (status, answer) = read(wrong.send().await.unwrap()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{endpoint}");
            assert_eq!(answer["type"], "error");
            assert_eq!(answer["error"]["type"], "authentication_error");
        }
        let list = format!("claude-code-20250219,{OAUTH_BETA}");
        let right = request().bearer_auth(&tokens.access).header("anthropic-beta", list);
        assert_eq!(right.send().await.unwrap().status(), StatusCode::OK, "{endpoint}");
    }
}

#[tokio::test]
async fn messages_answer_at_once_or_as_a_stream() {
    let client = Client::start(automatic()).await;
    let tokens = client.sign_in().await;
    let ask = async |body: Value| {
        let request = client.post("/v1/messages").bearer_auth(&tokens.access).header("anthropic-beta", OAUTH_BETA);
        request.json(&body).send().await.unwrap()
    };
    let prompt = json!({ "model": "practice", "messages": [{ "role": "user", "content": "hi" }] });
    let message: Value = ask(prompt.clone()).await.json().await.unwrap();
    let text = message["content"][0]["text"].as_str().unwrap();
    assert!(text.contains(Fingerprint::of(&tokens.access).as_str()), "{text}");

    let mut streaming = prompt.clone();
    streaming["stream"] = json!(true);
    let answer = ask(streaming).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    let stream = answer.text().await.unwrap();
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = data.map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    let expected = ["message_start", "content_block_start", "content_block_delta", "content_block_stop"];
    assert_eq!(kinds, [&expected[..], &["message_delta", "message_stop"]].concat());
    let streamed: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(streamed, text);

    for wrong in [json!({}), json!({ "model": "practice", "messages": [] }), json!([])] {
        assert_eq!(ask(wrong).await.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_claude_code_asks_besides_is_answered_calmly() {
    let client = Client::start(automatic()).await;
    assert_eq!(client.http.head(client.practice.url()).send().await.unwrap().status(), StatusCode::OK);
    for path in ["/api/oauth/claude_cli/roles", "/api/claude_code/settings", "/practice/secrets"] {
        let (status, answer) = read(client.get(path).send().await.unwrap()).await;
        assert_eq!(
            (status, answer["error"]["type"].as_str()),
            (StatusCode::NOT_FOUND, Some("not_found_error")),
            "{path}"
        );
    }
    assert_eq!(client.practice.record().count(Endpoint::Other), 3, "control is no part of the record");
}

#[tokio::test]
async fn its_clock_can_be_off() {
    let client = Client::start(automatic()).await;
    client.practice.set(|options| options.clock_offset = jiff::SignedDuration::from_hours(-48));
    let tokens = client.sign_in().await;
    let answer = client.get("/").send().await.unwrap();
    let date = jiff::fmt::rfc2822::parse(answer.headers()["date"].to_str().unwrap()).unwrap().timestamp();
    let behind = jiff::Timestamp::now().duration_since(date).as_hours();
    assert_eq!(behind, 48);
    assert_eq!(client.profile(&tokens.access).await.0, StatusCode::OK, "its own tokens go by its own clock");
}

#[tokio::test]
async fn when_dropped_it_closes_its_port_and_its_connections() {
    let client = Client::start(automatic()).await;
    let (url, http) = (client.practice.url(), client.http.clone());
    assert!(http.get(&url).send().await.is_ok());
    client.practice.stop().await;
    let error = http.get(&url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}
