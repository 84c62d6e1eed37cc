//! Discovery: places that wait for a sign-in are found by looking, suggested with reasons, and approved of once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bed::dockerd::Dockerd;
use bed::{Home, Provider, Run, TestEngine};
use engine::destinations::docker::survey::Survey;
use engine::destinations::docker::{Docker, EngineChoice, Environment, resolve};
use engine::{Engine, Surroundings};
use serde_json::{Value, json};

use crate::steps::{approve, at_a_terminal, refusal, report, sign_in, sign_in_as, token, token_in};

/// What is suggested, or found, on an engine, by its name.
fn told(report: &Value, engine: &str, what: &str) -> Vec<Value> {
    let engines = report["engines"].as_array().expect("a list");
    let told = engines.iter().find(|it| it["engine"] == engine).unwrap_or_else(|| panic!("{report} lacks {engine}"));
    told[what].as_array().unwrap_or_else(|| panic!("{told} has no {what}")).clone()
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default().to_owned()).collect()
}

/// All that the engine would tell anybody of what is on it.
async fn state_of(engine: &TestEngine) -> (Value, Value) {
    let volumes = engine
        .docker()
        .list_volumes(None::<bollard::query_parameters::ListVolumesOptions>)
        .await
        .unwrap()
        .volumes
        .unwrap_or_default();
    // In no particular order.
    let names: BTreeSet<_> = volumes.iter().map(|volume| volume.name.clone()).collect();
    let containers = engine.containers().await;
    let containers: Vec<_> = containers.iter().map(|it| json!([it.id, it.state])).collect();
    (json!(names), json!(containers))
}

async fn survey(engine: &TestEngine) -> Survey {
    let reach = resolve(&EngineChoice::named(engine.host()), &Environment::default()).unwrap();
    Docker::new(reach, "0123456789abcdef").unwrap().survey().await.unwrap()
}

#[tokio::test]
async fn what_waits_is_found_and_approved_of_by_its_name() {
    let provider = Provider::start();
    let engine = Dockerd::start().await;
    let home = Home::new().provider(&provider).engine(&engine).set("TOKENFERRY_LOG", "trace");
    sign_in(&home).await;
    let labels = [("com.docker.compose.project", "shop"), ("com.docker.compose.volume", "claude-auth")];
    let shop = engine.volume_labelled("shop_claude-auth", labels).await;
    let tokens = engine.volume_labelled("tokens", [("tokenferry.account", "default")]).await;
    let (node, data, other) =
        (engine.volume_named("node").await, engine.volume_named("data").await, engine.volume_named("other").await);
    let app = Run::app(["sleep"]).user("1000:1000").mount(&node, "/home/node/.claude").mount(&other, "/other");
    let app = engine.run(app.set("ANTHROPIC_API_KEY", "sk-canary-of-a-key")).await;
    let job =
        Run::app(["sleep"]).mount_read_only(&data, "/data").set("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/data/claude");
    let _job = engine.create(job.set("ANTHROPIC_BASE_URL", "http://me:canary-of-a-password@gateway/")).await;
    let folder = tempfile::tempdir().unwrap();
    let _bound = engine.create(Run::app(["sleep"]).bind(folder.path(), "/root/.claude")).await;
    let file = folder.path().join("credentials");
    std::fs::write(&file, "{}").unwrap();
    let _file = engine.create(Run::app(["sleep"]).bind(&file, "/home/x/.claude/.credentials.json")).await;

    let before = state_of(&engine).await;
    let found = report(home.tokenferry(["destination", "discover"])).await;
    assert_eq!(state_of(&engine).await, before, "looking changed something");
    assert!(!home.state().join("config.toml").exists(), "looking approved of something");
    let suggested = told(&found, engine.host(), "suggestions");
    assert_eq!(column(&suggested, "name"), ["data-claude", "node", "shop", "tokens"], "{found}");
    assert_eq!(column(&suggested, "owner"), ["auto", "1000:1000", "auto", "auto"], "{found}");
    assert!(suggested.iter().all(|it| it["account"] == "default" && it["format"] == "claude-code"), "{found}");
    assert_eq!(suggested[0]["folder"], "claude");
    assert_eq!(
        suggested[1]["containers"][0],
        json!({"container": suggested[1]["containers"][0]["container"], "running": app.is_running().await,
            "at": "/home/node/.claude", "read_only": false})
    );
    assert!(suggested.iter().all(|it| !it["reasons"].as_array().unwrap().is_empty()), "{found}");
    let findings = told(&found, engine.host(), "findings");
    assert_eq!(column(&findings, "code"), ["bind_mount", "single_file"], "{found}");

    // In a pipe nobody is asked, and nothing is approved of.
    let listed = home.tokenferry(["destination", "discover"]).run().await.succeeds();
    for part in
        ["shop  volume shop_claude-auth, for account default", "by CLAUDE_SECURESTORAGE_CONFIG_DIR", "→ Mount a volume"]
    {
        assert!(listed.stdout.contains(part), "{listed}\nlacks {part}");
    }
    for secret in ["sk-canary-of-a-key", "canary-of-a-password"] {
        assert!(!listed.stdout.contains(secret) && !listed.stderr.contains(secret), "{listed}");
    }

    let none = home.tokenferry(["destination", "discover", "--approve", "node", "nothing"]);
    assert_eq!(refusal(none, 1).await, "declined");
    let approved = report(home.tokenferry(["destination", "discover", "--approve", "node", "shop"])).await;
    assert_eq!(column(approved["approved"].as_array().unwrap(), "outcome"), ["added", "added"], "{approved}");
    // A line that was printed does the same.
    let line = suggested[0]["command"].as_str().unwrap();
    let words: Vec<_> = line.strip_prefix("tokenferry ").unwrap().split(' ').collect();
    home.tokenferry(words).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(node.read(".credentials.json").await.rights(), (1000, 1000, 0o600));
    for volume in [&shop, &node] {
        assert_eq!(token_in(volume).await, token(&home).await);
    }
    assert!(data.find("claude/.credentials.json").await.is_some());
    assert!(tokens.find(".credentials.json").await.is_none() && other.find(".credentials.json").await.is_none());

    let left = report(home.tokenferry(["destination", "discover", "--approve-all"])).await;
    assert_eq!(column(&told(&left, engine.host(), "suggestions"), "name"), ["tokens"], "{left}");
    let left = report(home.tokenferry(["destination", "discover"])).await;
    assert_eq!(told(&left, engine.host(), "suggestions"), Vec::<Value>::new());
}

#[tokio::test]
async fn at_a_terminal_each_is_asked_for() {
    let provider = Provider::start();
    let engine = Dockerd::start().await;
    let home = Home::new().provider(&provider).engine(&engine);
    sign_in_as(&home, &provider, "ada@practice.example", "work").await;
    sign_in_as(&home, &provider, "grace@practice.example", "home").await;
    let _volumes = [engine.volume_named("a_claude-auth").await, engine.volume_named("b_claude-auth").await];
    let mut asked = at_a_terminal(&home, "destination discover").spawn();
    asked.gives("Keep a fresh? [y/N] ").await;
    asked.types("y\n").await;
    asked.gives("Keep b fresh? [y/N] ").await;
    asked.types("n\n").await;
    asked.gives("Whose token shall a get (home, work)? ").await;
    asked.types("work\n").await;
    let done = asked.finish().await.succeeds();
    assert!(done.stdout.contains("Added a: volume a_claude-auth"), "{done}");
    let list = report(home.tokenferry(["destination", "list"])).await;
    assert_eq!((column(list.as_array().unwrap(), "name"), &list[0]["account"]), (vec!["a".to_owned()], &json!("work")));

    // In a pipe the account has to be said.
    let unsaid =
        home.tokenferry(["destination", "discover", "--approve-all", "--json"]).run().await.ends_with(1).json();
    assert_eq!(unsaid["approved"][0]["code"], "which_account", "{unsaid}");
    home.tokenferry(["destination", "discover", "--approve-all", "--account", "home"]).run().await.succeeds();
}

#[tokio::test]
async fn an_engine_that_hangs_or_is_gone_holds_up_no_other() {
    let provider = Provider::start();
    let (engine, mut hanging) = tokio::join!(Dockerd::start(), Dockerd::start());
    let home = Home::new().provider(&provider).engine(&engine);
    sign_in(&home).await;
    let _volume = engine.volume_named("claude-auth").await;
    let (lost, gone) = (hanging.volume_named("lost").await, "unix:///nowhere/docker.sock");
    for (name, volume, host) in [("lost", lost.name(), hanging.host()), ("gone", "v", gone)] {
        let add = ["destination", "add", name, "--volume", volume, "--engine", host];
        home.tokenferry(add).run().await.succeeds();
    }
    hanging.pause();
    let begun = Instant::now();
    let mut looking = home.tokenferry(["destination", "discover"]).spawn();
    looking.gives("→ tokenferry destination add claude-auth --volume claude-auth").await;
    let told_after = begun.elapsed();
    let told = looking.finish().await.ends_with(3);
    let all_after = begun.elapsed();
    hanging.resume();
    assert!(told_after + Duration::from_secs(2) < all_after, "{told_after:?} of {all_after:?}");
    assert!(told.stderr.contains(gone) && told.stderr.contains("does not answer"), "{told}");
    let one = home.tokenferry(["destination", "discover", "--engine", gone, "--json"]).run().await.ends_with(1).json();
    assert_eq!(one["engines"][0]["error"]["code"], "engine_not_running", "{one}");
}

#[tokio::test]
async fn labels_count_as_approval_where_that_was_opened() {
    let provider = Provider::start();
    let engine = Dockerd::start().await;
    let home = Home::new().provider(&provider).engine(&engine);
    sign_in(&home).await;
    let labelled = engine.volume_labelled("tokens", [("tokenferry.account", "default")]).await;
    let _theirs = engine.volume_labelled("theirs", [("tokenferry.account", "somebody")]).await;
    let _named = engine.volume_named("claude-auth").await;
    let at_odds = engine.volume_labelled("at-odds", [("tokenferry.account", "default")]).await;
    let _container =
        engine.create(Run::app(["sleep"]).mount(&at_odds, "/x").label("tokenferry.account", "other")).await;
    let open = || {
        let docker = Environment { host: Some(engine.host().to_owned()), ..Environment::default() };
        let home = Some(home.state().as_os_str().to_owned());
        Engine::open(Surroundings { home, docker, vault: Some("file".to_owned()), ..Surroundings::default() }).unwrap()
    };
    let survey = survey(&engine).await;
    let added =
        |added: Vec<engine::settings::Destination>| -> Vec<String> { added.iter().map(|it| it.place.root()).collect() };
    assert!(open().approve_labelled(&survey, engine.host()).await.unwrap().is_empty(), "nobody opened that");

    let config = home.state().join("config.toml");
    std::fs::write(&config, "# mine\napprove-labelled = true # yes\n").unwrap();
    let opened = open();
    assert_eq!(added(opened.approve_labelled(&survey, engine.host()).await.unwrap()), ["tokens"]);
    assert!(opened.approve_labelled(&survey, engine.host()).await.unwrap().is_empty(), "twice");
    let settings = std::fs::read_to_string(&config).unwrap();
    assert!(settings.starts_with("# mine\napprove-labelled = true # yes\n"), "{settings}");
    let events = home.tokenferry(["activity"]).run().await.succeeds().stdout;
    assert!(events.contains("It has the label tokenferry.account=default. That is enough"), "{events}");
    assert_eq!(events.matches("as whom nobody is signed in").count(), 1, "{events}");
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(token_in(&labelled).await, token(&home).await);
    assert!(at_odds.find(".credentials.json").await.is_none());
}

#[tokio::test]
async fn a_label_for_another_account_is_told() {
    let provider = Provider::start();
    let engine = Dockerd::start().await;
    let home = Home::new().provider(&provider).engine(&engine);
    sign_in(&home).await;
    let volume = engine.volume_labelled("claude-auth", [("tokenferry.account", "work")]).await;
    approve(&home, "web", &volume).await;
    let found = report(home.tokenferry(["destination", "discover"])).await;
    assert_eq!(column(&told(&found, engine.host(), "findings"), "code"), ["account_mismatch"], "{found}");
}
