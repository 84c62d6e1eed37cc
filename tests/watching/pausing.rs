//! A pause: renewals go on, and nothing is delivered by itself until it is over.

use std::time::Duration;

use bed::TestEngine;
use bed::steps::{eventually, token};

use crate::scene::{HEALED_WITHIN, Scene, holds, idle, stop, until_fresh};

/// Longer than a delivery that is due would take.
const PEACE: Duration = Duration::from_secs(3);

fn pause(scene: &Scene, paused: bool) {
    let file = scene.home.state().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rest = text.trim_start_matches("paused = true\n").trim_start_matches("paused = false\n");
    std::fs::write(&file, format!("paused = {paused}\n{rest}")).unwrap();
}

#[tokio::test]
async fn nothing_is_delivered_by_itself_until_the_pause_is_over() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    pause(&scene, true);
    let before = token(&scene.home).await;
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    let after = token(&scene.home).await;
    eventually("the pause is told", async || scene.web().await["code"] == "paused").await;
    tokio::time::sleep(PEACE).await;
    assert!(holds(&volume, &before).await, "it was delivered");
    assert!(app.is_running().await);

    // Nor is what somebody harms put right.
    volume.write(".credentials.json", b"{}", (0, 0, 0o600)).await;
    tokio::time::sleep(HEALED_WITHIN).await;
    assert!(!holds(&volume, &after).await, "it was put right");

    // What a person asks for is done.
    scene.home.tokenferry(["sync"]).run().await.succeeds();
    assert!(holds(&volume, &after).await);

    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    pause(&scene, false);
    until_fresh(&scene, &volume).await;
    eventually("all is well", async || scene.web().await["code"] == "up_to_date").await;
    stop(run).await;
}
