//! `tokenferry demo`, as `make demo` runs it: it shows the whole job in under a minute, says so step by step, and leaves
//! nothing behind, however it ends.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use bed::{Home, TestEngine};
use bollard::{
    errors::Error,
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder},
};
use rustix::process::Signal;

/// What a newcomer is promised.
const PROMISED: Duration = Duration::from_secs(60);

/// The steps, in their order.
const STEPS: [&str; 7] = [
    "A practice provider plays Claude",
    "Signed in, once",
    "The sign-in lies in the vault",
    "A container runs an app that asks Claude",
    "Delivered: the app gets its answers",
    "Renewed and delivered: the same app goes on",
    "Signed out: every copy is taken back",
];

#[tokio::test]
async fn the_whole_job_is_shown_in_under_a_minute() {
    let engine = TestEngine::get();
    // Many a machine has a proxy; what stays on it must not go there.
    let home =
        Home::new().engine(&engine).set("HTTP_PROXY", "http://127.0.0.1:9").set("http_proxy", "http://127.0.0.1:9");
    let begun = Instant::now();
    let demo = home.tokenferry(["demo"]).within(PROMISED).run().await.succeeds();
    assert!(begun.elapsed() < PROMISED, "it took {:?}", begun.elapsed());

    let told: Vec<&str> = demo.stdout.lines().filter_map(numbered).collect();
    assert_eq!(told.len(), STEPS.len(), "{demo}");
    for (told, step) in told.iter().zip(STEPS) {
        assert!(told.starts_with(step), "{told:?} should be {step:?}");
    }
    let words = demo.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for fact in [
        "up to “You are signed in”",
        "no token in plain text",
        "user node (uid 1000)",
        "file of its user 1000, mode 0600",
        "whole every time",
        "It was never restarted",
        "Now for real: tokenferry login",
    ] {
        assert!(words.contains(fact), "{fact:?} should be told in {demo}");
    }
    let tokens: BTreeSet<&str> =
        words.split("token ").filter_map(|after| after.split_once(" is good.")).map(|it| it.0).collect();
    assert_eq!(tokens.len(), 2, "the app should have used one token, then another: {tokens:?}");

    let printed = format!("{}{}", demo.stdout, demo.stderr);
    for secret in ["sk-ant-", "code=", "state="] {
        assert!(!printed.contains(secret), "{secret:?} should be nowhere in {demo}");
    }
    assert!(!printed.contains('\x1b'), "a pipe wants no colours");
    assert_nothing_left(&engine, &home, &demo.stdout).await;
}

#[tokio::test]
async fn interrupted_it_leaves_nothing() {
    let engine = TestEngine::get();
    for (signal, when) in [(Signal::INT, STEPS[3]), (Signal::HUP, STEPS[4]), (Signal::TERM, STEPS[3])] {
        let home = Home::new().engine(&engine);
        let mut demo = home.tokenferry(["demo"]).spawn();
        demo.gives(when).await;
        demo.signal(signal);
        let demo = demo.finish().await.ends_with(130);
        assert!(demo.stderr.contains("What the demo had made is gone again."), "{demo}");
        assert_nothing_left(&engine, &home, &demo.stdout).await;
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_cleanly() {
    let engine = TestEngine::get();
    let home = Home::new().engine(&engine);
    let demo = bed::programs::built("tokenferry").into_os_string();
    let script = r#""$0" demo | sed "/Volume/q"; echo "ended with ${PIPESTATUS[0]}""#;
    let ended = home.program("bash", ["-c".into(), script.into(), demo]).run().await.succeeds();
    assert!(ended.stdout.contains("ended with 1") && ended.stderr.contains("is gone again"), "{ended}");
    assert_nothing_left(&engine, &home, &ended.stdout).await;
}

#[tokio::test]
async fn without_an_engine_it_says_what_to_do() {
    let demo = Home::new().tokenferry(["demo"]).run().await.ends_with(1);
    assert!(demo.stderr.contains("Docker does not run") && demo.stderr.contains("make demo"), "{demo}");
    assert_eq!(demo.stdout, "");
}

/// A step's words, if the line begins a step.
fn numbered(line: &str) -> Option<&str> {
    let (number, words) = line.trim_start().split_once("  ")?;
    number.parse::<u32>().ok().map(|_| words)
}

/// Nothing of this demo is left, neither in the engine nor among the person's files.
async fn assert_nothing_left(engine: &TestEngine, home: &Home, told: &str) {
    let name = told.split_whitespace().find(|word| word.starts_with("tokenferry-demo-"));
    let name = name.unwrap_or_else(|| panic!("the volume should be named in {told}"));
    let docker = engine.docker();
    let missing = |error: Error| matches!(error, Error::DockerResponseServerError { status_code: 404, .. });
    assert!(docker.inspect_volume(name).await.is_err_and(missing), "volume {name} is left");
    assert!(docker.inspect_image(name).await.is_err_and(missing), "image {name} is left");
    let container = docker.inspect_container(name, None::<InspectContainerOptions>).await;
    assert!(container.is_err_and(missing), "container {name} is left");
    let mounting = [("volume".to_owned(), vec![name.to_owned()])].into();
    let options = ListContainersOptionsBuilder::default().all(true).filters(&mounting).build();
    let couriers = docker.list_containers(Some(options)).await.unwrap();
    assert!(couriers.is_empty(), "a courier is left: {couriers:?}");

    for folder in ["tmp", "state", "user"] {
        let left: Vec<_> = fs::read_dir(home.path().join(folder)).unwrap().flatten().map(|it| it.path()).collect();
        assert!(left.is_empty(), "{left:?} is left");
    }
}
