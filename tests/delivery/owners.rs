//! Whose a delivered file is.

use bed::{Run, TestEngine, Volume};
use engine::destinations::{Ids, OwnerChoice};

use crate::parcels::{FILE, carry, docker, parcel, writing};

/// Delivers, and answers with owner and mode of the file, and the owner of the root folder.
async fn delivered(volume: &Volume) -> ((u64, u64, u32), (u64, u64)) {
    carry(&docker(), parcel(volume.name(), [writing(FILE, b"x")])).await.unwrap();
    let root = volume.read("").await;
    (volume.read(FILE).await.rights(), (root.uid, root.gid))
}

#[tokio::test]
async fn the_existing_file_s_owner_stays_its_owner() {
    let volume = TestEngine::get().volume().await;
    volume.write(FILE, b"", (1234, 567, 0o644)).await;
    assert_eq!(delivered(&volume).await, ((1234, 567, 0o600), (0, 0)));
}

#[tokio::test]
async fn the_root_folder_s_owner_gets_a_new_file() {
    let volume = TestEngine::get().volume().await;
    volume.make_folder(".", (1234, 567, 0o755)).await;
    assert_eq!(delivered(&volume).await, ((1234, 567, 0o600), (1234, 567)));
}

#[tokio::test]
async fn the_user_of_the_containers_gets_a_new_file_and_an_empty_volume() {
    let engine = TestEngine::get();
    for (user, owner) in [("1000:1001", (1000, 1001)), ("node", (1000, 1000)), ("1234", (1234, 0))] {
        let volume = engine.volume().await;
        let _created = engine.create(Run::app(["sleep"]).user(user).mount(&volume, "/data")).await;
        assert_eq!(delivered(&volume).await, ((owner.0, owner.1, 0o600), owner), "{user}");
    }
}

#[tokio::test]
async fn a_file_from_before_the_first_container_becomes_its_user_s() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    assert_eq!(delivered(&volume).await, ((0, 0, 0o600), (0, 0)));
    let _app = engine.run(Run::app(["sleep"]).user("node").mount(&volume, "/data")).await;
    assert_eq!(delivered(&volume).await, ((1000, 1000, 0o600), (1000, 1000)));
}

#[tokio::test]
async fn containers_that_don_t_agree_decide_nothing() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let _one = engine.create(Run::app(["sleep"]).user("1000").mount(&volume, "/data")).await;
    let _root = engine.create(Run::app(["sleep"]).mount(&volume, "/data")).await;
    assert_eq!(delivered(&volume).await.0.0, 1000, "root may read anything");
    volume.write(FILE, b"", (0, 0, 0o600)).await;
    volume.make_folder(".", (0, 0, 0o755)).await;
    let _other = engine.create(Run::app(["sleep"]).user("1001").mount(&volume, "/data")).await;
    assert_eq!(delivered(&volume).await, ((0, 0, 0o600), (0, 0)));
}

#[tokio::test]
async fn a_volume_with_something_in_it_keeps_its_root_folder() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    volume.write("theirs", b"", (0, 0, 0o600)).await;
    let _app = engine.create(Run::app(["sleep"]).user("node").mount(&volume, "/data")).await;
    assert_eq!(delivered(&volume).await, ((1000, 1000, 0o600), (0, 0)));
}

#[tokio::test]
async fn what_the_user_says_is_done() {
    let volume = TestEngine::get().volume().await;
    volume.write(FILE, b"", (1, 1, 0o600)).await;
    let owner = OwnerChoice::Ids(Ids { uid: 77, gid: 78 });
    let said = engine::destinations::Parcel { owner, ..parcel(volume.name(), [writing(FILE, b"x")]) };
    carry(&docker(), said).await.unwrap();
    assert_eq!(volume.read(FILE).await.rights(), (77, 78, 0o600));
}
