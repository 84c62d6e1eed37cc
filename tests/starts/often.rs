//! How often the file is there before the first instruction.

use std::time::{Duration, Instant};

use bed::steps::eventually;
use bed::{TestEngine, Volume};
use bollard::query_parameters::RemoveVolumeOptions;
use tokio::sync::Mutex;

use crate::images::with_folder;
use crate::watch::Watch;
use crate::ways::{Compose, Way};

/// How many starts are counted unless `TOKENFERRY_STARTS` says otherwise.
const STARTS: usize = 40;
/// How many where those were not enough to tell; the figures are of as many.
const ENOUGH: usize = 100;
/// How many of a hundred may find nothing in a fresh volume.
const MISSES: usize = 5;
/// Between two containers: a person takes longer, and what the one left behind is cleared away.
const PAUSE: Duration = Duration::from_millis(100);

/// One count at a time, as they take from each other what they measure.
static TURN: Mutex<()> = Mutex::const_new(());

fn starts() -> usize {
    std::env::var("TOKENFERRY_STARTS").ok().and_then(|starts| starts.parse().ok()).unwrap_or(STARTS)
}

/// Starts containers one after the other, each on a fresh volume of the same name. Nearly all must find their file.
async fn count_in_fresh(way: Way, image: &str, user: &str) {
    let _turn = TURN.lock().await;
    let engine = TestEngine::get();
    let volume = engine.missing_volume();
    let _watch = Watch::begin(&engine, &volume).await;
    let (begun, starts) = (Instant::now(), starts());
    let mut missed: Vec<String> = Vec::new();
    let mut round = 0;
    while round < starts || (round < ENOUGH && is_too_many(missed.len(), round)) {
        round += 1;
        let said = way.start(&engine, image, user, &volume).await;
        if !found(&said) {
            missed.push(format!("{round}: {}", said.trim()));
        }
        eventually("nobody has the volume any more", async || is_removed(&engine, &volume).await).await;
        tokio::time::sleep(PAUSE).await;
    }
    let took = begun.elapsed().as_millis() / round as u128;
    eprintln!("{way:?}: {} of {round} found their file, {took} ms each; missed: {missed:?}", round - missed.len());
    assert!(!is_too_many(missed.len(), round), "{} of {round} missed: {missed:?}", missed.len());
}

fn is_too_many(missed: usize, of: usize) -> bool {
    missed * 100 > of * MISSES
}

/// What the app says of a file that is there and can be read.
pub(crate) fn found(said: &str) -> bool {
    said.contains("found ") && said.contains(" bytes")
}

async fn is_removed(engine: &TestEngine, volume: &Volume) -> bool {
    engine.docker().remove_volume(volume.name(), None::<RemoveVolumeOptions>).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_run_on_a_fresh_volume() {
    let image = TestEngine::get().app_image().await;
    count_in_fresh(Way::Run, &image, "node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_run_detached_on_a_fresh_volume() {
    let image = with_folder(&TestEngine::get()).await;
    count_in_fresh(Way::RunDetached, &image, "1000:1000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn create_then_start_on_a_fresh_volume() {
    let image = with_folder(&TestEngine::get()).await;
    count_in_fresh(Way::CreateAndStart, &image, "node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compose_up_on_a_fresh_project() {
    let image = with_folder(&TestEngine::get()).await;
    count_in_fresh(Way::Compose(Compose::find().await), &image, "node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_there_already_misses_none() {
    let _turn = TURN.lock().await;
    let engine = TestEngine::get();
    let (volume, image) = (engine.volume().await, with_folder(&engine).await);
    let watch = Watch::begin(&engine, &volume).await;
    watch.is_up_to_date().await;
    for round in 0..starts() {
        let said = Way::RunDetached.start(&engine, &image, "node", &volume).await;
        assert!(found(&said), "round {round}: {said}");
    }
}

/// An engine can't remove a container while somebody looks into it, and then leaves it behind dead, with its volume.
#[tokio::test(flavor = "multi_thread")]
async fn containers_that_end_at_once_are_all_removed() {
    let _turn = TURN.lock().await;
    let engine = TestEngine::get();
    let (volume, image) = (engine.volume().await, with_folder(&engine).await);
    let _watch = Watch::begin(&engine, &volume).await;
    for _ in 0..starts() {
        Way::Run.start(&engine, &image, "node", &volume).await;
    }
    eventually("nobody has the volume any more", async || is_removed(&engine, &volume).await).await;
}
