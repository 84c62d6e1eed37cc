//! That a reader sees the old file or the new one, whole, with the right owner and mode. The same look at a plain
//! archive PUT must find bad reads, or it would prove nothing.

use bed::{Container, Run, TestEngine, Volume};
use engine::destinations::{Ids, OwnerChoice, Parcel};

use crate::parcels::{FILE, docker, parcel, writing};

/// More than one publish for each courier, as starting one costs the most.
const VOLUMES: usize = 4;
const ROUNDS: usize = 255;
/// What says to a reader that it is over.
const OVER: &str = "over";

fn content(round: usize) -> Vec<u8> {
    format!("{{\"round\":{round},\"padding\":\"{}\"}}", "x".repeat(4000 + round)).into_bytes()
}

async fn reading(engine: &TestEngine, volume: &Volume) -> Container {
    let file = format!("/data/{FILE}");
    let flags = ["hammer", "--file", &file, "--uid", "1000", "--gid", "1000", "--mode", "600", "--threads", "1"];
    let until = ["--until-file", "/data/over"];
    let run = Run::app(flags.into_iter().chain(until)).user("1000:1000").mount(volume, "/data");
    let reader = engine.run(run).await;
    reader.prints("reading").await;
    reader
}

/// Ends a reader, and answers with how often it read, how often it read something bad, and how many contents it saw.
async fn found(volume: &Volume, reader: &Container) -> (u64, u64, u64) {
    volume.write(OVER, b"", (0, 0, 0o644)).await;
    reader.wait().await;
    let logs = reader.logs().await;
    let line = logs.lines().find(|line| line.starts_with('{')).expect("the reader says what it saw");
    let seen: serde_json::Value = serde_json::from_str(line).unwrap();
    eprintln!("{line}");
    let bad = ["missing", "unreadable", "empty", "torn", "wrong_owner", "wrong_mode"];
    let count = |name: &str| seen[name].as_u64().unwrap();
    (count("reads"), bad.iter().map(|name| count(name)).sum(), count("distinct"))
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_no_bad_file_over_a_thousand_publishes() {
    let (engine, docker) = (TestEngine::get(), docker());
    let mut volumes = Vec::new();
    let mut readers = Vec::new();
    for _ in 0..VOLUMES {
        let volume = engine.volume().await;
        volume.write(FILE, &content(0), (1000, 1000, 0o600)).await;
        readers.push(reading(&engine, &volume).await);
        volumes.push(volume);
    }
    for round in 1..=ROUNDS {
        let owner = OwnerChoice::Ids(Ids { uid: 1000, gid: 1000 });
        let file = || writing(FILE, &content(round));
        let parcels = volumes.iter().map(|volume| Parcel { owner, ..parcel(volume.name(), [file()]) });
        for (_, settled) in docker.carry(parcels.collect()).await {
            settled.unwrap();
        }
    }
    for (volume, reader) in volumes.iter().zip(&readers) {
        let (reads, bad, distinct) = found(volume, reader).await;
        assert_eq!(bad, 0, "of {reads} reads");
        assert!(distinct > ROUNDS as u64 / 2, "the reader saw what was published: {distinct} of {ROUNDS}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_put_shows_bad_files_to_the_same_reader() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    volume.write(FILE, &content(0), (1000, 1000, 0o600)).await;
    let reader = reading(&engine, &volume).await;
    for round in 1..=50 {
        // The test bed writes by archive PUT.
        volume.write(FILE, &content(round), (1000, 1000, 0o600)).await;
    }
    let (_, bad, _) = found(&volume, &reader).await;
    assert!(bad > 0, "the look at readers can't fail");
}
