//! That nothing of ours stays in an engine, whenever we are killed.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bed::TestEngine;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};

use crate::parcels::{FILE, carry, docker_of, parcel, random, writing};

/// Tells this test program to deliver until it is killed: an installation and a volume.
const STEP: &str = "TOKENFERRY_TEST_STEP";
/// What a delivery consists of: longer than one write, so that a half one would show.
const CONTENT: &[u8] = &[b'x'; 9000];
/// Within this the engine has cleared away what ended by itself.
const CLEARED: Duration = Duration::from_secs(10);

/// Couriers of an installation, running or not.
async fn couriers(engine: &TestEngine, installation: &str) -> Vec<String> {
    let label = format!("tokenferry.installation={installation}");
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let found = engine.docker().list_containers(Some(options)).await.unwrap();
    found.into_iter().map(|courier| format!("{:?} {:?}", courier.state, courier.status)).collect()
}

async fn none_left(engine: &TestEngine, installation: &str) {
    let begun = Instant::now();
    loop {
        let left = couriers(engine, installation).await;
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < CLEARED, "left behind: {left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_delivery_leaves_no_container_when_it_is_done() {
    let engine = TestEngine::get();
    let installation = random();
    let volume = engine.volume().await;
    carry(&docker_of(&installation), parcel(volume.name(), [writing(FILE, b"x")])).await.unwrap();
    assert_eq!(couriers(&engine, &installation).await, Vec::<String>::new());
}

#[tokio::test]
async fn killed_at_any_moment_it_leaves_nothing_after_the_next_run() {
    let engine = TestEngine::get();
    let installation = random();
    let volume = engine.volume().await;
    volume.write(FILE, CONTENT, (1000, 1000, 0o600)).await;
    for round in 0..25_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "leftovers::child", "--nocapture"])
            .env(STEP, format!("{installation} {}", volume.name()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Over the whole of a delivery, which takes about a quarter of a second, and its successor's begin.
        tokio::time::sleep(Duration::from_millis(15 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(volume.read(FILE).await.contents(), CONTENT, "whole, after {} ms", 15 * round);
    }
    carry(&docker_of(&installation), parcel(volume.name(), [writing(FILE, CONTENT)])).await.unwrap();
    none_left(&engine, &installation).await;
    assert_eq!(volume.all().await.len(), 2, "no temporary file");
}

#[tokio::test]
async fn a_courier_that_was_never_started_is_removed_and_another_installation_s_is_not() {
    let engine = TestEngine::get();
    let (ours, theirs) = (random(), random());
    let mut ids = Vec::new();
    for installation in [&ours, &theirs] {
        let labels = [("tokenferry.courier", "1"), ("tokenferry.installation", installation)];
        let body = ContainerCreateBody {
            image: Some(engine.app_image().await),
            cmd: Some(vec!["/app".to_owned()]),
            labels: Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            ..Default::default()
        };
        ids.push(engine.docker().create_container(None, body).await.unwrap().id);
    }
    docker_of(&ours).tidy().await.unwrap();
    let left = (couriers(&engine, &ours).await.len(), couriers(&engine, &theirs).await.len());
    for id in ids {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        let _ = engine.docker().remove_container(&id, Some(options)).await;
    }
    assert_eq!(left, (0, 1));
}

#[tokio::test]
async fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let (installation, volume) = step.split_once(' ').unwrap();
    let docker = docker_of(installation);
    loop {
        let _ = carry(&docker, parcel(volume, [writing(FILE, CONTENT)])).await;
    }
}
