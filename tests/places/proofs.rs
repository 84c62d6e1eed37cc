//! `sync --prove` in every format and place, for each kind of credential: asked with exactly what lies there, in the way
//! that this kind may ask, and never with more.

use std::fs;

use bed::steps::token;
use bed::{Home, Provider, TestEngine};
use engine::formats::ALL;
use practice::{Endpoint, Fault, Fingerprint, Trouble};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::Scene;

const ADA: &str = "ada@practice.example";

/// What was found out about each destination, in the order in which they were added.
async fn proofs(home: &Home, exit: i32) -> Vec<Value> {
    let report = home.tokenferry(["sync", "--prove", "--json"]).run().await.ends_with(exit).json();
    report["proofs"].as_array().expect("proofs").clone()
}

async fn add(home: &Home, format: &str, account: &str) -> TempDir {
    let (folder, name) = (tempfile::tempdir().unwrap(), format!("{account}-{format}"));
    let add = ["destination", "add", &name, "--directory", folder.path().to_str().unwrap()];
    let rest = ["--format", format, "--account", account, "--yes"];
    home.tokenferry(add.into_iter().chain(rest)).run().await.succeeds();
    folder
}

async fn one_year(home: &Home, account: &str) -> String {
    home.tokenferry(["login", "--one-year", "--account", account]).run().await.succeeds();
    let printed = home.tokenferry(["token", "--account", account]).prints_a_secret().run().await.succeeds().stdout;
    printed.trim_end().to_owned()
}

async fn api_key(home: &Home, provider: &Provider, account: &str) -> String {
    let key = provider.make_api_key(ADA).expect("Ada lives there");
    let add = home.tokenferry(["account", "add-api-key", "--account", account]);
    add.input(format!("{key}\n")).run().await.succeeds();
    key
}

/// What was presented at an endpoint, and every header's name that came along.
fn asked(provider: &Provider, endpoint: Endpoint) -> Vec<(Option<Fingerprint>, Vec<String>)> {
    provider.record().of(endpoint).map(|entry| (entry.presented.clone(), entry.headers.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_proved_in_every_format_and_place() {
    let engine = TestEngine::get();
    let Scene { provider, home, places } = Scene::set(&engine).await;
    let mut count = 0;
    for (kind, sample, place) in &places {
        for taker in ALL.iter().filter(|taker| sample.takes(taker.name().parse().unwrap()).is_ok()) {
            let name = format!("{}-{kind}", taker.name());
            let arguments = ["destination", "add", &name, "--format", taker.name(), "--yes"].map(str::to_owned);
            home.tokenferry(arguments.into_iter().chain(place.arguments(*taker))).run().await.succeeds();
            count += 1;
        }
    }
    home.tokenferry(["sync"]).run().await.succeeds();
    provider.clear_record();

    let proofs = proofs(&home, 0).await;
    assert_eq!(proofs.len(), count);
    for proof in proofs {
        assert_eq!((&proof["outcome"], &proof["identity"]["email"]), (&json!("proved"), &json!(ADA)), "{proof}");
    }
    let asked: Vec<_> = asked(&provider, Endpoint::Profile).into_iter().map(|(token, _)| token).collect();
    assert_eq!(asked, [Some(Fingerprint::of(&token(&home).await))], "once, with what lies at all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_year_token_is_asked_what_it_may_ask() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let year = one_year(&home, "ci").await;
    let folder = add(&home, "dotenv", "ci").await;
    home.tokenferry(["sync"]).run().await.succeeds();
    provider.clear_record();
    let proof = &proofs(&home, 0).await[0];
    assert_eq!((&proof["outcome"], &proof["identity"]["email"]), (&json!("proved"), &json!(ADA)), "{proof}");
    let asked = asked(&provider, Endpoint::CountTokens);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, Some(Fingerprint::of(&year)));
    assert_eq!(provider.record().count(Endpoint::Messages) + provider.record().count(Endpoint::Profile), 0);

    provider.fault(Fault::at(Endpoint::CountTokens, Trouble::Status { status: 404, retry_after: None }));
    let proof = &proofs(&home, 3).await[0];
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("not_proved"), &json!("provider_strange")), "{proof}");
    provider.clear_faults();

    // Another account's is told apart, and an older one of the same name's is nobody's any more.
    let file = folder.path().join(".env");
    let lies_there = fs::read_to_string(&file).unwrap();
    assert!(lies_there.contains(&year));
    home.tokenferry(["destination", "remove", "ci-dotenv"]).run().await.succeeds();
    let folder = add(&home, "dotenv", "other").await;
    fs::write(folder.path().join(".env"), &lies_there).unwrap();
    let proof = &proofs(&home, 4).await[0];
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("another_account"), &json!("another_account")), "{proof}");
    assert!(proof["message"].as_str().unwrap().contains("one-year token that lies there, which is account ci's"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_never_sent_as_a_token() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let key = api_key(&home, &provider, "key").await;
    let _folders =
        [add(&home, "token-file", "key").await, add(&home, "dotenv", "key").await, add(&home, "json", "key").await];
    home.tokenferry(["sync"]).run().await.succeeds();
    provider.clear_record();
    for proof in proofs(&home, 0).await {
        assert_eq!((&proof["outcome"], &proof["identity"]), (&json!("proved"), &Value::Null), "{proof}");
    }
    let said = home.tokenferry(["sync", "--prove", "--request"]).run().await.succeeds().stderr;
    assert!(said.contains("key-dotenv: proved: Claude takes it."), "{said}");
    assert!(said.contains("key-token-file: no real request was made, as the CLI does not read it"), "{said}");
    let entries = provider.record().entries().to_vec();
    assert_eq!(entries.len(), 2, "{entries:?}");
    for entry in entries {
        assert_eq!((entry.endpoint, &entry.presented), (Endpoint::Models, &Some(Fingerprint::of(&key))));
        assert!(!entry.headers.iter().any(|name| name.eq_ignore_ascii_case("authorization")), "{entry:?}");
    }
    provider.fault(Fault::at(Endpoint::Models, Trouble::Status { status: 401, retry_after: None }));
    assert_eq!(proofs(&home, 3).await[0]["outcome"], "refused");
}
