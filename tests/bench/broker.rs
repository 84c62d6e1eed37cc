//! `GET /v1/token` of `tokenferry serve` against a bare axum handler that returns the same bytes, asked by wrk: in turns, while
//! tokens are renewed every few seconds and delivered to volumes. With 25 rounds that is ten minutes, in which its memory stays
//! what it was.

use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::{Router, http::header, routing::get};
use bed::steps::approve;
use bed::{Home, Provider, TestEngine};
use practice::Options;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::report::{Target, figure, mebi, remark, title};

/// What is promised: at least this part of the bare handler's rate.
const PART: f64 = 0.7;
/// So much more memory at the end than once it was warm: what is kept for each answer would be far more.
const GROWTH: f64 = 1.1;
const VOLUMES: usize = 5;
/// For each of the others' rounds.
const TURNS: usize = 3;
/// One turn.
const TURN: Duration = Duration::from_secs(4);
/// As many as LiteLLM has workers, and more.
const CONNECTIONS: &str = "32";
/// So short that several renewals fall into the measurement.
const LIFE: Duration = Duration::from_secs(20);

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(engine: &TestEngine, rounds: usize) -> Vec<Target> {
    title("Tokens over HTTP, asked by wrk");
    if Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await.is_err() {
        remark("wrk is not at hand: `setup/install load`");
        return Vec::new();
    }
    let provider = Provider::start_with(Options { automatic: true, access_token_lifetime: LIFE, ..Options::default() });
    let home = Home::new().provider(&provider).engine(engine);
    home.tokenferry(["login"]).run().await.succeeds();
    let mut volumes = Vec::new();
    for number in 0..VOLUMES {
        let volume = engine.volume().await;
        approve(&home, &format!("web-{number}"), &volume).await;
        volumes.push(volume);
    }
    let grant = home.tokenferry(["grant", "add", "wrk", "--yes", "--per-second", "4000000000"]);
    let grant = grant.prints_a_secret().run().await.succeeds().stdout.trim().to_owned();
    let mut server = home.tokenferry(["serve", "--listen", "127.0.0.1:0"]).spawn();
    let said = server.says("Keeping everything fresh.").await;
    let page = said.split_whitespace().find_map(|word| word.split_once("/enter#")).expect("a link").0.to_owned();
    let ours = format!("{page}/v1/token");
    let bare = bare(&ours, &grant).await;

    // Each turn is compared with its neighbour, so that a busy moment hits both.
    let (mut ratios, mut rates, mut errors) = (Vec::new(), [Vec::new(), Vec::new()], 0);
    let (mut weighed, begun) = (Vec::new(), Instant::now());
    for round in 0..=TURNS * rounds {
        let (mine, failed) = wrk(&ours, &grant).await;
        let (its, _) = wrk(&bare, &grant).await;
        errors += failed;
        // The first fills the caches.
        if round > 0 {
            ratios.push(its / mine);
            rates[0].push(mine);
            rates[1].push(its);
            weighed.push(memory(&server).await);
        }
    }
    // The first fifth warms it up: connections, the journal's pages, the allocator's.
    let (warm, last) = weighed.split_at(weighed.len() / 5 + 1);
    let [before, after] = [warm, last].map(|weighed| weighed.last().copied().unwrap_or_default());
    for (name, rates) in ["tokenferry serve", "a bare axum handler"].iter().zip(&mut rates) {
        figure(name, format!("{:.0} a second", median(rates)));
    }
    let delivered = home.tokenferry(["activity", "--json", "--most", "100000"]).run().await.succeeds().json();
    let delivered = delivered.as_array().expect("events").iter().filter(|it| it["kind"] == "delivered").count();
    figure("renewals meanwhile", provider.record().count(practice::Endpoint::Refresh));
    figure("deliveries meanwhile", delivered);
    figure("answers that were not 200", errors);
    figure(
        "its own memory once warm, and at the end",
        format!("{:.1} and {:.1} MiB, after {:.0?}", mebi(before), mebi(after), begun.elapsed()),
    );
    server.signal(Signal::TERM);
    server.finish().await.succeeds();
    vec![
        Target::ratio("a bare handler's rate, as against serve's", 1.0 / PART, median(&mut ratios)),
        Target::ratio("answers that were not 200", 0.0, f64::from(errors)),
        Target::ratio("serve's own memory at the end, as against once it was warm", GROWTH, mebi(after) / mebi(before)),
    ]
}

/// A handler that does nothing but give the bytes that ours gives.
async fn bare(ours: &str, grant: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client should build");
    let answer = client.get(ours).bearer_auth(grant).send().await.expect("an answer").bytes().await.expect("a body");
    let handler = move || {
        let answer = answer.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], answer) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/v1/token", listener.local_addr().expect("an address"));
    // Threads of its own, as many as ours has.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("threads").block_on(async {
            let listener = listener.into_std().expect("a listener");
            let listener = TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, Router::new().route("/v1/token", get(handler))).await.expect("it should serve");
        });
    });
    address
}

/// Requests a second, and how many were not answered with 200.
async fn wrk(url: &str, grant: &str) -> (f64, u32) {
    // Others on this machine see the grant for a moment; it is of a practice sign-in.
    let mut wrk = Command::new("wrk");
    wrk.args([
        "-t1",
        "-c",
        CONNECTIONS,
        "-d",
        &format!("{}s", TURN.as_secs()),
        "-H",
        &format!("Authorization: Bearer {grant}"),
        url,
    ]);
    let output = wrk.kill_on_drop(true).output().await.expect("wrk should run");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let number =
        |line: &str| told.lines().find_map(|it| it.trim().strip_prefix(line)?.trim().split(' ').next()?.parse().ok());
    let rate = number("Requests/sec:").unwrap_or_else(|| panic!("no rate in\n{told}"));
    let failed =
        number("Non-2xx or 3xx responses:").unwrap_or(0.0) + if told.contains("Socket errors") { 1.0 } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    (rate, failed as u32)
}

/// What the process has in memory of its own, in bytes.
async fn memory(server: &bed::Running) -> u64 {
    let file = format!("/proc/{}/status", server.pid().as_raw_nonzero());
    let status = tokio::fs::read_to_string(file).await.expect("it should run");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
