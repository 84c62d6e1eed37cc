//! Engines that go, hang and come back; each holds up itself alone.

use std::path::PathBuf;
use std::time::Duration;

use bed::steps::{eventually, token};
use bed::{Dockerd, TestEngine};
use rustix::process::Signal;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::scene::{Scene, holds, stop, until_fresh};

#[tokio::test]
async fn an_engine_that_comes_back_is_caught_up_with() {
    let mut dockerd = Dockerd::start().await;
    let (scene, volume, mut run) = Scene::keeping(dockerd.engine().clone()).await;
    // It was there for long enough to be missed.
    tokio::time::sleep(Duration::from_secs(4)).await;
    dockerd.stop().await;
    run.says("It is waited for.").await;
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    eventually("it is said", async || scene.web().await["code"] == "waiting").await;
    dockerd.restart().await;
    run.says("is back").await;
    until_fresh(&scene, &volume).await;
    eventually("all is well", async || scene.web().await["code"] == "up_to_date").await;

    tokio::time::sleep(Duration::from_secs(4)).await;
    // What happened while nobody could hear it is found as well; with `run` held still, so that it can't be there first.
    run.signal(Signal::STOP);
    dockerd.kill().await;
    dockerd.restart().await;
    volume.write(".credentials.json", b"", (0, 0, 0o600)).await;
    run.signal(Signal::CONT);
    until_fresh(&scene, &volume).await;
    stop(run).await;
}

#[tokio::test]
async fn an_engine_that_hangs_holds_up_nobody() {
    let mut hanging = Dockerd::start().await;
    let (scene, volume, run) = Scene::keeping(TestEngine::get()).await;
    let there = hanging.engine().volume().await;
    let add = ["destination", "add", "there", "--volume", there.name(), "--engine", hanging.engine().host()];
    scene.home.tokenferry(add).run().await.succeeds();
    until_fresh(&scene, &there).await;
    hanging.pause();
    for _ in 0..3 {
        scene.home.tokenferry(["refresh"]).run().await.succeeds();
        let took = until_fresh(&scene, &volume).await;
        assert!(took < Duration::from_secs(5), "held up for {took:?}");
    }
    hanging.resume();
    let newest = token(&scene.home).await;
    eventually("the other is caught up with", async || holds(&there, &newest).await).await;
    stop(run).await;
}

/// A context that is made to lead elsewhere is followed.
#[tokio::test]
async fn a_context_that_changes_is_followed() {
    let (first, second) = tokio::join!(Dockerd::start(), Dockerd::start());
    let scene = Scene::on(TestEngine::get()).await;
    let volume = first.engine().volume().await;
    let other = second.engine().volume_named(volume.name()).await;
    let context = Context::of(&scene, "moving");
    context.leads_to(first.engine());
    let add = ["destination", "add", "web", "--volume", volume.name(), "--engine", "moving"];
    scene.home.tokenferry(add).run().await.succeeds();
    let run = scene.run().await;
    until_fresh(&scene, &volume).await;
    assert_eq!(other.find(".credentials.json").await, None);
    context.leads_to(second.engine());
    until_fresh(&scene, &other).await;
    stop(run).await;
}

/// A docker context of a person's.
struct Context(PathBuf);

impl Context {
    fn of(scene: &Scene, name: &str) -> Self {
        let folder: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = scene.home.path().join("user/.docker/contexts/meta").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn leads_to(&self, engine: &TestEngine) {
        let meta = json!({"Name": "moving", "Metadata": {}, "Endpoints": {"docker": {"Host": engine.host()}}});
        std::fs::write(self.0.join("meta.json"), meta.to_string()).unwrap();
    }
}
