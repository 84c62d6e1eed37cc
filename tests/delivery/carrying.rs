//! What arrives, and that nothing else changes.

use bed::{TestEngine, volume::Kind};
use bollard::query_parameters::RemoveVolumeOptions;
use engine::destinations::{Change, Glance, Outcome};
use engine::secret::SecretBytes;

use crate::parcels::{FILE, carry, docker, file, parcel, refused, writing};

#[tokio::test]
async fn a_file_arrives_and_is_replaced_and_removed() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    for content in [&b"first"[..], b"second, and longer"] {
        let receipt = carry(&docker, parcel(volume.name(), [writing(FILE, content)])).await.unwrap();
        assert_eq!((receipt.files[0].outcome, receipt.files[0].mode), (Outcome::Written, Some(0o600)));
        let found = volume.read(FILE).await;
        assert_eq!((found.contents(), found.rights()), (content, (0, 0, 0o600)));
    }
    for outcome in [Outcome::Removed, Outcome::Absent] {
        let receipt = carry(&docker, parcel(volume.name(), [file(FILE, |_| Change::Remove)])).await.unwrap();
        assert_eq!(receipt.files[0].outcome, outcome);
    }
    assert_eq!(volume.all().await.len(), 1, "the root folder alone");
    assert!(volume.strange_containers().await.is_empty());
}

#[tokio::test]
async fn compose_is_given_what_is_there() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write("deep/file", b"{\"other\":1}", (1000, 1000, 0o644)).await;
    let merging = file("deep/file", |existing| {
        let mut bytes = existing.unwrap().to_vec();
        bytes.extend(b"+ours");
        Change::Write(SecretBytes::new(bytes))
    });
    let fresh = file("deep/new/file", |existing| {
        assert_eq!(existing, None);
        Change::Write(SecretBytes::new(b"x".to_vec()))
    });
    let kept = file("deep/file2", |_| Change::Keep);
    let receipt = carry(&docker, parcel(volume.name(), [merging, fresh, kept])).await.unwrap();
    let outcomes: Vec<_> = receipt.files.iter().map(|file| file.outcome).collect();
    assert_eq!(outcomes, [Outcome::Written, Outcome::Written, Outcome::Absent]);
    assert_eq!(volume.read("deep/file").await.contents(), b"{\"other\":1}+ours");
    assert_eq!(volume.read("deep/new").await.rights(), (0, 0, 0o700));
}

#[tokio::test]
async fn looking_changes_nothing() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    volume.write(FILE, b"content", (1000, 1001, 0o640)).await;
    let before = volume.all().await;
    let glance = Glance {
        destination: "d".to_owned(),
        root: volume.name().to_owned(),
        paths: vec![FILE.to_owned(), "nothing".to_owned()],
    };
    let (name, seen) = docker.look(vec![glance]).await.remove(0);
    let seen = seen.unwrap();
    let found = seen[0].file.as_ref().unwrap();
    assert_eq!((name.as_str(), found.owner.uid, found.owner.gid, found.mode), ("d", 1000, 1001, 0o640));
    assert_eq!(found.content.as_ref().unwrap().expose(), b"content");
    assert_eq!(seen[1].file, None);
    assert_eq!(volume.all().await, before);
}

#[tokio::test]
async fn a_missing_volume_is_told_and_never_made() {
    let (engine, docker) = (TestEngine::get(), docker());
    let (there, missing) = (engine.volume().await, engine.missing_volume());
    let parcels = [missing.name(), there.name()].map(|name| parcel(name, [writing(FILE, b"x")]));
    let settled = docker.carry(parcels.into()).await;
    assert_eq!(settled[0].1.as_ref().unwrap_err().error.code(), "volume_missing");
    assert!(settled[1].1.is_ok());
    assert!(!missing.exists().await);
}

#[tokio::test]
async fn a_volume_removed_at_the_last_moment_is_not_brought_back() {
    let (engine, docker) = (TestEngine::get(), docker());
    let mut missed = 0;
    // Removed at about every moment from before the first look to after the last.
    for delay in (0..60).step_by(4) {
        let volume = engine.volume().await;
        let remove = async {
            tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
            let _ = engine.docker().remove_volume(volume.name(), None::<RemoveVolumeOptions>).await;
        };
        let (settled, ()) = tokio::join!(carry(&docker, parcel(volume.name(), [writing(FILE, b"x")])), remove);
        match settled {
            Ok(_) => assert!(volume.exists().await, "delivered, so it was not removed"),
            Err(undelivered) => {
                missed += 1;
                assert_eq!(undelivered.error.code(), "volume_missing");
                assert!(!volume.exists().await, "brought back after {delay} ms");
            }
        }
    }
    eprintln!("removed in time: {missed}");
}

#[tokio::test]
async fn two_couriers_at_once_don_t_harm_each_other() {
    let (engine, first, second) = (TestEngine::get(), docker(), docker());
    let volume = engine.volume().await;
    for round in 0..5 {
        let content = |docker| format!("{docker} {round}").into_bytes();
        let carried = tokio::join!(
            carry(&first, parcel(volume.name(), [writing(FILE, &content(1))])),
            carry(&second, parcel(volume.name(), [writing(FILE, &content(2))])),
        );
        let all = volume.all().await;
        let found = all[std::path::Path::new(FILE)].clone();
        assert!(matches!(&found.kind, Kind::File(found) if [content(1), content(2)].contains(found)));
        assert_eq!(all.len(), 2, "no temporary file");
        // One may have been overtaken between writing and reading back, and says so.
        assert!(carried.0.is_ok() || carried.1.is_ok());
    }
}

#[tokio::test]
async fn paths_out_of_the_volume_are_refused() {
    let (engine, docker) = (TestEngine::get(), docker());
    let volume = engine.volume().await;
    for path in ["../x", "/x", "a/../../x", ""] {
        assert_eq!(refused(&docker, parcel(volume.name(), [writing(path, b"x")])).await, "bad_path");
    }
}

#[tokio::test]
async fn a_hundred_volumes_go_with_one_courier() {
    let (engine, docker) = (TestEngine::get(), docker());
    let mut volumes = Vec::new();
    for _ in 0..100 {
        volumes.push(engine.volume().await);
    }
    let parcels = || volumes.iter().map(|volume| parcel(volume.name(), [writing(FILE, volume.name().as_bytes())]));
    let settled = docker.carry(parcels().collect()).await;
    for ((name, settled), volume) in settled.iter().zip(&volumes) {
        assert_eq!(name, volume.name(), "in the same order");
        assert!(settled.is_ok());
    }
    for volume in volumes.iter().step_by(33) {
        assert_eq!(volume.read(FILE).await.contents(), volume.name().as_bytes());
    }
}
