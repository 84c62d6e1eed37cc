//! A file that somebody harmed is put right, and the journal says what happened while who was running.

use std::time::Instant;

use bed::steps::{approve, eventually, token};
use bed::{Run, TestEngine};
use serde_json::json;

use crate::scene::{HEALED_WITHIN, Scene, holds, idle, stop, until_fresh};

const RIGHTS: (u64, u64, u32) = (0, 0, 0o600);

#[tokio::test]
async fn what_a_container_does_to_the_file_is_put_right() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let _app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    let blank =
        scene.engine.run(Run::app(["blank", "--credentials", "/c/.credentials.json"]).mount(&volume, "/c")).await;
    assert_eq!(blank.wait().await, 0);
    let took = until_fresh(&scene, &volume).await;
    assert!(took < HEALED_WITHIN, "healed after {took:?}");
    eventually("it is told", async || scene.events("healed").await.len() == 1).await;
    let told = &scene.events("healed").await[0];
    assert!(told.contains("web: the credentials had been blanked, while ") && told.ends_with(" Put right."), "{told}");

    // Behind the back of the engine, which tells of nothing then.
    for (harm, said) in [
        (json!({"claudeAiOauth": {"accessToken": "somebody's", "scopes": ["user:inference"]}}), "somebody else's"),
        (json!({"mcpOAuth": {}}), "deleted"),
    ] {
        let before = scene.events("healed").await.len();
        volume.write(".credentials.json", harm.to_string().as_bytes(), RIGHTS).await;
        let took = until_fresh(&scene, &volume).await;
        assert!(took < HEALED_WITHIN, "healed after {took:?}");
        eventually("it is told", async || scene.events("healed").await.len() > before).await;
        let told = scene.events("healed").await;
        assert!(told.last().unwrap().contains(said), "{told:?}");
    }
    let kept = volume.read(".credentials.json").await.json();
    assert_eq!(kept["mcpOAuth"], json!({}), "what is not ours stays");
    stop(run).await;
}

/// Whoever signed in inside of a container is asked before that is thrown away.
#[tokio::test]
async fn a_sign_in_that_a_container_made_is_left_until_a_person_says_so() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let _app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    let theirs = json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "r", "expiresAt": 1, "scopes": []}});
    volume.write(".credentials.json", theirs.to_string().as_bytes(), RIGHTS).await;
    eventually("it is said", async || scene.web().await["code"] == "foreign").await;
    assert_eq!(volume.read(".credentials.json").await.json(), theirs);
    let told = scene.events("delivery_failed").await;
    assert_eq!(told.len(), 1, "once: {told:?}");
    scene.home.tokenferry(["sync", "web", "--replace"]).run().await.succeeds();
    assert!(holds(&volume, &token(&scene.home).await).await);
    eventually("all is well", async || scene.web().await["code"] == "up_to_date").await;
    stop(run).await;
}

/// An MCP sign-in writes the same file, and is no harm.
#[tokio::test]
async fn what_the_cli_itself_writes_into_the_file_is_no_harm() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let _app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    let mut file = volume.read(".credentials.json").await.json();
    file["mcpOAuth"] = json!({"server": {"accessToken": "theirs"}});
    volume.write(".credentials.json", file.to_string().as_bytes(), RIGHTS).await;
    let before = scene.web().await["read_back"].clone();
    eventually("it was looked at", async || scene.web().await["read_back"] != before).await;
    assert_eq!(volume.read(".credentials.json").await.contents(), file.to_string().as_bytes(), "it is as it was");
    assert_eq!(scene.events("healed").await, [] as [String; 0]);
    stop(run).await;
}

/// The file came as root's, before anybody could say whose it should be.
#[tokio::test]
async fn a_file_is_given_to_the_container_that_came_after_it() {
    let scene = Scene::on(TestEngine::get()).await;
    let volume = scene.engine.volume().await;
    approve(&scene.home, "web", &volume).await;
    scene.home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(volume.read(".credentials.json").await.rights(), RIGHTS);
    let _app = scene.engine.run(idle(&volume).user("1000:1000")).await;
    let run = scene.run().await;
    eventually("it is theirs", async || volume.read(".credentials.json").await.rights() == (1000, 1000, 0o600)).await;
    stop(run).await;
}

#[tokio::test]
async fn rights_that_were_changed_are_put_right() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let _app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    let content = volume.read(".credentials.json").await.contents().to_vec();
    volume.write(".credentials.json", &content, (0, 0, 0o666)).await;
    let begun = Instant::now();
    eventually("nobody else may read it", async || volume.read(".credentials.json").await.rights() == RIGHTS).await;
    assert!(begun.elapsed() < HEALED_WITHIN, "after {:?}", begun.elapsed());
    stop(run).await;
}

/// Nobody runs any more through whom it could be looked at.
#[tokio::test]
async fn what_the_last_container_did_before_it_ended_is_put_right() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let blank = Run::app(["blank", "--credentials", "/c/.credentials.json"]).mount(&volume, "/c");
    let last = scene.engine.run(blank).await;
    assert_eq!(last.wait().await, 0);
    until_fresh(&scene, &volume).await;
    stop(run).await;
}
