//! A sign-in that a container blanked is put right while the container runs.

use std::time::{Duration, Instant};

use bed::Container;
use bed::steps::eventually;
use jiff::{SignedDuration, Timestamp};

use crate::scene::{FOLDER, Scene, Session, answer};

/// What is promised, from the blanking to a file that is good again.
const PROMISED: SignedDuration = SignedDuration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Long enough to tell slow healing from none.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long after it was healed the file is blanked again: files are looked at every few seconds, and the moment in
/// between shall not matter.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::ZERO, Duration::from_millis(1300)];

#[tokio::test]
async fn a_blanked_file_is_healed_within_five_seconds() {
    let Some(scene) = Scene::filled().await else { return };
    let mut run = scene.home.tokenferry(["run"]).spawn();
    run.says("Keeping").await;
    let mut session = Session::start(&scene);
    answer(&session.ask().await).expect("the first turn");
    let app = scene.idle().await;
    let mut blanked = Vec::new();
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        blanked.push(Timestamp::now());
        on_credentials(&scene, &app, &["blank"]).await.expect("the file can be blanked");
        until_answered(&scene, &app).await;
        answer(&session.ask().await).expect("the session goes on");
    }

    // A file is good again a moment before that is noted.
    eventually("each is noted", async || healed(&scene).await.len() >= PAUSES.len()).await;
    let healed = healed(&scene).await;
    let took: Vec<_> = blanked.iter().zip(&healed).map(|(blanked, healed)| healed.duration_since(*blanked)).collect();
    assert_eq!(healed.len(), PAUSES.len(), "{healed:?}");
    assert!(took.iter().all(|took| *took < PROMISED), "{took:?}");
}

/// When each time was that the file was put right.
async fn healed(scene: &Scene) -> Vec<Timestamp> {
    let told = scene.home.tokenferry(["activity", "--json"]).run().await.succeeds().json();
    let events = told.as_array().expect("a list").iter().filter(|event| event["kind"] == "healed");
    events.map(|event| event["at"].as_str().expect("a time").parse().unwrap()).collect()
}

/// Tells the practice app to do something with the file.
async fn on_credentials(scene: &Scene, app: &Container, words: &[&str]) -> Result<(), String> {
    let credentials = format!("{FOLDER}/.credentials.json");
    let [command, rest @ ..] = words else { panic!("which command?") };
    let words = [&["/app", command, "--credentials", &credentials], rest].concat();
    let done = scene.exec(app, &words).await;
    if done.status.success() { Ok(()) } else { Err(done.to_string()) }
}

async fn until_answered(scene: &Scene, app: &Container) {
    let (begun, url) = (Instant::now(), scene.provider.url());
    while let Err(said) = on_credentials(scene, app, &["ask", "--url", &url]).await {
        assert!(begun.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(LOOK).await;
    }
}
