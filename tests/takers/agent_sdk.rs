//! The Agent SDK brings a Claude Code along, which goes by its file or by a variable.

use bed::Tokenferry;

use crate::packages;
use crate::scene::{Client, Scene, Token, asking};

/// How often somebody renews.
const RENEWALS: usize = 2;

async fn asks_over_renewals(scene: &Scene, program: Tokenferry, format: &str) {
    let mut tokens = vec![scene.token().await];
    scene.approve(format).await;
    scene.deliver().await;
    let mut client = Client::start(program.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"));
    client.ask().await;
    for _ in 0..RENEWALS {
        let next = scene.renewed().await;
        scene.deliver().await;
        tokens.push(next);
        client.ask().await;
    }
    let tokens: Vec<_> = tokens.iter().map(Token::fingerprint).collect();
    scene.was_asked("claude-cli/", &tokens);
}

#[tokio::test]
async fn a_session_goes_on_over_renewals_of_its_file() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    let program = scene.program(&python.programs().join("python"), &[&asking("agent_session.py")]);
    let program = program.set("CLAUDE_CONFIG_DIR", &scene.folder);
    asks_over_renewals(&scene, program, "claude-code").await;
}

#[tokio::test]
async fn each_query_takes_the_variable_of_now() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    let variables = scene.folder.join(".env");
    let words = [&asking("agent_queries.py"), variables.to_str().expect("a plain path")];
    let program = scene.program(&python.programs().join("python"), &words);
    asks_over_renewals(&scene, program, "dotenv").await;
}
