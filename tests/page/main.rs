//! The page's room as a host has it: questions by name, over the engine in a home of its own and the practice provider.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod types;

use std::sync::Arc;

use bed::steps::eventually;
use bed::{Canary, Home, Provider};
use engine::{Engine, Surroundings};
use page::{Ask, Desk, Host, Told, Way};
use serde_json::{Value, json};
use url::Url;

/// A host without windows, whose browser is at hand.
#[derive(Debug)]
struct Browser;

impl Host for Browser {
    fn ways(&self) -> &'static [Way] {
        &[Way::Browser, Way::Paste]
    }

    fn open(&self, url: &Url) -> bool {
        let url = url.clone();
        tokio::spawn(async move { reqwest::get(url).await.unwrap() });
        true
    }
}

struct Scene {
    provider: Provider,
    _home: Home,
    desk: Desk,
    /// All that was answered so far.
    answered: std::cell::RefCell<Vec<Value>>,
}

impl Scene {
    fn new() -> Self {
        let provider = Provider::start();
        let home = Home::new();
        let surroundings = Surroundings {
            home: Some(home.state().into()),
            provider: Some(provider.url()),
            vault: Some("file".to_owned()),
            ..Surroundings::default()
        };
        let engine = Arc::new(Engine::open(surroundings).unwrap());
        Self { provider, _home: home, desk: Desk::over(engine, Browser), answered: Vec::new().into() }
    }

    async fn asks(&self, ask: Value) -> Result<Value, Told> {
        let ask: Ask = serde_json::from_value(ask).unwrap();
        let answer = self.desk.answer(ask).await;
        let told = answer.as_ref().map_or_else(|told| serde_json::to_value(told).unwrap(), Value::clone);
        self.answered.borrow_mut().push(told);
        answer
    }

    async fn view(&self) -> Value {
        self.asks(json!({ "ask": "view" })).await.unwrap()
    }

    async fn pastes(&self, code: &str) {
        self.asks(json!({ "ask": "sign_in_paste", "code": code })).await.unwrap();
    }

    /// The address that a person who pastes is to open.
    async fn address(&self) -> String {
        eventually("an address is told", async || self.view().await["signing_in"]["url"].is_string()).await;
        self.view().await["signing_in"]["url"].as_str().unwrap().to_owned()
    }

    async fn is_signed_in(&self, account: &str) {
        eventually("somebody is signed in", async || {
            let view = self.view().await;
            assert_ne!(view["signing_in"]["phase"], "failed", "{view:#}");
            let accounts = view["accounts"].as_array().unwrap();
            view["signing_in"].is_null() && accounts.iter().any(|it| it["name"] == account && it["code"] == "fresh")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_on_the_page_and_no_answer_holds_a_token() {
    let scene = Scene::new();
    let view = scene.view().await;
    assert_eq!((&view["accounts"], &view["ways"]), (&json!([]), &json!(["browser", "paste"])));

    scene.asks(json!({ "ask": "sign_in", "account": "default", "way": "paste" })).await.unwrap();
    let address = scene.address().await;
    let other = scene.asks(json!({ "ask": "sign_in", "account": "work", "way": "paste" })).await;
    assert_eq!(other.unwrap_err().code, "signing_in");
    for (wrong, code) in [("half a code", "code_incomplete"), ("some-code#of-another", "code_of_another")] {
        scene.pastes(wrong).await;
        eventually(code, async || scene.view().await["signing_in"]["trouble"]["code"] == code).await;
    }
    scene.pastes(&scene.provider.code_to_paste(&address).await).await;
    scene.is_signed_in("default").await;

    scene.asks(json!({ "ask": "sign_in", "account": "work", "way": "browser" })).await.unwrap();
    scene.is_signed_in("work").await;

    for ask in ["activity", "usage", "problems", "refresh", "sign_out"] {
        let asked = match ask {
            "activity" => json!({ "ask": ask, "most": 100 }),
            "problems" => json!({ "ask": ask }),
            _ => json!({ "ask": ask, "account": "default" }),
        };
        scene.asks(asked).await.unwrap();
    }
    scene.view().await;

    let mut canary = Canary::new(tokens(&scene.provider));
    for answer in scene.answered.borrow().iter() {
        canary.look("an answer to the page", answer.to_string().as_bytes());
    }
    assert!(canary.bytes() > 5_000, "only {} bytes were answered", canary.bytes());
    canary.assert_unseen();
}

/// All that the provider gave out for keeps.
fn tokens(provider: &Provider) -> Vec<String> {
    let tokens: Vec<String> = provider.secrets().into_iter().filter(|secret| secret.starts_with("sk-ant-")).collect();
    assert!(tokens.len() >= 6, "two sign-ins and a renewal have two tokens each: {}", tokens.len());
    tokens
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_can_t_do_is_refused() {
    let scene = Scene::new();
    for way in ["window", "cli"] {
        let refused = scene.asks(json!({ "ask": "sign_in", "account": "default", "way": way })).await.unwrap_err();
        assert_eq!(refused.code, "not_here", "{way}");
    }
    let refused = scene.asks(json!({ "ask": "set_start_at_login", "on": true })).await.unwrap_err();
    assert_eq!(refused.code, "not_here");
    let refused = scene.asks(json!({ "ask": "open_url", "url": "file:///etc/passwd" })).await.unwrap_err();
    assert_eq!(refused.code, "bad_address");
    assert!(serde_json::from_value::<Ask>(json!({ "ask": "token", "account": "default" })).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_program_changes_is_seen() {
    let scene = Scene::new();
    let mut watching = scene.desk.watch();
    let engine = scene.desk.engine().unwrap();
    let seen = async {
        loop {
            let view = watching.next(|| true).await;
            if view["paused"] == true {
                return;
            }
        }
    };
    let (turned, seen) = tokio::join!(
        engine.turn(engine::settings::Switch::Paused, true),
        tokio::time::timeout(std::time::Duration::from_secs(20), seen)
    );
    turned.unwrap();
    seen.unwrap();
}
