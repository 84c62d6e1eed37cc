//! How a command is killed, when, and what has to be true of its home afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

use bed::{Home, Provider, Tokenferry};
use practice::Endpoint;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// Within this long after a request came, a kill is close to its answer.
const CLOSE: Duration = Duration::from_millis(25);

/// The request comes within this long, or the command has ended without one.
const ASKS_WITHIN: Duration = Duration::from_secs(10);

/// Whoever holds the provider's answer for this long has had the time to store it.
pub(crate) const STORED_WITHIN: Duration = Duration::from_secs(2);

/// Of so many attempts for each kill, one has to be in time.
pub(crate) const ATTEMPTS: usize = 10;

/// Older than anything that is still being written.
const ABANDONED: Duration = Duration::from_secs(3 * 3600);

/// Random numbers that a seed repeats: SplitMix64.
#[derive(Debug)]
pub(crate) struct Chance(AtomicU64);

impl Chance {
    /// Of the seed that `TOKENFERRY_KILL_SEED` names, or of a fresh one, which is printed.
    pub(crate) fn seeded(what: &str) -> Self {
        let given = std::env::var("TOKENFERRY_KILL_SEED").ok();
        let seed = given.map_or_else(fresh_seed, |seed| seed.parse().expect("TOKENFERRY_KILL_SEED should be a number"));
        println!("{what}: repeat with TOKENFERRY_KILL_SEED={seed}");
        Self(AtomicU64::new(seed))
    }

    /// A number from 0 to 1.
    pub(crate) fn part(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits are left");
        f64::from(bits) / f64::from(u32::MAX)
    }

    /// Any moment of a command that takes this long.
    pub(crate) fn any_moment(&self, takes: Duration) -> Moment {
        Moment::After(takes.mul_f64(self.part()))
    }

    /// Every other time any moment, otherwise one shortly after the provider was asked: what is lost is lost there.
    pub(crate) fn moment(&self, attempt: usize, takes: Duration, endpoint: Endpoint) -> Moment {
        let part = self.part();
        match attempt % 2 {
            0 => Moment::After(takes.mul_f64(part)),
            // A quick command is through by then.
            _ => Moment::Asked(endpoint, CLOSE.min(takes / 4).mul_f64(part)),
        }
    }
}

/// When to kill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// This long after the start.
    After(Duration),
    /// This long after the provider was asked.
    Asked(Endpoint, Duration),
}

impl Moment {
    /// Waits for it. The provider's record should be empty.
    pub(crate) async fn comes(self, provider: &Provider) {
        match self {
            Self::After(time) => sleep(time).await,
            Self::Asked(endpoint, time) => {
                let asked = async {
                    while provider.record().count(endpoint) == 0 {
                        sleep(Duration::from_micros(200)).await;
                    }
                };
                let _ = timeout(ASKS_WITHIN, asked).await;
                sleep(time).await;
            }
        }
    }
}

fn fresh_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system should give random bytes");
    u64::from_le_bytes(bytes)
}

/// What became of a command that was to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was killed in the middle.
    Killed,
    /// It was through with this exit code before that.
    Ended(i32),
}

/// Runs a command, and kills it at that moment. The provider's record should be empty.
pub(crate) async fn kill_at(moment: Moment, command: Tokenferry, provider: &Provider) -> End {
    let running = command.spawn();
    moment.comes(provider).await;
    // It may have ended, but nobody has waited for it yet, so its id is nobody else's.
    running.signal(Signal::KILL);
    let ended = running.finish().await;
    let code = ended.status.code();
    if code.is_some_and(|code| code != 0) {
        // Shown where the test fails for it.
        println!("it ended before it was killed:\n{ended}");
    }
    code.map_or(End::Killed, End::Ended)
}

/// How long something takes, undisturbed: the middle of three times.
pub(crate) async fn measured(act: impl AsyncFn() -> Duration) -> Duration {
    let mut times = [act().await, act().await, act().await];
    times.sort();
    times[1]
}

/// How long a command takes to end with this exit code.
pub(crate) async fn time_of(command: Tokenferry, exit: i32) -> Duration {
    let begun = Instant::now();
    command.run().await.ends_with(exit);
    begun.elapsed()
}

/// Expects everything that can be read in a home to be readable, and gives what `status` says.
pub(crate) async fn next_start(home: &Home) -> Value {
    home.tokenferry(["activity", "--json"]).run().await.succeeds();
    home.tokenferry(["status", "--json"]).run().await.succeeds().json()
}

/// What lies in the state folder and is not meant to: temporary files of whoever was killed while writing one.
pub(crate) fn unfinished(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    look_below(&home.state(), &mut found);
    found
}

fn look_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the home should be readable") {
        let path = entry.expect("the home should be readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            look_below(&path, found);
        } else if !is_meant(&name) {
            found.push(path);
        }
    }
}

fn is_meant(name: &str) -> bool {
    let state =
        ["config.toml", "installation", "journal.db", "journal.db-wal", "journal.db-shm", "vault-tried", "vault.key"];
    let is_entry = ["account-", "pending-"].iter().any(|kind| name.starts_with(kind)) && name.ends_with(".json");
    state.contains(&name) || is_entry || name.ends_with(".lock")
}

/// Expects what was left unfinished to go once it is old enough to be nobody's any more. Gives how many files there were.
pub(crate) async fn nothing_piles_up(home: &Home) -> usize {
    let left = unfinished(home);
    for file in &left {
        let file = fs::File::options().write(true).open(file).expect("the file should be ours");
        file.set_modified(SystemTime::now() - ABANDONED).expect("the file should be ours");
    }
    home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();
    let still = unfinished(home);
    assert!(still.is_empty(), "temporary files pile up: {still:?}");
    left.len()
}
