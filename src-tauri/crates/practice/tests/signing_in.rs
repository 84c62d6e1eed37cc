//! The strictness of authorize and exchange: what is right gets tokens, and what is wrong in one place does not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code")]

mod bed;

use bed::{CHALLENGE, Client, REDIRECT, STATE, Tokens, VERIFIER, automatic, parameter, read};
use practice::{CLIENT_ID, EndedBy, Endpoint, Fingerprint, OAUTH_BETA, Options};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_sign_in_gives_tokens_that_the_api_takes() {
    let client = Client::start(automatic()).await;
    let answer = client.authorize(&Client::parameters()).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(parameter(&answer, "state").as_deref(), Some(STATE));
    let code = parameter(&answer, "code").unwrap();

    let (status, answer) = client.token(&Client::exchange_body(&code)).await;
    assert_eq!(status, StatusCode::OK);
    let tokens = Tokens::of(&answer);
    assert!(tokens.access.starts_with("sk-ant-oat01-practice-"));
    assert!(tokens.refresh.starts_with("sk-ant-ort01-practice-"));
    assert_eq!(answer["expires_in"], 8 * 3600);
    assert_eq!(answer["scope"], "user:profile user:inference");
    assert_eq!(answer["account"]["email_address"], "ada@practice.example");
    assert_eq!(answer["organization"]["name"], "Ada's practice organization");
    assert_eq!(answer.get("refresh_token_expires_in"), None);

    let (status, profile) = client.profile(&tokens.access).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(profile["account"]["uuid"], answer["account"]["uuid"]);
    assert_eq!(profile["organization"]["organization_type"], "claude_max");
}

#[tokio::test]
async fn authorize_refuses_what_is_wrong() {
    // (parameter, its value or none, the error that the client is told; none where it must not be told)
    let cases = [
        ("client_id", None, None),
        ("client_id", Some("somebody-else"), None),
        ("redirect_uri", None, None),
        ("redirect_uri", Some("http://example.com:54545/callback"), None),
        ("response_type", None, Some("unsupported_response_type")),
        ("response_type", Some("token"), Some("unsupported_response_type")),
        ("scope", None, Some("invalid_scope")),
        ("scope", Some("user:profile everything"), Some("invalid_scope")),
        ("code_challenge", None, Some("invalid_request")),
        ("code_challenge", Some("short"), Some("invalid_request")),
        ("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("invalid_request")),
        ("code_challenge_method", None, Some("invalid_request")),
        ("code_challenge_method", Some("plain"), Some("invalid_request")),
        ("state", None, Some("invalid_request")),
        ("code", Some("false"), Some("invalid_request")),
        ("nonce", Some("1"), Some("invalid_request")),
        ("login_hint", Some("nobody@practice.example"), Some("access_denied")),
    ];
    let client = Client::start(automatic()).await;
    for (name, value, error) in cases {
        let mut parameters = Client::parameters();
        parameters.retain(|(given, _)| *given != name);
        parameters.extend(value.map(|value| (name, value.to_owned())));
        let answer = client.authorize(&parameters).await;
        assert_eq!(parameter(&answer, "error").as_deref(), error, "{name} = {value:?}");
        let status = if error.is_some() { StatusCode::SEE_OTHER } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status(), status, "{name} = {value:?}");
        assert_eq!(parameter(&answer, "code"), None);
    }
    let twice = [Client::parameters(), vec![("state", "another".to_owned())]].concat();
    assert_eq!(parameter(&client.authorize(&twice).await, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn exchange_refuses_what_is_wrong() {
    // (field, its value or null to leave it out, the error)
    let cases = [
        ("grant_type", Value::Null, "invalid_request"),
        ("grant_type", json!("password"), "unsupported_grant_type"),
        ("code", Value::Null, "invalid_request"),
        ("code", json!(7), "invalid_request"),
        ("code", json!("practice-code-never-granted"), "invalid_grant"),
        ("redirect_uri", Value::Null, "invalid_request"),
        ("redirect_uri", json!("http://localhost:54546/callback"), "invalid_grant"),
        ("client_id", Value::Null, "invalid_request"),
        ("client_id", json!("somebody-else"), "invalid_client"),
        ("code_verifier", Value::Null, "invalid_request"),
        ("code_verifier", json!("short"), "invalid_request"),
        ("code_verifier", json!(CHALLENGE), "invalid_grant"),
        ("state", Value::Null, "invalid_request"),
        ("state", json!("another-state"), "invalid_grant"),
        ("expires_in", json!("31536000"), "invalid_request"),
        ("expires_in", json!(3600), "invalid_request"),
        ("expires_in", json!(31_536_000), "invalid_scope"),
        ("client_secret", json!("unheard of"), "invalid_request"),
    ];
    let client = Client::start(automatic()).await;
    for (name, value, error) in cases {
        let mut body = Client::exchange_body(&client.code().await);
        let fields = body.as_object_mut().unwrap();
        if value.is_null() {
            fields.remove(name)
        } else {
            fields.insert(name.to_owned(), value.clone())
        };
        let (status, answer) = client.token(&body).await;
        assert_eq!(answer["error"], error, "{name} = {value}");
        let expected = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        assert_eq!(status, expected, "{name} = {value}");
    }
    assert_eq!(client.practice.sign_ins(), []);
}

#[tokio::test]
async fn the_token_endpoint_takes_json_alone() {
    let client = Client::start(automatic()).await;
    let body = Client::exchange_body(&client.code().await).to_string();
    let typed = |content_type: &str| client.post("/v1/oauth/token").header("content-type", content_type);
    let form = typed("application/x-www-form-urlencoded").body(format!("code={VERIFIER}form"));
    for request in [
        form,
        typed("text/plain").body(body.clone()),
        client.post("/v1/oauth/token").body(body.clone()),
        typed("application/json").body("[]"),
        typed("application/json").body(""),
    ] {
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_request")));
    }
    assert!(client.practice.secrets().contains(&format!("{VERIFIER}form")), "a secret counts in the wrong form too");
    let right = typed("application/json; charset=utf-8").body(body);
    assert_eq!(right.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(client.get("/v1/oauth/token").send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_code_works_once_and_its_second_use_ends_the_sign_in() {
    let client = Client::start(automatic()).await;
    let body = Client::exchange_body(&client.code().await);
    let (_, answer) = client.token(&body).await;
    let (status, refusal) = client.token(&body).await;
    assert_eq!((status, refusal["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));

    let sign_in = client.practice.sign_ins().pop().unwrap();
    assert_eq!((sign_in.alive, sign_in.ended_by), (false, Some(EndedBy::CodeReuse)));
    let (_, refusal) = client.refresh(&Tokens::of(&answer).refresh).await;
    assert_eq!(refusal["error"], "invalid_grant");
}

#[tokio::test]
async fn a_failed_attempt_uses_the_code_up() {
    let client = Client::start(automatic()).await;
    let right = Client::exchange_body(&client.code().await);
    let mut wrong = right.clone();
    wrong["state"] = json!("another-state");
    assert_eq!(client.token(&wrong).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.token(&right).await.1["error"], "invalid_grant");
    assert_eq!(client.practice.sign_ins(), []);
}

#[tokio::test]
async fn a_code_expires() {
    let client = Client::start(automatic()).await;
    let body = Client::exchange_body(&client.code().await);
    client.practice.advance(client.practice.options().code_lifetime);
    assert_eq!(client.token(&body).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn the_person_is_chosen_by_hint_and_by_option() {
    let client = Client::start(Options { person: "alan@practice.example".to_owned(), ..automatic() }).await;
    let tokens = client.sign_in().await;
    assert_eq!(client.profile(&tokens.access).await.1["organization"]["organization_type"], "claude_team");

    let hinted = [Client::parameters(), vec![("login_hint", "grace@practice.example".to_owned())]].concat();
    let code = parameter(&client.authorize(&hinted).await, "code").unwrap();
    let (_, answer) = client.token(&Client::exchange_body(&code)).await;
    assert_eq!(answer["account"]["email_address"], "grace@practice.example");
}

#[tokio::test]
async fn the_page_asks_and_the_person_decides() {
    let client = Client::start(Options::default()).await;
    let answer = client.authorize(&Client::parameters()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let url = answer.url().clone();
    let page = answer.text().await.unwrap();
    assert!(page.contains("PRACTICE") && page.contains("grace@practice.example"), "{page}");

    let press = async |answer| {
        let body = format!("person=grace%40practice.example&answer={answer}");
        let form = client.http.post(url.clone()).header("content-type", "application/x-www-form-urlencoded").body(body);
        form.send().await.unwrap()
    };
    assert_eq!(parameter(&press("deny").await, "error").as_deref(), Some("access_denied"));
    let code = parameter(&press("authorize").await, "code").unwrap();
    let (_, answer) = client.token(&Client::exchange_body(&code)).await;
    assert_eq!(answer["account"]["email_address"], "grace@practice.example");
}

#[tokio::test]
async fn a_provider_that_denies_says_so() {
    let client = Client::start(Options { deny: true, ..automatic() }).await;
    let answer = client.authorize(&Client::parameters()).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&answer, "state").as_deref(), Some(STATE));
}

#[tokio::test]
async fn the_pasting_page_shows_code_and_state() {
    let client = Client::start(automatic()).await;
    let own = format!("{}/oauth/code/callback", client.practice.url());
    let mut parameters = Client::parameters();
    parameters.iter_mut().filter(|(name, _)| *name == "redirect_uri").for_each(|(_, value)| value.clone_from(&own));
    let answer = client.authorize(&parameters).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let code = parameter(&answer, "code").unwrap();
    let page = client.http.get(location).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("<output id=\"code\">{code}#{STATE}</output>")), "{page}");

    let mut body = Client::exchange_body(&code);
    assert_eq!(body["redirect_uri"], REDIRECT);
    body["redirect_uri"] = json!(own);
    assert_eq!(client.token(&body).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_record_tells_what_was_asked_and_no_secret() {
    let client = Client::start(automatic()).await;
    let code = client.code().await;
    let request = client.post("/v1/oauth/token").header("user-agent", "a-test/1").json(&Client::exchange_body(&code));
    let tokens = Tokens::of(&read(request.send().await.unwrap()).await.1);
    client.profile(&tokens.access).await;

    let record = client.practice.record();
    let endpoints: Vec<_> = record.entries().iter().map(|entry| entry.endpoint).collect();
    assert_eq!(endpoints, [Endpoint::Authorize, Endpoint::Exchange, Endpoint::Profile]);
    let exchange = record.of(Endpoint::Exchange).next().unwrap();
    assert_eq!(exchange.user_agent.as_deref(), Some("a-test/1"));
    assert_eq!(exchange.presented, Some(Fingerprint::of(&code)));
    assert_eq!((exchange.status, exchange.granted.map(|granted| granted.sign_in)), (Some(200), Some(1)));
    let profile = record.of(Endpoint::Profile).next().unwrap();
    assert_eq!(profile.presented, Some(Fingerprint::of(&tokens.access)));
    assert_eq!(profile.beta.as_deref(), Some(OAUTH_BETA));

    let secrets = client.practice.secrets();
    for secret in [&code, &tokens.access, &tokens.refresh, VERIFIER] {
        assert!(secrets.iter().any(|known| known == secret), "a secret is not listed");
    }
    let told = format!("{record:?} {:?} {:?}", client.practice, client.practice.sign_ins());
    assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
    assert!(!secrets.contains(&CLIENT_ID.to_owned()));
}
