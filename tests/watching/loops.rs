//! What our own couriers cause at an engine is none of our business: no loop, and no volume that comes back.

use std::time::Duration;

use bed::TestEngine;
use bed::steps::{approve, eventually};
use bollard::query_parameters::{EventsOptionsBuilder, RemoveVolumeOptions};
use futures_util::StreamExt;
use std::collections::HashMap;

use crate::scene::{Scene, idle, stop, until_fresh};

/// Couriers that are made within a time.
async fn couriers_within(engine: &TestEngine, time: Duration) -> usize {
    let filters = HashMap::from([("event", vec!["create"]), ("label", vec!["tokenferry.courier"])]);
    let options = EventsOptionsBuilder::default().filters(&filters).build();
    let mut events = engine.docker().events(Some(options));
    let mut number = 0;
    let _ = tokio::time::timeout(time, async {
        while events.next().await.is_some() {
            number += 1;
        }
    })
    .await;
    number
}

#[tokio::test]
async fn peace_stays_peace() {
    let dockerd = bed::Dockerd::start().await;
    let (scene, volume, run) = Scene::keeping(dockerd.engine().clone()).await;
    let _app = scene.engine.run(idle(&volume)).await;
    scene.settled().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(couriers_within(&scene.engine, Duration::from_secs(12)).await, 0, "couriers without a reason");
    // The control: one that has a reason is seen.
    let counting = tokio::spawn({
        let engine = scene.engine.clone();
        async move { couriers_within(&engine, Duration::from_secs(6)).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    volume.write(".credentials.json", b"", (0, 0, 0o600)).await;
    until_fresh(&scene, &volume).await;
    assert!(counting.await.unwrap() >= 1);
    stop(run).await;
}

/// A volume that is removed again and again, at any moment of a delivery, stays removed.
#[tokio::test]
async fn a_volume_that_is_removed_stays_removed() {
    let dockerd = bed::Dockerd::start().await;
    let scene = Scene::on(dockerd.engine().clone()).await;
    let volume = scene.engine.missing_volume();
    scene.home.tokenferry(["destination", "add", "web", "--volume", volume.name()]).run().await.succeeds();
    let run = scene.run().await;
    for round in 0..12_u64 {
        let made = bollard::models::VolumeCreateRequest { name: Some(volume.name().to_owned()), ..Default::default() };
        scene.engine.docker().create_volume(made).await.unwrap();
        // Deliveries begin two seconds after; removals fall before, into and after them.
        tokio::time::sleep(Duration::from_millis(1800 + round * 60)).await;
        eventually("it is removed", async || {
            scene.engine.docker().remove_volume(volume.name(), None::<RemoveVolumeOptions>).await.is_ok()
                || !volume.exists().await
        })
        .await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(!volume.exists().await, "it was brought back in round {round}");
    }
    stop(run).await;
    assert_eq!(scene.engine.containers().await.len(), 0, "a courier stayed");
}

#[tokio::test]
async fn many_containers_at_once_cost_few_couriers() {
    let dockerd = bed::Dockerd::start().await;
    let (scene, volume, run) = Scene::keeping(dockerd.engine().clone()).await;
    let first = scene.engine.run(idle(&volume)).await;
    let counting = tokio::spawn({
        let engine = scene.engine.clone();
        async move { couriers_within(&engine, Duration::from_secs(10)).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut apps = vec![first];
    for _ in 0..8 {
        apps.push(scene.engine.run(idle(&volume)).await);
    }
    let couriers = counting.await.unwrap();
    assert!(couriers <= 2, "{couriers} couriers for containers that needed none");
    let other = scene.engine.volume().await;
    approve(&scene.home, "other", &other).await;
    until_fresh(&scene, &other).await;
    stop(run).await;
}
