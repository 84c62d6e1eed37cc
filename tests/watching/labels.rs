//! Labels that say whose token a place shall have, where the user lets them.

use bed::steps::{eventually, token};
use bed::Run;

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
