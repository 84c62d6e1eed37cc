//! The Agent SDK brings a Claude Code along, which goes by its file or by a variable.

use std::fs;

use bed::Tokenferry;
use practice::Fingerprint;
use serde_json::json;

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

/// As the page on formats says it; a key that takes the place of another is used by the next query.
#[tokio::test]
async fn a_key_is_taken_by_claude_code_s_helper() {
    let Some(python) = packages::python().await else { return };
    let scene = Scene::new().await;
    let (config, variables) = (scene.home.path().join("config"), scene.home.path().join("none.env"));
    fs::create_dir(&config).expect("a folder should be made");
    fs::write(&variables, "").expect("the disk should take it");
    let settings = json!({"apiKeyHelper": format!("cat {}", scene.folder.join("access_token").display())});
    fs::write(config.join("settings.json"), settings.to_string()).expect("the disk should take it");
    let add = ["destination", "add", "taker", "--format", "token-file", "--account", "key", "--yes", "--directory"];
    scene.home.tokenferry(add).arg(&scene.folder).run().await.succeeds();
    let words = [&asking("agent_queries.py"), variables.to_str().expect("a plain path")];
    let program = scene.program(&python.programs().join("python"), &words).set("CLAUDE_CONFIG_DIR", &config);
    let mut client = Client::start(program.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"));
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = scene.provider.make_api_key("ada@practice.example").expect("Ada lives there");
        keys.push(Fingerprint::of(&key));
        let add = scene.home.tokenferry(["account", "add-api-key", "--account", "key", "--yes"]);
        add.input(key).run().await.succeeds();
        scene.deliver().await;
        client.ask().await;
    }
    scene.was_asked("claude-cli/", &keys);
}
