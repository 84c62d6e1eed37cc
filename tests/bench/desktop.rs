//! The icon in the panel and its window against a bare Tauri tray app: how soon they are there, what they weigh, and what
//! they take while nothing happens, before a window was opened, with one, and after it was closed.

use std::time::{Duration, Instant};

use bed::programs::{Running, built};
use bed::spent::{Spent, memory, working_on};
use bed::steps::{approve, eventually, sign_in};
use bed::{Display, Home, Keychain, Provider, TestEngine, TrayHost, TrayIcon, Vault, Volume};
use rustix::process::Signal;
use tokio::time::sleep;

use crate::report::{Target, figure, heading, line, mebi, remark, title};
use crate::turns::{Times, take_turns};

const VOLUMES: usize = 10;
/// Starts are quick, and windows are not many people's.
const MOST_ROUNDS: usize = 15;
/// After a start, and after a window came or went, before it counts as idle.
const SETTLED: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// In bytes.
const LIGHT: u64 = 15 << 20;
const WAKES_A_SECOND: f64 = 0.2;
const AT_ONCE: Duration = Duration::from_millis(300);
/// What it weighs after a window, as against before: the same, and what a keeper of ten volumes needs for a moment.
const BACK: f64 = 1.1;

/// The two, in the order of their turns.
#[derive(Clone, Copy, Debug)]
enum Way {
    Ours,
    Bare,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "tokenferry tray",
            Self::Bare => "a bare Tauri tray app",
        }
    }

    /// What opens the window, and what the window is called.
    fn window(self) -> (&'static str, &'static str) {
        match self {
            Self::Ours => ("Open Tokenferry", "Tokenferry"),
            Self::Bare => ("Open", "Bare"),
        }
    }
}

/// What one weighs and takes, with all that it has started.
#[derive(Clone, Copy, Debug)]
struct Rest {
    memory: u64,
    spent: Spent,
}

/// A whole life: memory and rest before a window, with one, after it; and from the click to the window.
struct Life {
    rests: [Rest; 3],
    opened: Duration,
}

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(engine: &TestEngine, rounds: usize) -> Vec<Target> {
    if !bed::display::is_at_hand() {
        title("On a desktop");
        remark("There is no Xvfb: `setup/install screen`");
        return Vec::new();
    }
    let desktop = Desktop::set_up(engine).await;
    let ways = [Way::Ours, Way::Bare];
    let icons = take_turns(&ways, rounds.min(MOST_ROUNDS), async |way| desktop.icon(way).await).await;
    heading("From the start to the icon in the panel", "times a bare app");
    for (way, times) in ways.iter().zip(&icons) {
        line(way.name(), times, Some(times.ratio_to(&icons[1])));
    }

    let lives = [desktop.life(Way::Ours).await, desktop.life(Way::Bare).await];
    heading("From the click to the window", "");
    for (way, life) in ways.iter().zip(&lives) {
        line(way.name(), &Times::from(vec![life.opened]), None);
    }
    for (way, life) in ways.iter().zip(&lives) {
        title(&format!("{}, with all that it started", way.name()));
        for (when, rest) in ["before any window", "with one", "after it was closed"].iter().zip(&life.rests) {
            figure(when, rest);
        }
    }
    remark("Memory is PSS; a wake-up is a thread that had slept of its own accord. Ten volumes on a watched engine.");

    let [before, _, after] = lives[0].rests;
    vec![
        Target::time("from the start to the icon", AT_ONCE, icons[0].median()),
        Target::memory("the icon, before any window", LIGHT, before.memory),
        Target::memory("the icon, after a window was closed", LIGHT, after.memory),
        Target::ratio("the same, as against before", BACK, mebi(after.memory) / mebi(before.memory)),
        Target::rate("wake-ups of the icon", WAKES_A_SECOND, after.wakes()),
    ]
}

impl Rest {
    /// A second.
    fn wakes(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "nobody wakes that often")]
        let wakes = self.spent.wakes as f64;
        wakes / IDLE.as_secs_f64()
    }
}

impl std::fmt::Display for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let busy = 100.0 * self.spent.processor.as_secs_f64() / IDLE.as_secs_f64();
        write!(f, "{:>6.1} MiB, {:.2} wake-ups a second, {busy:.2} % of a core", mebi(self.memory), self.wakes())
    }
}

/// A session with a panel, an account, and ten volumes. Ended from the top.
struct Desktop {
    home: Home,
    panel: TrayHost,
    display: Display,
    _volumes: Vec<Volume>,
    _provider: Provider,
    _keychain: Keychain,
}

impl Desktop {
    async fn set_up(engine: &TestEngine) -> Self {
        let (provider, keychain, display) = (Provider::start(), Keychain::unlocked(), Display::start());
        let mut home = Home::new().provider(&provider).vault(Vault::Keychain(keychain.address())).engine(engine);
        for (name, value) in keychain.environment() {
            home = home.set(name, value);
        }
        for (name, value) in display.environment() {
            home = home.set(name, value);
        }
        let panel = TrayHost::start(&keychain.address()).await;
        sign_in(&home).await;
        let mut volumes = Vec::new();
        for number in 0..VOLUMES {
            let volume = engine.volume().await;
            approve(&home, &format!("web-{number}"), &volume).await;
            volumes.push(volume);
        }
        home.tokenferry(["sync"]).run().await.succeeds();
        Self { home, panel, display, _volumes: volumes, _provider: provider, _keychain: keychain }
    }

    async fn start(&self, way: Way) -> (Running, TrayIcon, Duration) {
        let before = self.panel.number();
        let program = match way {
            Way::Ours => self.home.tokenferry(["tray"]),
            Way::Bare => self.home.program(&built("examples/bare_tray").to_string_lossy(), [""; 0]),
        };
        let begun = Instant::now();
        let running = program.spawn();
        while self.panel.number() == before {
            sleep(LOOK).await;
        }
        let took = begun.elapsed();
        (running, self.panel.icon().await, took)
    }

    async fn end(&self, running: Running) {
        running.signal(Signal::TERM);
        running.finish().await;
    }

    /// From the start to the icon.
    async fn icon(&self, way: Way) -> Duration {
        let (running, _, took) = self.start(way).await;
        self.end(running).await;
        took
    }

    async fn life(&self, way: Way) -> Life {
        let (running, icon, _) = self.start(way).await;
        let before = self.rest().await;
        let (click, window) = way.window();
        let begun = Instant::now();
        icon.click(click).await;
        while !self.display.titles().iter().any(|title| title == window) {
            sleep(LOOK).await;
        }
        let opened = begun.elapsed();
        let with = self.rest().await;
        self.display.close(window);
        eventually("it is closed", async || !self.display.titles().iter().any(|title| title == window)).await;
        let after = self.rest().await;
        self.end(running).await;
        Life { rests: [before, with, after], opened }
    }

    /// What all of it weighs and takes, once it has settled.
    async fn rest(&self) -> Rest {
        sleep(SETTLED).await;
        let spent = || working_on(&self.home.state()).into_iter().map(|(pid, _)| Spent::by(pid)).sum::<Spent>();
        let before = spent();
        sleep(IDLE).await;
        let spent = spent() - before;
        Rest { memory: working_on(&self.home.state()).into_iter().map(|(pid, _)| memory(pid)).sum(), spent }
    }
}
