//! Keeping tokens fresh: on request, and by `run`, alone or beside others.

use std::time::{Duration, Instant};

use bed::{Home, Provider, Run, Running};
use futures_util::future::join_all;
use practice::{Endpoint, Fault, Trouble};
use rustix::process::Signal;

use crate::steps::{
    account, approve, delivering, eventually, outlive_token, printed_token, refusal, report, sign_in, status, token,
    token_in,
};

/// A change by another process is noticed within about a second, and the delivery that follows takes well under one;
/// on a busy machine that is given this much. Without a notice it would take the longest wait, which is a minute.
const NOTICED: Duration = Duration::from_secs(8);

/// From here on access tokens live that long.
fn lifetime(provider: &Provider, seconds: u64) {
    provider.set(|options| options.access_token_lifetime = Duration::from_secs(seconds));
}

/// How often the provider was asked to renew, however it answered.
fn asked(provider: &Provider) -> usize {
    provider.record().count(Endpoint::Refresh)
}

/// Signed in, with a token that has ended; the next one lives long.
async fn ended(provider: &Provider, home: &Home) {
    lifetime(provider, 1);
    sign_in(home).await;
    lifetime(provider, 8 * 3600);
    outlive_token(home, "default").await;
}

/// `run`, at work.
async fn keeping(home: &Home) -> Running {
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Keeping everything fresh.").await;
    run
}

async fn stop(run: Running) {
    run.signal(Signal::TERM);
    let stopped = run.finish().await.succeeds();
    assert!(stopped.stderr.ends_with("Stopped.\n"), "{stopped}");
}

#[tokio::test]
async fn a_token_that_lives_costs_no_request() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    provider.clear_record();
    let first = token(&home).await;
    assert_eq!(token(&home).await, first);
    assert_eq!(provider.record().entries(), []);
    let told = home.tokenferry(["token", "--json"]).prints_a_secret().run().await.succeeds().json();
    assert_eq!((told["access_token"].as_str(), told["account"].as_str()), (Some(first.as_str()), Some("default")));
    assert!(told["ends"].is_string() && told["scopes"].is_array());
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_once() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    lifetime(&provider, 1);
    sign_in(&home).await;
    let first = token(&home).await;
    lifetime(&provider, 8 * 3600);
    outlive_token(&home, "default").await;
    let second = token(&home).await;
    assert_ne!(second, first);
    assert_eq!(token(&home).await, second);
    assert_eq!(asked(&provider), 1);
    assert_eq!(account(&home, "default").await["refresh_count"], 1);
}

#[tokio::test]
async fn twenty_who_ask_at_once_get_one_renewal_and_one_token() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    ended(&provider, &home).await;
    provider.fault(Fault::at(Endpoint::Refresh, Trouble::SlowHeaders { ms: 500 }));
    let tokens = join_all((0..20).map(|_| printed_token(home.tokenferry(["token"])))).await;
    assert_eq!(asked(&provider), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "not all are the same");
    let (code, _) = crate::steps::Browser::new().as_holder_of(&tokens[0], &provider.url()).await;
    assert_eq!(code, 200, "the token is not good");
    assert!(provider.sign_ins()[0].alive);
}

#[tokio::test]
async fn refresh_renews_at_once() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let first = token(&home).await;
    let told = home.tokenferry(["refresh"]).run().await.succeeds();
    assert!(told.stderr.starts_with("Renewed default: fresh until "), "{told}");
    assert_ne!(token(&home).await, first);
    assert_eq!(report(home.tokenferry(["refresh"])).await["refresh_count"], 2);
    assert_eq!(asked(&provider), 2);
}

/// Which faults a sign-in survives is shown elsewhere; this is what a person sees of it.
#[tokio::test]
async fn what_fails_for_now_is_tried_again_and_what_is_refused_is_not() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    ended(&provider, &home).await;
    // Whoever wants a token waits for a moment that passes.
    provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)).times(1));
    token(&home).await;
    assert_eq!(asked(&provider), 2);

    provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)).times(1));
    assert_eq!(refusal(home.tokenferry(["refresh"]), 1).await, "renewal_failed");
    let late = account(&home, "default").await;
    assert_eq!(late["code"], "late", "{late}");
    assert!(late["state"].as_str().unwrap().starts_with("Good until "), "{late}");

    provider.fault(Fault::at(Endpoint::Refresh, Trouble::oauth_error("invalid_grant")).times(1));
    assert_eq!(refusal(home.tokenferry(["refresh"]), 4).await, "needs_sign_in");
    let refused = account(&home, "default").await;
    assert_eq!(refused["code"], "needs_sign_in", "{refused}");
    assert!(refused["next_step"].as_str().unwrap().contains("tokenferry login"), "{refused}");
    sign_in(&home).await;
    assert_eq!(account(&home, "default").await["code"], "fresh");
}

#[tokio::test]
async fn a_container_stays_signed_in_over_several_renewals() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    volume.make_folder(".", (1000, 1000, 0o755)).await;
    lifetime(&provider, 6);
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    let mut run = keeping(&home).await;
    run.says("Delivered default to web, and read it back.").await;
    let path = "/home/node/.claude/.credentials.json";
    let url = provider.url();
    let asking = Run::app(["keep-asking", "--credentials", path, "--url", &url, "--every-ms", "50"]);
    let app = engine.run(asking.user("1000:1000").mount_read_only(&volume, "/home/node/.claude")).await;
    app.prints("answered: Hello Ada").await;

    eventually("three renewals", async || provider.record().renewals().count() >= 3).await;
    let newest = token(&home).await;
    let fingerprint = practice::Fingerprint::of(&newest);
    // Each answer names the token that it was asked with.
    let said = app.prints(&format!("Your access token {fingerprint} is good.")).await;
    let good = |line: &&str| line.starts_with("answered: ");
    let bad: Vec<&str> = said.lines().filter(|line| !good(line)).collect();
    assert!(bad.is_empty(), "the container was refused: {bad:?}");
    assert!(provider.record().of(Endpoint::Messages).all(|entry| entry.status == Some(200)));
    stop(run).await;
    assert_eq!(asked(&provider), provider.record().renewals().count());
    eventually("no courier is left", async || volume.strange_containers().await.is_empty()).await;
}

#[tokio::test]
async fn a_shutdown_waits_until_a_renewal_in_flight_is_stored() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    for (words, code) in [(["refresh"], 130), (["token"], 130), (["run"], 0)] {
        ended(&provider, &home).await;
        let before = provider.sign_ins().len();
        provider.clear_record();
        provider.fault(Fault::at(Endpoint::Refresh, Trouble::SlowHeaders { ms: 1500 }).after_work().times(1));
        let program = home.tokenferry(words).prints_a_secret().spawn();
        eventually("the provider has rotated", async || provider.record().renewals().count() == 1).await;
        program.signal(Signal::TERM);
        program.finish().await.ends_with(code);
        // What the provider gave is ours: it is neither asked again nor shown a used token.
        assert_eq!(account(&home, "default").await["refresh_count"], 1, "{words:?}");
        token(&home).await;
        assert_eq!(asked(&provider), 1, "{words:?}");
        assert!(provider.sign_ins()[before - 1].alive, "{words:?}");
    }
}

#[tokio::test]
async fn a_second_run_stands_by_and_takes_over() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    lifetime(&provider, 4);
    sign_in(&home).await;
    let mut first = keeping(&home).await;
    let mut second = home.tokenferry(["run"]).spawn();
    second.says("Another Tokenferry keeps everything fresh. Standing by.").await;
    assert_eq!(status(&home).await["kept_fresh"], true);
    // Right after a renewal was told, none is in flight.
    let before = asked(&provider);
    first.says("Renewed default").await;
    eventually("one more renewal", async || asked(&provider) > before).await;
    eventually("it is stored", async || {
        account(&home, "default").await["refresh_count"] == provider.record().renewals().count()
    })
    .await;
    first.signal(Signal::KILL);
    first.finish().await.ended_by(Signal::KILL);
    second.says("Keeping everything fresh.").await;
    second.says("Renewed default").await;
    stop(second).await;
    assert_eq!(status(&home).await["kept_fresh"], false);

    // Each renewal was for another expiry: a token is left alone for the first half of its life.
    let record = provider.record();
    let times: Vec<_> = record.of(Endpoint::Refresh).map(|entry| entry.time).collect();
    assert_eq!(times.len(), record.renewals().count());
    for pair in times.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        assert!(apart.as_millis() >= 1500, "two renewals within {apart}");
    }
    assert!(provider.sign_ins()[0].alive);
}

#[tokio::test]
async fn run_notices_what_others_do() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    // It is up before there is anything to do.
    let mut run = keeping(&home).await;
    let noticed = async |run: &mut Running, what: &str| {
        let begun = Instant::now();
        run.says(what).await;
        assert!(begun.elapsed() < NOTICED, "{what}: took {:?}", begun.elapsed());
    };
    sign_in(&home).await;
    noticed(&mut run, "Signed in default").await;
    approve(&home, "web", &volume).await;
    noticed(&mut run, "Delivered default to web").await;
    assert_eq!(token_in(&volume).await, token(&home).await);

    home.tokenferry(["refresh"]).run().await.succeeds();
    let renewed = token(&home).await;
    let begun = Instant::now();
    eventually("the renewed token is delivered", async || token_in(&volume).await == renewed).await;
    assert!(begun.elapsed() < NOTICED, "took {:?}", begun.elapsed());

    home.tokenferry(["destination", "remove", "web"]).run().await.succeeds();
    noticed(&mut run, "Removed destination web").await;
    home.tokenferry(["logout"]).run().await.succeeds();
    noticed(&mut run, "Signed out default").await;
    provider.clear_record();
    stop(run).await;
    assert_eq!(provider.record().entries(), [], "there was nothing left to do");
    assert_eq!(volume.find(".credentials.json").await, None);
}

#[tokio::test]
async fn run_is_quiet_and_says_one_line_for_each_event() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let mut run = home.tokenferry(["run", "--json"]).spawn();
    run.gives("Keeping everything fresh.").await;
    home.tokenferry(["refresh"]).run().await.succeeds();
    run.gives("Renewed default").await;
    run.signal(Signal::INT);
    let said = run.finish().await.succeeds();
    assert_eq!(said.stderr, "");
    let kinds: Vec<String> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["started", "renewed", "stopped"]);
    let words = home.tokenferry(["activity"]).run().await.succeeds().stdout;
    for part in ["Signed in default", "Keeping everything fresh.", "Renewed default", "Stopped."] {
        assert!(words.contains(part), "{words}");
    }
    let last = report(home.tokenferry(["activity", "-n", "1"])).await;
    assert_eq!((last.as_array().map(Vec::len), last[0]["kind"].as_str()), (Some(1), Some("stopped")));
}
