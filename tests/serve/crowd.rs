//! One account for fifty programs that ask again and again and twenty volumes, each with a container that uses what lies
//! there, while its token ends every few seconds: nobody ever holds a dead one, and it is renewed once for all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bed::steps::{approve, eventually, token, token_in};
use bed::{Container, Home, Provider, Run, TestEngine, Volume};
use futures_util::future::join_all;
use practice::{Endpoint, Options};
use reqwest::StatusCode;
use serde_json::Value;

use crate::scene::{Scene, client};

const PROGRAMS: usize = 50;
const VOLUMES: usize = 20;
/// Renewed after half of that; in the other half the new one is delivered everywhere.
const LIFE: Duration = Duration::from_secs(4);
/// A renewal is spread over this much of the half.
const SPREAD: Duration = Duration::from_millis(200);
/// From what is due to what the provider sees.
const SLACK: Duration = Duration::from_millis(100);
/// Between two requests of a program, and of a container.
const PAUSE: Duration = Duration::from_millis(250);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_holds_a_dead_token_over_20_renewals_and_one_renews_for_all() {
    over(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes seven minutes; docs/figures.md has what it found, and how to run it"]
async fn nobody_holds_a_dead_token_over_200_renewals_and_one_renews_for_all() {
    over(200).await;
}

/// Watches that many renewals, and tells what was seen.
async fn over(renewals: usize) {
    let engine = TestEngine::get();
    let provider = Provider::start_with(Options { automatic: true, access_token_lifetime: LIFE, ..Options::default() });
    let home = Home::new().provider(&provider).engine(&engine);
    let scene = Scene::over(provider, home, &[]).await;
    bed::steps::sign_in(&scene.home).await;
    let mut volumes = Vec::new();
    for number in 0..VOLUMES {
        let volume = engine.volume().await;
        approve(&scene.home, &format!("v{number}"), &volume).await;
        volumes.push(volume);
    }
    let users = join_all(volumes.iter().map(|volume| user(&engine, &scene, volume))).await;
    join_all(users.iter().map(|user| user.prints("answered"))).await;
    let program_key = scene.grant("crowd", &["--per-second", "100000"]).await;

    // Whatever the engine was busy with while twenty containers began, is over.
    let logs = async || join_all(users.iter().map(Container::logs)).await;
    let before = logs().await;
    scene.provider.clear_record();
    let (begun, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let given = Arc::new(Mutex::new(BTreeSet::new()));
    let programs: Vec<_> =
        (0..PROGRAMS).map(|_| tokio::spawn(program(&scene, &program_key, given.clone(), over.clone()))).collect();
    let renewed = || scene.provider.record().count(Endpoint::Refresh);
    while renewed() < renewals && programs.iter().all(|program| !program.is_finished()) {
        tokio::time::sleep(PAUSE).await;
    }
    over.store(true, Ordering::Relaxed);
    let asked: usize = join_all(programs).await.into_iter().map(Result::unwrap).sum();
    let took = begun.elapsed();

    // One renewal for each end: none too early, and none with a refresh token that was used before.
    let record = scene.provider.record();
    let refreshes: Vec<_> = record.of(Endpoint::Refresh).collect();
    let used: BTreeSet<_> = refreshes.iter().map(|it| it.presented.clone().unwrap().to_string()).collect();
    assert_eq!(used.len(), refreshes.len(), "a refresh token was shown twice");
    assert!(refreshes.iter().all(|it| it.status == Some(200)), "{refreshes:?}");
    let shortest = refreshes.windows(2).map(|it| it[1].time.duration_since(it[0].time).unsigned_abs()).min().unwrap();
    assert!(shortest + SPREAD + SLACK > LIFE / 2, "renewed again after {shortest:?}");
    let given = given.lock().unwrap().len();
    // The last renewal may have come when nobody asked any more.
    assert!((refreshes.len()..=refreshes.len() + 1).contains(&given), "{} renewals, {given} given", refreshes.len());

    // Whoever had a volume was answered each time, from the first token to the last.
    let mut uses = 0;
    for entry in record.of(Endpoint::Messages) {
        assert_eq!(entry.status, Some(200), "a dead token lay in a volume: {entry:?}");
        uses += 1;
    }
    for (told, before) in logs().await.iter().zip(&before) {
        let since = told.strip_prefix(before.as_str()).expect("a log goes on");
        for bad in ["not logged in", "refused", "failed", "no answer"] {
            assert!(!since.contains(bad), "{told}");
        }
    }
    let delivered: BTreeSet<_> = record.of(Endpoint::Messages).filter_map(|it| it.presented.clone()).collect();
    assert!(delivered.len() >= refreshes.len(), "{} of {given} reached a container", delivered.len());

    // The newest is everywhere, once there is one that stays long enough to be looked at.
    scene.provider.set(|options| options.access_token_lifetime = Options::default().access_token_lifetime);
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    let newest = token(&scene.home).await;
    for volume in &volumes {
        eventually("the newest is in each volume", async || token_in(volume).await == newest).await;
    }
    figures(&scene, refreshes.len(), took, asked, uses).await;
    drop(users);
    scene.ends().await;
}

/// A container that uses what lies in its volume.
async fn user(engine: &TestEngine, scene: &Scene, volume: &Volume) -> Container {
    let (url, every) = (scene.provider.url(), PAUSE.as_millis().to_string());
    let words = ["keep-asking", "--credentials", "/claude/.credentials.json", "--url", &url, "--every-ms", &every];
    engine.run(Run::app(words).mount(volume, "/claude")).await
}

/// A program that asks for the token and uses it at once, until it is over; how often it did.
fn program(
    scene: &Scene,
    key: &str,
    given: Arc<Mutex<BTreeSet<String>>>,
    over: Arc<AtomicBool>,
) -> impl Future<Output = usize> + use<> {
    let (client, key) = (client(), key.to_owned());
    let (from, judge) = (format!("{}/v1/token", scene.url), format!("{}/api/oauth/profile", scene.provider.url()));
    async move {
        let mut asked = 0;
        while !over.load(Ordering::Relaxed) {
            let answer = client.get(&from).bearer_auth(&key).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let answer: Value = answer.json().await.unwrap();
            let token = answer["access_token"].as_str().unwrap().to_owned();
            let judged = client.get(&judge).bearer_auth(&token).header("anthropic-beta", "oauth-2025-04-20");
            let judged = judged.send().await.unwrap();
            assert_eq!(judged.status(), StatusCode::OK, "a dead token was given, of {}", answer["expires_in"]);
            given.lock().unwrap().insert(token);
            asked += 1;
            tokio::time::sleep(PAUSE).await;
        }
        asked
    }
}

/// Tells what was seen, for docs/figures.md.
async fn figures(scene: &Scene, renewals: usize, took: Duration, asked: usize, uses: usize) {
    let key = scene.grant("prometheus", &["--allow", "status"]).await;
    let metrics = scene.asks("GET", "/metrics").bearer_auth(&key).send().await.unwrap().text().await.unwrap();
    let of = |name: &str| {
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap().parse::<f64>().unwrap()
    };
    let mean = |of_what: &str| {
        let count = of(&format!("tokenferry_{of_what}_duration_seconds_count"));
        (count, of(&format!("tokenferry_{of_what}_duration_seconds_sum")) / count * 1000.0)
    };
    let ((renewed, renewal), (delivered, delivery)) = (mean("renewal"), mean("delivery"));
    eprintln!(
        "{renewals} renewals in {took:?}; {asked} tokens given and {uses} used from volumes, none of them dead; mean of \
         {renewed} renewals {renewal:.0} ms, of {delivered} deliveries {delivery:.0} ms"
    );
}
