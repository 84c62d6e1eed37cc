//! Labels that say whose token a place shall have, where the user lets them.

use bed::Run;
use bed::steps::{eventually, token};

use crate::scene::{Scene, holds, stop};

#[tokio::test]
async fn a_labelled_container_is_served_where_labels_may_approve() {
    let dockerd = bed::Dockerd::start().await;
    let scene = Scene::on(dockerd.engine().clone()).await;
    let (early, late) = (scene.engine.volume().await, scene.engine.volume().await);
    let labelled = |volume| Run::app(["sleep"]).mount(volume, "/root/.claude").label("tokenferry.account", "default");
    let _first = scene.engine.run(labelled(&early)).await;
    let quiet = scene.run().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(early.find(".credentials.json").await, None, "a label alone approves of nothing");
    stop(quiet).await;

    let settings = scene.home.state().join("config.toml");
    let before = std::fs::read_to_string(&settings).unwrap_or_default();
    std::fs::write(&settings, format!("approve-labelled = true\n{before}")).unwrap();
    let run = scene.run().await;
    let newest = token(&scene.home).await;
    eventually("what was there is served", async || holds(&early, &newest).await).await;
    let _second = scene.engine.run(labelled(&late)).await;
    eventually("what comes is served", async || holds(&late, &newest).await).await;
    stop(run).await;
}

/// The label of an account that nobody is signed in to waits for that.
#[tokio::test]
async fn a_label_counts_as_soon_as_its_account_is_signed_in() {
    let dockerd = bed::Dockerd::start().await;
    let scene = Scene::on(dockerd.engine().clone()).await;
    std::fs::write(scene.home.state().join("config.toml"), "approve-labelled = true\n").unwrap();
    let volume = scene.engine.volume().await;
    let work = Run::app(["sleep"]).mount(&volume, "/root/.claude").label("tokenferry.account", "work");
    let _app = scene.engine.run(work).await;
    let mut run = scene.run().await;
    run.says("as whom nobody is signed in").await;
    scene.home.tokenferry(["login", "--account", "work"]).run().await.succeeds();
    run.says("Delivered work to").await;
    assert!(volume.find(".credentials.json").await.is_some());
    stop(run).await;
}
