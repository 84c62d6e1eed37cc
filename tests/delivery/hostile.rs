//! Volumes that mean no good, or can't do better: each gets its own sentence, nothing in it is destroyed, and the
//! others are delivered all the same.

use std::path::PathBuf;

use bed::{Run, TestEngine, Volume, volume::Kind};
use engine::destinations::docker::Docker;
use engine::destinations::{ComposeError, Parcel, ParcelFile};

use crate::parcels::{FILE, carry, docker, parcel, writing};

/// Delivers into a volume that refuses it and into a good one, and answers with the code of the refusal.
async fn beside_a_good_one(engine: &TestEngine, docker: &Docker, bad: Parcel) -> &'static str {
    let good = engine.volume().await;
    let settled = docker.carry(vec![bad, parcel(good.name(), [writing(FILE, b"good")])]).await;
    assert!(settled[1].1.is_ok(), "the other one is delivered: {settled:?}");
    assert_eq!(good.read(FILE).await.contents(), b"good");
    let error = &settled[0].1.as_ref().expect_err("it should not arrive").error;
    eprintln!("{error} {}", error.fix());
    error.code()
}

async fn in_memory(engine: &TestEngine, options: &str) -> Volume {
    engine.volume_with([("type", "tmpfs"), ("device", "tmpfs"), ("o", options)]).await
}

#[tokio::test]
async fn a_link_in_place_of_the_file_is_replaced_and_not_followed() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write("elsewhere", b"theirs", (1000, 1000, 0o600)).await;
    volume.make_link(FILE, "elsewhere").await;
    carry(&docker, parcel(volume.name(), [writing(FILE, b"ours")])).await.unwrap();
    assert_eq!(volume.read(FILE).await.contents(), b"ours");
    assert_eq!(volume.read("elsewhere").await.contents(), b"theirs");
}

#[tokio::test]
async fn a_link_on_the_way_is_not_followed() {
    let (engine, docker) = (TestEngine::get(), docker());
    for target in ["/tmp", "/etc", "elsewhere", "/v/1", "../1"] {
        let volume = engine.volume().await;
        volume.make_folder("elsewhere", (0, 0, 0o755)).await;
        volume.make_link("folder", target).await;
        let bad = parcel(volume.name(), [writing("folder/file", b"x")]);
        assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "link_in_the_way");
        assert_eq!(volume.read("folder").await.kind, Kind::Link(PathBuf::from(target)));
        assert_eq!(volume.all().await.len(), 3, "nothing new");
    }
}

#[tokio::test]
async fn a_file_on_the_way_is_left_alone() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write("folder", b"theirs", (0, 0, 0o600)).await;
    let bad = parcel(volume.name(), [writing("folder/file", b"x")]);
    assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "file_in_the_way");
    assert_eq!(volume.read("folder").await.contents(), b"theirs");
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_left_alone() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write(&format!("{FILE}/precious"), b"theirs", (1000, 1000, 0o600)).await;
    let bad = parcel(volume.name(), [writing(FILE, b"x")]);
    assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "folder_in_place");
    assert_eq!(volume.read(&format!("{FILE}/precious")).await.contents(), b"theirs");
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_left_alone() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write(FILE, b"{ half", (1000, 1000, 0o600)).await;
    let compose = Box::new(|_: Option<&[u8]>| Err(ComposeError::NotUnderstood("it is not JSON".to_owned())));
    let bad = parcel(volume.name(), [ParcelFile { path: FILE.to_owned(), mode: 0o600, compose }]);
    assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "file_not_understood");
    assert_eq!(volume.read(FILE).await.contents(), b"{ half");
}

#[tokio::test]
async fn a_read_only_volume_is_told() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = in_memory(&engine, "ro").await;
    let bad = parcel(volume.name(), [writing(FILE, b"x")]);
    assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "volume_read_only");
}

#[tokio::test]
async fn a_full_volume_keeps_the_old_file() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = in_memory(&engine, "size=64k").await;
    let _app = engine.run(Run::app(["sleep"]).mount(&volume, "/data")).await;
    carry(&docker, parcel(volume.name(), [writing(FILE, b"old")])).await.unwrap();
    let bad = parcel(volume.name(), [writing(FILE, &vec![b'x'; 200_000])]);
    assert_eq!(beside_a_good_one(&engine, &docker, bad).await, "volume_full");
    let (_, seen) = docker.look(vec![glance(&volume)]).await.remove(0);
    assert_eq!(seen.unwrap()[0].file.as_ref().unwrap().content.as_ref().unwrap().expose(), b"old");
}

#[tokio::test]
async fn a_volume_in_memory_is_delivered_into_only_while_it_lasts() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = in_memory(&engine, "size=64k").await;
    let lost = || parcel(volume.name(), [writing(FILE, b"x")]);
    assert_eq!(beside_a_good_one(&engine, &docker, lost()).await, "volume_in_memory_unused");
    let app = engine.run(Run::app(["sleep"]).mount(&volume, "/data")).await;
    carry(&docker, lost()).await.unwrap();
    drop(app);
    let (_, seen) = docker.look(vec![glance(&volume)]).await.remove(0);
    assert_eq!(seen.unwrap()[0].file, None, "gone with the container, as was said");
}

#[tokio::test]
async fn volumes_that_can_t_be_mounted_hold_up_no_other() {
    let (engine, docker) = (TestEngine::get(), docker());
    let nowhere = [("type", "none"), ("o", "bind"), ("device", "/nowhere/at/all")];
    let remote = [("type", "nfs"), ("o", "addr=127.0.0.1,soft,timeo=1,retrans=1"), ("device", ":/nothing")];
    let memory = in_memory(&engine, "size=64k").await;
    let _app = engine.run(Run::app(["sleep"]).mount(&memory, "/data")).await;
    let (nowhere, remote) = (engine.volume_with(nowhere).await, engine.volume_with(remote).await);
    let plain = engine.volume().await;
    let parcels = [&nowhere, &memory, &remote, &plain].map(|volume| parcel(volume.name(), [writing(FILE, b"x")]));
    let settled = docker.carry(parcels.into()).await;
    let codes = settled.iter().map(|(_, settled)| settled.as_ref().err().map(|failed| failed.error.code()));
    let unmountable = Some("volume_unmountable");
    assert_eq!(codes.collect::<Vec<_>>(), [unmountable, None, unmountable, None]);
    assert_eq!(plain.read(FILE).await.contents(), b"x");
}

fn glance(volume: &Volume) -> engine::destinations::Glance {
    let name = volume.name().to_owned();
    engine::destinations::Glance { destination: name.clone(), root: name, paths: vec![FILE.to_owned()] }
}
