//! podman's service: the same deliveries as to Docker, with its differences met.

use std::process::{Command, Stdio};
use std::time::Duration;

use bed::{Podman, Run, TestEngine};
use bollard::query_parameters::RemoveVolumeOptions;
use engine::destinations::docker::{Docker, EngineChoice, Environment, Maker, resolve};
use engine::destinations::{Change, Glance, Outcome};

use crate::parcels::{FILE, carry, file, parcel, random, writing};

/// Tells this test program to deliver until it is killed: an engine, an installation and a volume.
const STEP: &str = "TOKENFERRY_TEST_STEP";

fn docker_of(engine: &TestEngine, installation: &str) -> Docker {
    let reach = resolve(&EngineChoice::Host(engine.host().to_owned()), &Environment::default()).unwrap();
    Docker::new(reach, installation).unwrap()
}

fn docker(engine: &TestEngine) -> Docker {
    docker_of(engine, &random())
}

#[tokio::test]
async fn files_are_delivered_looked_at_and_withdrawn() {
    let podman = Podman::start().await;
    let docker = docker(&podman);
    assert_eq!(docker.identity().await.unwrap().maker, Maker::Podman);
    let (volume, theirs) = (podman.volume().await, podman.volume().await);
    podman.write(theirs.name(), FILE, b"{}", (1234, 567, 0o644));

    let parcels = [&volume, &theirs].map(|volume| parcel(volume.name(), [writing(FILE, b"for podman")]));
    for (_, settled) in docker.carry(parcels.into()).await {
        assert_eq!(settled.unwrap().files[0].outcome, Outcome::Written);
    }
    assert_eq!(podman.read(volume.name(), FILE).unwrap(), (b"for podman".to_vec(), (0, 0, 0o600)));
    assert_eq!(podman.read(theirs.name(), FILE).unwrap(), (b"for podman".to_vec(), (1234, 567, 0o600)));

    let glance = Glance { destination: "d".to_owned(), root: volume.name().to_owned(), paths: vec![FILE.to_owned()] };
    let seen = docker.look(vec![glance]).await.remove(0).1.unwrap_or_else(|error| panic!("{error} {}", podman.log()));
    assert_eq!(seen[0].file.as_ref().unwrap().content.as_ref().unwrap().expose(), b"for podman");
    let taken = carry(&docker, parcel(volume.name(), [file(FILE, |_| Change::Remove)])).await.unwrap();
    assert_eq!(taken.files[0].outcome, Outcome::Removed);
    assert_eq!(podman.read(volume.name(), FILE), None);

    assert!(podman.containers().await.is_empty());
    // The image is found again by a later process, and taken away at the end.
    docker_of(&podman, "later").tidy().await.unwrap();
    assert!(docker.has_image().await.unwrap());
    docker.leave().await.unwrap();
    assert!(!docker.has_image().await.unwrap());
}

#[tokio::test]
async fn the_container_s_user_gets_the_file_and_an_empty_volume() {
    let podman = Podman::start().await;
    let docker = docker(&podman);
    let volume = podman.volume().await;
    let delivered = async || carry(&docker, parcel(volume.name(), [writing(FILE, b"x")])).await.unwrap();
    delivered().await;
    let _app = podman.run(Run::app(["sleep"]).user("node").mount(&volume, "/data")).await;
    delivered().await;
    assert_eq!(podman.read(volume.name(), FILE).unwrap().1, (1000, 1000, 0o600));
    let (uid, gid, _) = podman.read(volume.name(), ".").unwrap().1;
    assert_eq!((uid, gid), (1000, 1000), "its user can write there, too");
}

#[tokio::test]
async fn a_volume_that_was_removed_is_not_brought_back() {
    let podman = Podman::start().await;
    let docker = docker(&podman);
    let warm = podman.volume().await;
    carry(&docker, parcel(warm.name(), [writing(FILE, b"x")])).await.unwrap();
    let mut volumes = Vec::new();
    for _ in 0..12 {
        volumes.push(podman.volume().await);
    }
    // podman tells when a volume was made in whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mut missed = 0;
    for (round, volume) in (0_u64..).zip(&volumes) {
        let remove = async {
            tokio::time::sleep(Duration::from_millis(5 * round)).await;
            podman.docker().remove_volume(volume.name(), None::<RemoveVolumeOptions>).await
        };
        let delivered = carry(&docker, parcel(volume.name(), [writing(FILE, b"x")]));
        let (delivered, removed) = tokio::join!(delivered, remove);
        // Its no may come when the volume is gone already: "cleaning up volume storage: directory not empty".
        assert!(removed.is_err() || !volume.exists().await, "brought back after {} ms", 5 * round);
        if let Err(undelivered) = delivered {
            missed += 1;
            // podman takes the folder away first, and for a moment the volume is there without it.
            let code = undelivered.error.code();
            assert!(["volume_missing", "volume_unmountable"].contains(&code), "{undelivered:?}\n{}", podman.log());
        }
        if !volume.exists().await {
            let again = carry(&docker, parcel(volume.name(), [writing(FILE, b"x")])).await.unwrap_err();
            assert_eq!(again.error.code(), "volume_missing", "{}\n{}", again.error, podman.log());
        }
    }
    eprintln!("removed in time: {missed}");
    let missing = podman.missing_volume();
    let settled = carry(&docker, parcel(missing.name(), [writing(FILE, b"x")])).await;
    assert_eq!(settled.unwrap_err().error.code(), "volume_missing");
    assert!(!missing.exists().await);
}

#[tokio::test]
async fn nothing_is_left_of_a_process_that_was_killed() {
    let podman = Podman::start().await;
    let (volume, installation) = (podman.volume().await, random());
    let docker = docker_of(&podman, &installation);
    let deliver = async || carry(&docker, parcel(volume.name(), [writing(FILE, b"whole")])).await.unwrap();
    deliver().await;
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "podman::child", "--nocapture"])
            .env(STEP, format!("{} {installation} {}", podman.host(), volume.name()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100 + 90 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(podman.read(volume.name(), FILE).unwrap().0, b"whole");
    }
    deliver().await;
    let begun = std::time::Instant::now();
    while !podman.containers().await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "left behind: {:?}", podman.containers().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        // What ended is removed by podman, or at the next delivery.
        deliver().await;
    }
}

#[tokio::test]
async fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let words: Vec<&str> = step.split(' ').collect();
    let docker = docker_of(&TestEngine::at(words[0]), words[1]);
    loop {
        let _ = carry(&docker, parcel(words[2], [writing(FILE, b"whole")])).await;
    }
}
