//! Anthropic's SDKs go by a profile whose tokens somebody else rotates.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use bed::Tokenferry;
use practice::Options;

use crate::packages;
use crate::scene::{Client, MODEL, Scene, Token, asking};

/// How often somebody renews.
const RENEWALS: usize = 2;
/// From 120 seconds before the end that the file names, both SDKs look at it again with each request; in the last 30 they
/// refuse to ask with what is there. This lies between.
const LIFETIME: Duration = Duration::from_secs(100);
/// The SDK for TypeScript looks beside its requests, and so goes on with the token before for one or some.
const ASKED_AGAIN: usize = 5;
const BREATH: Duration = Duration::from_millis(200);

/// Asks before a renewal, and after it until the new token is in use.
async fn asks_over_renewals(agent: &str, program: impl FnOnce(&Scene) -> Tokenferry) {
    let scene = Scene::with(Options { access_token_lifetime: LIFETIME, ..Options::default() }).await;
    let mut tokens = vec![scene.token().await];
    scene.approve("anthropic-profile").await;
    scene.deliver().await;
    let mut client = Client::start(program(&scene).set("ANTHROPIC_CONFIG_DIR", &scene.folder));
    client.ask().await;
    for _ in 0..RENEWALS {
        let next = scene.renewed().await;
        scene.deliver().await;
        tokens.push(next);
        for _ in 0..ASKED_AGAIN {
            client.ask().await;
            tokio::time::sleep(BREATH).await;
        }
    }
    let tokens: Vec<_> = tokens.iter().map(Token::fingerprint).collect();
    scene.was_asked(agent, &tokens);
}

#[tokio::test]
async fn that_for_python_goes_on_over_a_renewal() {
    let Some(python) = packages::python().await else { return };
    asks_over_renewals("Anthropic/Python", |scene| {
        scene.program(&python.programs().join("python"), &[&asking("anthropic_sdk.py"), MODEL])
    })
    .await;
}

#[tokio::test]
async fn that_for_typescript_goes_on_over_a_renewal() {
    let Some(modules) = packages::node_modules().await else { return };
    asks_over_renewals("Anthropic/JS", |scene| {
        let folder = scene.home.path().join("node_modules");
        for (name, files) in modules {
            let link = folder.join(name);
            fs::create_dir_all(link.parent().expect("it lies in a folder")).expect("a folder should be made");
            symlink(files, link).expect("a link should be made");
        }
        let program = scene.home.path().join("ask.cjs");
        fs::copy(asking("anthropic_sdk.cjs"), &program).expect("it is part of the tests");
        // A package shall look for others where it is asked for, and not where it is kept.
        let words = ["--preserve-symlinks", program.to_str().expect("a plain path"), MODEL];
        scene.program(Path::new("node"), &words)
    })
    .await;
}
