//! Volumes that come, go, and come again.

use bed::steps::{approve, eventually};
use bed::{Home, TestEngine};
use serde_json::json;

use crate::scene::{Scene, idle, stop, until_fresh};

#[tokio::test]
async fn a_volume_that_is_made_anew_is_delivered_to() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    volume.remove().await;
    eventually("it is missed", async || scene.web().await["trouble"]["code"] == "volume_missing").await;
    assert!(!volume.exists().await, "it was brought back");
    // As compose does it: volume first, then a container, then its start.
    let app = scene.engine.create(idle(&volume)).await;
    until_fresh(&scene, &volume).await;
    app.start().await;
    eventually("all is well", async || scene.web().await["code"] == "up_to_date").await;
    stop(run).await;
}

/// The removal and the next start may lie within a second, as with `compose down -v` and `up`.
#[tokio::test]
async fn down_and_up_in_one_breath() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    for _ in 0..3 {
        eventually("no courier has it", async || volume.strange_containers().await.is_empty()).await;
        volume.remove().await;
        let _app = scene.engine.run(idle(&volume)).await;
        until_fresh(&scene, &volume).await;
    }
    stop(run).await;
}

#[tokio::test]
async fn what_was_made_anew_while_nobody_watched_is_found() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    stop(run).await;
    volume.remove().await;
    let _app = scene.engine.run(idle(&volume)).await;
    assert_eq!(volume.find(".credentials.json").await, None);
    let run = scene.run().await;
    until_fresh(&scene, &volume).await;
    stop(run).await;
}

/// An approved volume that is there before any container gets its token without one.
#[tokio::test]
async fn a_volume_without_a_container_is_delivered_to() {
    let scene = Scene::on(TestEngine::get()).await;
    let volume = scene.engine.missing_volume();
    scene.home.tokenferry(["destination", "add", "web", "--volume", volume.name()]).run().await.succeeds();
    let run = scene.run().await;
    eventually("it is missed", async || scene.web().await["trouble"]["code"] == "volume_missing").await;
    let made = bollard::models::VolumeCreateRequest { name: Some(volume.name().to_owned()), ..Default::default() };
    scene.engine.docker().create_volume(made).await.unwrap();
    until_fresh(&scene, &volume).await;
    stop(run).await;
}

/// Nothing is given where nobody approved.
#[tokio::test]
async fn a_volume_that_nobody_approved_of_gets_nothing() {
    let (scene, _web, run) = Scene::keeping(TestEngine::get()).await;
    let other = scene.engine.volume().await;
    let app = scene.engine.run(idle(&other)).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(other.find(".credentials.json").await, None);
    assert!(app.is_running().await);
    stop(run).await;
}

/// Two installations, each with its own volume on one engine, don't disturb each other.
#[tokio::test]
async fn two_watch_one_engine() {
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let second = Home::new().provider(&scene.provider).engine(&scene.engine);
    bed::steps::sign_in(&second).await;
    let other = scene.engine.volume().await;
    approve(&second, "web", &other).await;
    let mut second_run = second.tokenferry(["run"]).spawn();
    second_run.says("Delivered default to web").await;
    volume.write(".credentials.json", json!({}).to_string().as_bytes(), (0, 0, 0o600)).await;
    let _app = scene.engine.run(idle(&volume)).await;
    until_fresh(&scene, &volume).await;
    stop(run).await;
    stop(second_run).await;
}
