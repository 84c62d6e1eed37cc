//! A provider in trouble is not asked more often than helps: pauses grow, `Retry-After` is honoured, and many processes
//! ask no more often than one.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use bed::Running;
use engine::{keeper::Need, status::AccountState, vault::lock};
use jiff::Timestamp;
use practice::{Endpoint, Fault, Options, RetryAfter, Trouble};

use crate::scene::{LIFE, Scene, all_put_off};

/// Between two looks at whether something has happened.
const LOOK: Duration = Duration::from_millis(10);
/// Within this long everything here has happened, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until it is so.
async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let looking = async {
        while !is().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "it should have come to this by now: {what}");
}

/// The pauses between requests, in seconds.
fn pauses(scene: &Scene, endpoint: Endpoint) -> Vec<f64> {
    let record = scene.provider.record();
    let times: Vec<Timestamp> = record.of(endpoint).map(|entry| entry.time).collect();
    times.windows(2).map(|two| two[1].duration_since(two[0]).as_secs_f64()).collect()
}

#[tokio::test]
async fn an_outage_of_half_a_day() {
    let scene = Scene::signed_in().await;
    let keeper = scene.keeper().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)));
    // Somebody asks twice a minute, from when it is due to long after the token's end.
    for _ in 0..24 * 60 {
        scene.pass(Duration::from_secs(30));
        let _ = keeper.fresh(&scene.account, Need::NotDue).await;
    }
    let asked = scene.renewals_asked();
    println!("12 hours of 503: {asked} requests");
    // Every five to six minutes, after some sooner ones at first; and it never gives up.
    assert!((100..=145).contains(&asked), "{asked} requests in 11 hours");
    assert_eq!(scene.state(), AccountState::Offline);
    scene.provider.clear_faults();
    scene.pass(Duration::from_secs(360));
    keeper.fresh(&scene.account, Need::NotDue).await.unwrap();
    assert_eq!((scene.state(), scene.renewals_asked()), (AccountState::Fresh, asked + 1));
}

macro_rules! honoured {
    ($($name:ident: $trouble:expr => $seconds:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_honoured($trouble, $seconds).await;
        }
    )*};
}

honoured! {
    retry_after_in_seconds: Trouble::retry(429, RetryAfter::Seconds(120)) => 118..=121;
    retry_after_in_seconds_of_an_overloaded_server: Trouble::retry(529, RetryAfter::Seconds(600)) => 598..=601;
    // A date has whole seconds, which may cost one.
    retry_after_as_a_date: Trouble::retry(503, RetryAfter::DateIn(120)) => 117..=121;
    retry_after_now_is_not_at_once: Trouble::retry(503, RetryAfter::Seconds(0)) => 0..=3;
    retry_after_a_date_of_now_is_not_at_once: Trouble::retry(503, RetryAfter::DateIn(0)) => 0..=3;
    retry_after_beyond_reason_is_an_hour: Trouble::retry(503, RetryAfter::Seconds(u32::MAX)) => 3598..=3601;
    retry_after_a_date_beyond_reason_is_an_hour: Trouble::retry(503, RetryAfter::DateIn(9_000_000)) => 3598..=3601;
}

async fn is_honoured(trouble: Trouble, seconds: std::ops::RangeInclusive<i64>) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, trouble).times(1));
    scene.pass(2 * LIFE);
    let keeper = scene.keeper().await;
    keeper.fresh(&scene.account, Need::Living).await.unwrap_err();
    let next = all_put_off(&keeper, &scene.account).await;
    let wait = next.duration_since(scene.clock().now());
    assert!(seconds.contains(&wait.as_secs()) && wait.is_positive(), "it waits {wait}");
    // Another process keeps to it as well, up to the last moment.
    let other = scene.keeper().await;
    scene.pass(Duration::try_from(wait).unwrap().saturating_sub(Duration::from_millis(500)));
    assert_eq!(all_put_off(&other, &scene.account).await, next);
    assert_eq!(scene.renewals_asked(), 1);
    scene.pass_until(next);
    other.fresh(&scene.account, Need::Living).await.unwrap();
    assert_eq!(scene.renewals_asked(), 2);
}

/// Starts ten processes, and gives the account to them when all of them wait for it.
async fn ten_at_once(scene: &Scene, arguments: &[&str]) -> Vec<Running> {
    let state = scene.home.state();
    let held = lock::account(&state, &scene.account).await.unwrap();
    let ten: Vec<_> =
        (0..10).map(|_| scene.home.tokenferry(arguments).arg("--json").prints_a_secret().spawn()).collect();
    until("ten wait for the account", async || waiting_for_locks(&state.join("locks")) == 10).await;
    drop(held);
    ten
}

/// How many processes wait for a lock of this folder, by the kernel's own list.
fn waiting_for_locks(folder: &Path) -> usize {
    let files: Vec<u64> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().ino()).collect();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    // 1: -> FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF
    let waiting = locks.lines().filter(|line| line.contains("->"));
    let inodes = waiting.filter_map(|line| line.split_whitespace().find(|word| word.matches(':').count() == 2));
    inodes.filter(|word| files.iter().any(|inode| word.ends_with(&format!(":{inode}")))).count()
}

#[tokio::test]
async fn ten_who_renew_at_once_are_one_request() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)));
    for process in ten_at_once(&scene, &["refresh"]).await {
        assert_eq!(process.finish().await.ends_with(1).json()["error"]["code"], "renewal_failed");
    }
    println!("ten times `refresh` at once, 503: {} requests", scene.renewals_asked());
    assert_eq!(scene.renewals_asked(), 1);
    scene.expects("late", Some("provider_busy")).await;
}

#[tokio::test]
async fn ten_who_renew_at_once_are_refused_once() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::oauth_error("invalid_grant")));
    for process in ten_at_once(&scene, &["refresh"]).await {
        assert_eq!(process.finish().await.ends_with(4).json()["error"]["code"], "needs_sign_in");
    }
    assert_eq!(scene.renewals_asked(), 1);
    scene.expects("needs_sign_in", Some("provider_refused")).await;
}

#[tokio::test]
async fn ten_who_want_a_token_are_one_request() {
    let scene = Scene::with(Options { access_token_lifetime: Duration::from_secs(1), ..Options::default() });
    scene.sign_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::retry(503, RetryAfter::Seconds(60))));
    until("the token has ended", async || scene.told().await["code"] == "offline").await;
    for process in ten_at_once(&scene, &["token"]).await {
        assert_eq!(process.finish().await.ends_with(1).json()["error"]["code"], "renewal_failed");
    }
    println!("ten times `token` at once, 503 with Retry-After: {} requests", scene.renewals_asked());
    assert_eq!(scene.renewals_asked(), 1);
    scene.expects("offline", Some("provider_busy")).await;
}

#[tokio::test]
async fn ten_who_wait_for_a_token_back_off_as_one_and_get_one() {
    let scene = Scene::with(Options { access_token_lifetime: Duration::from_secs(1), ..Options::default() });
    scene.sign_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)).times(2));
    scene.provider.set(|options| options.access_token_lifetime = LIFE);
    until("the token has ended", async || scene.told().await["code"] == "offline").await;
    for process in ten_at_once(&scene, &["token"]).await {
        process.finish().await.succeeds();
    }
    let pauses = pauses(&scene, Endpoint::Refresh);
    println!("ten times `token` at once, 503 twice: pauses of {pauses:.1?} s");
    assert!(pauses.len() == 2 && pauses[0] >= 0.99 && pauses[1] >= 1.99, "{pauses:?}");
    scene.expects("fresh", None).await;
}

#[tokio::test]
async fn the_standing_work_backs_off_and_catches_up() {
    let scene = Scene::with(Options { access_token_lifetime: Duration::from_secs(2), ..Options::default() });
    scene.sign_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)));
    let mut run = scene.home.tokenferry(["run"]).spawn();
    run.says("Renewing default failed").await;
    until("three were refused", async || scene.renewals_asked() >= 3).await;
    scene.expects("offline", Some("provider_busy")).await;
    scene.provider.set(|options| options.access_token_lifetime = LIFE);
    scene.provider.clear_faults();
    run.says("Renewed default").await;
    let pauses = pauses(&scene, Endpoint::Refresh);
    println!("`run`, 503 until cleared: pauses of {pauses:.1?} s");
    assert!(pauses.len() >= 2 && pauses.iter().zip([0.99, 1.99, 3.99, 7.99]).all(|(is, least)| *is >= least));
    scene.expects("fresh", None).await;
    run.signal(rustix::process::Signal::TERM);
    run.finish().await.succeeds();
}

#[tokio::test]
async fn the_standing_work_honours_retry_after() {
    let scene = Scene::with(Options { access_token_lifetime: Duration::from_secs(2), ..Options::default() });
    scene.sign_in().await;
    let wish = Trouble::retry(429, RetryAfter::Seconds(4));
    scene.provider.fault(Fault::at(Endpoint::Refresh, wish).times(1));
    let mut run = scene.home.tokenferry(["run"]).spawn();
    run.says("Renewed default").await;
    let pauses = pauses(&scene, Endpoint::Refresh);
    assert!(pauses[0] >= 3.99, "{pauses:?}");
}
