//! A fleet: many volumes on several engines, kept fresh by one `tokenferry run`. How long a renewal takes to reach all of
//! them, what that costs, and what it costs to watch over them while nothing happens.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bed::{
    Container, Dockerd, Home, Provider, Run, Volume,
    programs::Running,
    spent::{Spent, memory},
    steps::sign_in,
};
use futures_util::future::join_all;
use jiff::Timestamp;
use practice::Options;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    machine,
    one_volume::{FILE, rival},
    renewal::{self, delivery},
    report::{Target, figure, heading, line, mebi, milliseconds, remark, title},
    scene::timed,
    turns::Times,
};

const ENGINES: usize = 4;
const VOLUMES: usize = 200;
/// Containers that use one of the volumes each, in the second of the idle minutes.
const IN_USE: usize = 10;
/// Renewed every 5 seconds, which leaves time for the delivery in between, also on a busy machine.
const LIFE: Duration = Duration::from_secs(10);
/// Not renewed any more while this bench runs.
const LONG_LIFE: Duration = Duration::from_secs(8 * 3600);
/// Between two looks at how far it is, and at its memory.
const LOOK: Duration = Duration::from_millis(250);
/// Between two looks of a reader at the files.
const READ_AGAIN: Duration = Duration::from_millis(5);
/// After the last delivery, and after containers came, before it counts as idle.
const SETTLED: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);

/// As for a hundred volumes on one engine: half of what Claude Code waits.
const LATEST: Duration = Duration::from_millis(850);
/// Of what a loop of `docker run` takes.
const PART_OF_A_LOOP: f64 = 0.02;
/// Of a core, idle.
const BUSY: f64 = 0.005;
/// In bytes, at work.
const MEMORY: u64 = 32 << 20;

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(rounds: usize) -> Vec<Target> {
    let Some(fleet) = Fleet::set_up().await else {
        title("A fleet");
        remark(
            "Engines of the bench's own can't be started here: that takes Linux, and root or sudo. So it is left out.",
        );
        return Vec::new();
    };
    let run = fleet.start(rounds).await;
    let work = fleet.at_work(&run, rounds).await;
    let unused = fleet.idle(run.pid()).await;
    let containers = fleet.containers().await;
    let used = fleet.idle(run.pid()).await;
    run.signal(Signal::TERM);
    let told = run.finish().await.succeeds().stdout;
    let alone = fleet.engines_alone().await;
    drop(containers);
    let loops = fleet.loops().await;

    heading(&format!("{VOLUMES} volumes on {ENGINES} engines, a renewal"), "times one loop");
    let read_back: Vec<_> = told.lines().filter_map(delivery).collect();
    let delivered: Times = renewal::waits(&work.asked, &read_back, VOLUMES).into();
    let seen = work.seen.as_ref().map(|seen| Times::from(renewal::waits(&work.asked, seen, VOLUMES)));
    let to_loop =
        |times: &Times| loops.as_ref().ok().map(|loops| times.median().as_secs_f64() / loops.one.as_secs_f64());
    line("to the last read-back, by tokenferry run", &delivered, to_loop(&delivered));
    match &seen {
        Some(seen) => line("to the last byte that a reader sees", seen, to_loop(seen)),
        None => remark("The volumes' folders can't be read from here, so a reader is left out."),
    }
    match &loops {
        Ok(loops) => {
            for (name, took) in
                [("docker run … cat, one after the other", loops.one), ("the same, a loop for each engine", loops.each)]
            {
                let took = Times::from(vec![took]);
                line(name, &took, to_loop(&took));
            }
        }
        Err(why) => remark(&format!("{why} So the loop of docker run is left out.")),
    }
    remark("Counted from the arrival of the request at the practice provider. A reader looks every 5 ms.");
    figure("processor time, a renewal: tokenferry", milliseconds(work.each(work.spent.processor)));
    figure("processor time, a renewal: the whole machine", milliseconds(work.each(work.machine)));
    if let Ok(loops) = &loops {
        figure("processor time, a loop: the whole machine", milliseconds(loops.machine));
    }
    figure("memory of tokenferry, at the most", mebibytes(work.memory));

    title(&format!("{VOLUMES} volumes on {ENGINES} engines, idle"));
    for (name, idle) in [("nothing in use", &unused), ("10 volumes in use", &used)] {
        figure(
            &format!("tokenferry, {name}"),
            format!("{}, {:.1} wake-ups a second", percent(idle.busy()), idle.wakes()),
        );
        figure(&format!("the {ENGINES} engines, {name}"), percent(idle.engines_busy()));
    }
    figure(&format!("the {ENGINES} engines without tokenferry, 10 volumes in use"), percent(alone));
    figure("memory of tokenferry, afterwards", mebibytes(used.memory));

    let mut targets = vec![
        Target::time("a renewal, read back in all of 200 volumes on 4 engines", LATEST, delivered.median()),
        Target::memory("memory, delivering to 200 volumes on 4 engines", MEMORY, work.memory),
        Target::share("idle, 200 volumes on 4 engines, none in use", BUSY, unused.busy()),
        Target::share("idle, 200 volumes on 4 engines, 10 in use", BUSY, used.busy()),
    ];
    if let Some(ratio) = to_loop(&delivered) {
        targets.push(Target::ratio("200 volumes on 4 engines, as against a loop of docker run", PART_OF_A_LOOP, ratio));
    }
    targets
}

fn percent(part: f64) -> String {
    format!("{:.2} % of a core", part * 100.0)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", mebi(bytes))
}

/// Somebody with volumes on several engines. Ended from the top.
struct Fleet {
    home: Home,
    provider: Provider,
    /// Every engine's in turn.
    volumes: Vec<Volume>,
    engines: Vec<Dockerd>,
}

/// What was seen while renewals came.
struct Work {
    /// When their requests came: that of the first, those that count, and one more.
    asked: Vec<Timestamp>,
    rounds: usize,
    spent: Spent,
    machine: Duration,
    memory: u64,
    /// What a reader saw, where it may read.
    seen: Option<Vec<(Timestamp, String)>>,
}

impl Work {
    /// For one renewal.
    fn each(&self, time: Duration) -> Duration {
        time / u32::try_from(self.rounds).expect("a small number")
    }
}

/// What an idle time has cost.
struct Idle {
    spent: Spent,
    engines: Duration,
    memory: u64,
}

impl Idle {
    fn busy(&self) -> f64 {
        self.spent.processor.as_secs_f64() / IDLE.as_secs_f64()
    }

    fn engines_busy(&self) -> f64 {
        self.engines.as_secs_f64() / IDLE.as_secs_f64()
    }

    #[allow(clippy::cast_precision_loss, reason = "there are not that many")]
    fn wakes(&self) -> f64 {
        self.spent.wakes as f64 / IDLE.as_secs_f64()
    }
}

/// The rival: `docker run` for each of the volumes.
struct Loops {
    /// One loop.
    one: Duration,
    /// A loop for each engine, at the same time.
    each: Duration,
    /// Processor time of one loop.
    machine: Duration,
}

impl Fleet {
    /// None where no engines can be started.
    async fn set_up() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let started = join_all((0..ENGINES).map(|_| tokio::spawn(Dockerd::start()))).await;
        let engines: Vec<Dockerd> = started.into_iter().collect::<Result<_, _>>().ok()?;
        let provider = Provider::start_with(Options { automatic: true, ..Options::default() });
        let home = Home::new().provider(&provider).engine(&engines[0]);
        sign_in(&home).await;
        let mut volumes = Vec::new();
        for number in 0..VOLUMES {
            let engine = &engines[number % ENGINES];
            let volume = engine.volume().await;
            let name = format!("volume-{number}");
            let add = ["destination", "add", &name, "--volume", volume.name(), "--engine", engine.host()];
            home.tokenferry(add).run().await.succeeds();
            volumes.push(volume);
        }
        home.tokenferry(["sync"]).run().await.succeeds();
        Some(Self { home, provider, volumes, engines })
    }

    /// `run`, renewing all the time.
    async fn start(&self, rounds: usize) -> Running {
        self.provider.set(|options| options.access_token_lifetime = LIFE);
        self.home.tokenferry(["refresh"]).run().await.succeeds();
        self.provider.clear_record();
        let patience = LIFE.saturating_mul(u32::try_from(rounds).expect("a small number")) + 6 * IDLE;
        self.home.tokenferry(["run", "--json"]).within(patience).spawn()
    }

    /// A renewal more than there are rounds, since the first one of a process connects to everything; then no more.
    async fn at_work(&self, run: &Running, rounds: usize) -> Work {
        let reader = self.files().await.map(Reader::start);
        let renewals = || self.provider.record().renewals().count();
        let wait_for = async |wanted: usize| {
            let mut most = 0;
            while renewals() < wanted {
                sleep(LOOK).await;
                most = most.max(memory(run.pid()));
            }
            most
        };
        let begins = wait_for(1).await;
        let (spent, machine) = (Spent::by(run.pid()), machine::busy());
        let memory = begins.max(wait_for(rounds + 1).await);
        let (spent, machine) = (Spent::by(run.pid()) - spent, machine::busy() - machine);
        self.provider.set(|options| options.access_token_lifetime = LONG_LIFE);
        wait_for(rounds + 2).await;
        sleep(SETTLED).await;
        let asked = self.provider.record().renewals().map(|entry| entry.time).take(rounds + 2).collect();
        let seen = reader.map(Reader::stop);
        Work { asked, rounds, spent, machine, memory, seen }
    }

    /// The files in the engines' own folders, if they can be read from here.
    async fn files(&self) -> Option<Vec<PathBuf>> {
        let facts = self
            .volumes
            .iter()
            .enumerate()
            .map(|(number, volume)| self.engines[number % ENGINES].docker().inspect_volume(volume.name()));
        let facts = join_all(facts).await.into_iter().map(|facts| facts.expect("the volume should be there"));
        let files: Vec<_> = facts.map(|facts| PathBuf::from(facts.mountpoint).join(FILE)).collect();
        files.iter().all(|file| fs::read(file).is_ok()).then_some(files)
    }

    /// Lets some time go by in which nothing happens.
    async fn idle(&self, run: Pid) -> Idle {
        sleep(SETTLED).await;
        let (spent, engines) = (Spent::by(run), self.engines_spent());
        sleep(IDLE).await;
        Idle { spent: Spent::by(run) - spent, engines: self.engines_spent() - engines, memory: memory(run) }
    }

    /// How much of a core the engines take by themselves.
    async fn engines_alone(&self) -> f64 {
        let before = self.engines_spent();
        sleep(IDLE / 2).await;
        (self.engines_spent() - before).as_secs_f64() / (IDLE / 2).as_secs_f64()
    }

    fn engines_spent(&self) -> Duration {
        self.engines.iter().map(|engine| Spent::by(pid(engine)).processor).sum()
    }

    /// Containers that use a volume each.
    async fn containers(&self) -> Vec<Container> {
        let mut containers = Vec::new();
        for (number, volume) in self.volumes.iter().enumerate().take(IN_USE) {
            let app = Run::app(["sleep"]).mount(volume, "/root/.claude");
            containers.push(self.engines[number % ENGINES].run(app).await);
        }
        containers
    }

    /// The same by hand; or why not, in a sentence.
    async fn loops(&self) -> Result<Loops, String> {
        let mut images = Vec::new();
        for engine in &self.engines {
            images.push(rival(engine).await?);
        }
        let content = self.volumes[0].read(FILE).await.contents().to_vec();
        let write = async |number: usize| {
            let engine = number % ENGINES;
            let (cat, mount) = (format!("cat > /auth/{FILE}"), format!("{}:/auth", self.volumes[number].name()));
            let host = ["--host", self.engines[engine].host(), "run", "--rm", "--interactive", "--volume", &mount];
            let docker = self.home.program("docker", host).args([&images[engine], "sh", "-c", &cat]);
            timed(docker.input(content.clone())).await
        };
        let (begun, machine) = (Instant::now(), machine::busy());
        for number in 0..VOLUMES {
            write(number).await;
        }
        let (one, machine) = (begun.elapsed(), machine::busy() - machine);
        let begun = Instant::now();
        let loops = (0..ENGINES).map(async |engine| {
            for number in (engine..VOLUMES).step_by(ENGINES) {
                write(number).await;
            }
        });
        join_all(loops).await;
        Ok(Loops { one, each: begun.elapsed(), machine })
    }
}

fn pid(engine: &Dockerd) -> Pid {
    let pid = fs::read_to_string(engine.folder().join("pid")).expect("the engine should run");
    Pid::from_raw(pid.trim().parse().expect("a number")).expect("a process")
}

/// Reads files as a container would that can't wait, and notes when each has become another.
struct Reader {
    stopped: Arc<AtomicBool>,
    reading: JoinHandle<Vec<(Timestamp, String)>>,
}

impl Reader {
    fn start(files: Vec<PathBuf>) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let reading = thread::spawn({
            let stopped = Arc::clone(&stopped);
            move || {
                let inode = |file: &PathBuf| fs::metadata(file).map(|about| about.ino()).unwrap_or_default();
                let mut known: Vec<u64> = files.iter().map(inode).collect();
                let mut seen = Vec::new();
                while !stopped.load(Ordering::Relaxed) {
                    for (number, file) in files.iter().enumerate() {
                        let found = inode(file);
                        // A new file has another inode than the one that it replaces: both are there at once.
                        if std::mem::replace(&mut known[number], found) != found {
                            let content = fs::read(file).expect("it could be read before");
                            // What is wrong with it is not told, since that may quote it.
                            assert!(serde_json::from_slice::<Value>(&content).is_ok(), "a file should be whole");
                            seen.push((Timestamp::now(), number.to_string()));
                        }
                    }
                    thread::sleep(READ_AGAIN);
                }
                seen
            }
        });
        Self { stopped, reading }
    }

    fn stop(self) -> Vec<(Timestamp, String)> {
        self.stopped.store(true, Ordering::Relaxed);
        self.reading.join().expect("every file should be whole")
    }
}
