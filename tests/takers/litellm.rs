//! LiteLLM goes over to each fresh token with the next request.

use std::fs;

use bed::{Home, TestEngine};
use engine::snippets::litellm::{Source, Tokens, setup};
use practice::Endpoint;

use crate::packages::{self, LITELLM, OLDER_LITELLM};
use crate::proxy::{Proxy, Way, in_volume, save, wish};
use crate::scene::{Client, MODEL, Scene, Token, asking};

/// How often somebody renews.
const RENEWALS: usize = 2;
/// Beside each delivery, somebody asks this often.
const MEANWHILE: usize = 4;

/// Asks before, while and after each token comes, in every way.
async fn asks_over_renewals(scene: &Scene, proxy: &Proxy, ways: &[Way]) {
    let refused = proxy.ask(Way::Messages).await;
    assert!(refused.is_err(), "something answered before anything was delivered: {refused:?}");
    assert_eq!(scene.asked(), [], "and nobody was asked with it");

    let mut tokens = vec![scene.token().await];
    scene.deliver().await;
    for _ in 0..=RENEWALS {
        for way in ways {
            proxy.ask(*way).await.unwrap_or_else(|said| panic!("with token {}: {said}", tokens.len()));
        }
        let next = scene.renewed().await;
        let ask = async || {
            for _ in 0..MEANWHILE {
                proxy
                    .ask(Way::Messages)
                    .await
                    .unwrap_or_else(|said| panic!("while token {} came: {said}", tokens.len()));
            }
        };
        tokio::join!(ask(), scene.deliver());
        tokens.push(next);
    }
    proxy.ask(Way::Chat).await.expect("an answer");
    let tokens: Vec<_> = tokens.iter().map(Token::fingerprint).collect();
    scene.was_asked("litellm/", &tokens);
}

#[tokio::test]
async fn a_file_in_a_folder_is_read_for_each_request() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    scene.approve("token-file").await;
    let proxy = Proxy::start(&scene, &python, LITELLM, delivered(&scene)).await;
    asks_over_renewals(&scene, &proxy, &Way::ALL).await;
    assert!(scene.provider.record().count(Endpoint::CountTokens) > RENEWALS);
}

#[tokio::test]
async fn a_file_in_a_volume_is_read_for_each_request() {
    let Some(python) = packages::python().await else { return };
    let (scene, engine) = (Scene::new().await, TestEngine::get());
    let volume = engine.volume().await;
    scene.approve_volume(&volume, "token-file").await;
    let proxy = Proxy::start_in_container(&scene, &engine, &python, LITELLM, (&volume, "/claude")).await;
    asks_over_renewals(&scene, &proxy, &Way::ALL).await;
}

#[tokio::test]
async fn the_older_reads_it_through_the_callback() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    scene.approve("token-file").await;
    let proxy = Proxy::start(&scene, &python, OLDER_LITELLM, delivered(&scene)).await;
    let ways: Vec<_> = Way::ALL.into_iter().filter(|way| *way != Way::CountTokens).collect();
    asks_over_renewals(&scene, &proxy, &ways).await;
}

/// And the proxy's key stays with the proxy.
#[tokio::test]
async fn each_client_may_bring_its_own_token() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    let proxy = Proxy::start(&scene, &python, LITELLM, Tokens::Clients).await;
    let first = scene.token().await;
    proxy.ask_as(Way::Messages, &first.text, false).await.expect_err("it has no key of the proxy's");
    assert_eq!(scene.asked(), []);
    let second = scene.renewed().await;
    for token in [&first, &second] {
        for way in Way::ALL {
            proxy.ask_as(way, &token.text, true).await.expect("an answer");
        }
    }
    // And the real Claude Code, set up as the page on LiteLLM says.
    let third = scene.renewed().await;
    let variables = [
        format!("CLAUDE_CODE_OAUTH_TOKEN={}", third.text),
        format!("ANTHROPIC_BASE_URL={}", proxy.url()),
        format!("ANTHROPIC_CUSTOM_HEADERS=\"x-litellm-api-key: Bearer {}\"", proxy.key()),
        format!("ANTHROPIC_MODEL={MODEL}"),
    ];
    let path = scene.folder.join(".env");
    fs::write(&path, variables.join("\n")).expect("the disk should take it");
    let words = [&asking("agent_queries.py"), path.to_str().expect("a plain path")];
    let program = scene.program(&python.programs().join("python"), &words);
    Client::start(program.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")).ask().await;

    scene.was_asked("litellm/", &[&first, &second, &third].map(Token::fingerprint));
    let asked = scene.asked();
    let named = |entry: &practice::Entry| entry.headers.iter().any(|name| name == "x-litellm-api-key");
    assert!(!asked.iter().any(named), "{asked:?}");
}

#[tokio::test]
async fn compose_takes_the_service() {
    let home = Home::new();
    let folder = Tokens::Delivered(Source::Folder("/home/ada/claude-token".parse().unwrap()));
    let of =
        [(OLDER_LITELLM, folder), (LITELLM, in_volume("shop_claude-token", "/claude")), (LITELLM, Tokens::Clients)];
    for (at, (version, tokens)) in of.into_iter().enumerate() {
        let (wish, folder) = (wish(version, tokens), home.path().join(format!("compose-{at}")));
        save(&setup(&wish), &folder);
        let compose = home.program("docker-compose", ["--project-directory"]).arg(&folder);
        let compose = compose.arg("-f").arg(folder.join("compose.yaml")).arg("config").prints_a_secret();
        let told = compose.run().await.succeeds().stdout;
        let port = wish.port;
        assert!(told.contains("127.0.0.1") && told.contains(&port.to_string()), "{told}");
        assert!(told.contains(wish.key.expose()), "the environment is read");
    }
}

/// What the scene's folder holds.
fn delivered(scene: &Scene) -> Tokens {
    let folder = scene.folder.to_str().expect("a plain path");
    Tokens::Delivered(Source::Folder(folder.parse().expect("a path without special characters")))
}
