//! Engines that are killed and started again while `run` keeps volumes in them fresh and containers come and go: in the end
//! every volume has the newest token, nothing of ours is left, and nobody was busy with waiting.
//!
//! Half of the kills come shortly after a renewal, which is when deliveries are under way, half at any moment.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bed::{
    Dockerd, Home, Provider, Run, TestEngine, Volume,
    programs::Running,
    spent::Spent,
    steps::{approve, report, sign_in, status, token},
};
use bollard::{
    Docker,
    errors::Error,
    models::{
        ContainerCreateBody, HostConfig, Mount, MountType, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
    },
    query_parameters::{
        ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    },
};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use practice::{Endpoint, Options};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    forwarder::Forwarder,
    killing::{Chance, Moment, nothing_piles_up},
};

/// By each of the two ways to an engine.
const KILLS: usize = 25;
/// After so many kills everything comes to rest, and is looked through.
const KILLS_BETWEEN_RESTS: usize = 9;
const VOLUMES: usize = 10;
const FILE: &str = ".credentials.json";
/// Renewed every 2 seconds.
const SHORT: Duration = Duration::from_secs(4);
/// Not renewed before the test is over.
const LONG: Duration = Duration::from_secs(8 * 3600);

/// A renewal's deliveries are through within this.
const DELIVERING: Duration = Duration::from_millis(800);
/// Any moment is within this after the engine is back.
const ANY: Duration = Duration::from_secs(2);
/// The engine is away for up to this much longer than its start takes.
const AWAY: Duration = Duration::from_millis(1500);
/// How long it stays away once, with nothing else to do for anybody.
const LONG_AWAY: Duration = Duration::from_secs(15);

/// Once the engine answers, all is delivered within this.
const CAUGHT_UP: Duration = Duration::from_secs(20);
/// An engine that was killed clears its containers away when it starts, and a courier is made for a moment at any time.
const GONE_WITHIN: Duration = Duration::from_secs(20);
/// A volume that was made by accident is gone by then.
const UNDONE_WITHIN: Duration = Duration::from_secs(1);
/// How much of a core `run` may use while its engine is away; not optimized, as tests are.
const BUSY: f64 = 0.1;
/// How many connections it may ask for each time that the engine is away, and in each further second.
const CONNECTIONS: (usize, f64) = (10, 2.0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_is_killed() {
    under_siege("engines", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_a_forwarder_is_killed() {
    under_siege("engines behind a forwarder", true).await;
}

async fn under_siege(what: &str, forwarded: bool) {
    let chance = Arc::new(Chance::seeded(what));
    let mut siege = Siege::laid(forwarded).await;
    let (mut away, mut crowd) = (Away::default(), siege.crowd(&chance));
    siege.lives_last(SHORT).await;
    for kill in 1..=KILLS {
        siege.provider.clear_record();
        let moment = match kill % 2 {
            0 => Moment::After(ANY.mul_f64(chance.part())),
            _ => Moment::Asked(Endpoint::Refresh, DELIVERING.mul_f64(chance.part())),
        };
        moment.comes(&siege.provider).await;
        away += siege.engine_is_away(AWAY.mul_f64(chance.part())).await;
        if kill % KILLS_BETWEEN_RESTS == 0 || kill == KILLS {
            crowd.abort();
            siege.rests(&format!("after kill {kill}")).await;
            crowd = siege.crowd(&chance);
            siege.lives_last(SHORT).await;
        }
    }
    crowd.abort();
    siege.rests("at the end").await;
    println!("away under load: {away:?}");
    expect_patience(&away);
    let long = siege.engine_is_away(LONG_AWAY).await;
    println!("away for long: {long:?}");
    expect_patience(&long);
    siege.rests("after all").await;
    siege.lifted().await;
}

/// What `run` did while its engine was away.
#[derive(Debug, Clone, Copy, Default)]
struct Away {
    times: usize,
    time: Duration,
    spent: Spent,
    /// Where a forwarder counts them.
    connections: usize,
}

impl std::ops::AddAssign for Away {
    fn add_assign(&mut self, other: Self) {
        self.times += other.times;
        self.time += other.time;
        self.spent += other.spent;
        self.connections += other.connections;
    }
}

/// Expects nobody to have been busy with waiting.
fn expect_patience(away: &Away) {
    let busy = away.spent.processor.as_secs_f64() / away.time.as_secs_f64();
    assert!(busy < BUSY, "busy with waiting: {busy:.2} of a core, {away:?}");
    let (at_once, in_a_second) = CONNECTIONS;
    let further = away.connections.saturating_sub(at_once * away.times);
    let further = u32::try_from(further).map_or(f64::INFINITY, f64::from) / away.time.as_secs_f64();
    assert!(further < in_a_second, "{further:.1} further connections a second to nobody, {away:?}");
}

/// An engine of the test's own with everything that is in it, and `run`. Ended from the top.
struct Siege {
    run: Running,
    home: Home,
    provider: Provider,
    forwarder: Option<Forwarder>,
    volumes: Vec<Volume>,
    /// What containers are made of.
    image: String,
    dockerd: Dockerd,
}

impl Siege {
    /// Some volumes are used by a container that runs on, some by one that ends and is started again, some by nobody yet.
    async fn laid(forwarded: bool) -> Self {
        let dockerd = Dockerd::start().await;
        let provider = Provider::start_with(Options { automatic: true, ..Options::default() });
        let home = Home::new().provider(&provider);
        let forwarder = forwarded.then(|| Forwarder::in_front_of(&dockerd, home.path()));
        let home = match &forwarder {
            Some(forwarder) => home.engine(&forwarder.engine()),
            None => home.engine(&dockerd),
        };
        sign_in(&home).await;
        let image = dockerd.app_image().await;
        let mut volumes = Vec::new();
        for number in 0..VOLUMES {
            let volume = dockerd.volume().await;
            approve(&home, &format!("volume-{number}"), &volume).await;
            let command: &[&str] = match number % 3 {
                1 => &["/app", "sleep"],
                2 => &["/app", "sleep", "--seconds", "1"],
                _ => &[],
            };
            if !command.is_empty() {
                let body = container(&image, command, volume.name(), Some(RestartPolicyNameEnum::ALWAYS));
                let id = dockerd.docker().create_container(None, body).await.expect("a container").id;
                dockerd.docker().start_container(&id, None).await.expect("it should start");
            }
            volumes.push(volume);
        }
        let mut run = home.tokenferry(["run"]).set("TOKENFERRY_LOG", "engine=debug").within(LONG_AWAY).spawn();
        run.says("Keeping everything fresh.").await;
        Self { run, home, provider, forwarder, volumes, image, dockerd }
    }

    /// Containers come and go, and one of the volumes with them, until this is aborted.
    fn crowd(&self, chance: &Arc<Chance>) -> JoinHandle<()> {
        let (docker, chance) = (self.dockerd.docker().clone(), Arc::clone(chance));
        let volumes: Vec<String> = self.volumes.iter().map(|volume| volume.name().to_owned()).collect();
        let image = self.image.clone();
        tokio::spawn(async move {
            for turn in 0.. {
                // Nearly all of it fails while the engine is away.
                let _ = timeout(ANY, visit(&docker, &image, &volumes[turn % VOLUMES], &chance)).await;
                if turn % VOLUMES == 0 {
                    let _ = timeout(ANY, anew(&docker, &volumes[VOLUMES - 1], &chance)).await;
                }
                sleep(Duration::from_millis(300).mul_f64(chance.part())).await;
            }
        })
    }

    /// From here on tokens live this long.
    async fn lives_last(&self, life: Duration) {
        self.provider.set(|options| options.access_token_lifetime = life);
        self.home.tokenferry(["refresh"]).run().await.succeeds();
    }

    /// Kills the engine, and starts it again after this long.
    async fn engine_is_away(&mut self, time: Duration) -> Away {
        let cut = |siege: &Self| siege.forwarder.as_ref().map_or(0, Forwarder::cut);
        self.dockerd.kill().await;
        let (begun, before, connections) = (Instant::now(), Spent::by(self.run.pid()), cut(self));
        sleep(time).await;
        self.dockerd.restart().await;
        let (time, spent) = (begun.elapsed(), Spent::by(self.run.pid()) - before);
        Away { times: 1, time, spent, connections: cut(self) - connections }
    }

    /// Renews once more for long, and expects all to be well soon.
    async fn rests(&mut self, when: &str) {
        // It may be between two lives; and where a courier has just made it by accident, that is undone in a moment.
        let last = self.volumes[VOLUMES - 1].name();
        loop {
            let body = VolumeCreateRequest { name: Some(last.to_owned()), ..Default::default() };
            self.dockerd.docker().create_volume(body).await.expect("a volume should be made");
            sleep(UNDONE_WITHIN).await;
            if self.dockerd.docker().inspect_volume(last).await.is_ok() {
                break;
            }
        }
        self.lives_last(LONG).await;
        let took = expect_delivered(&self.home, &self.volumes, CAUGHT_UP, when).await;
        println!("{when}: the newest token is everywhere within {took:?}");
        expect_agreement(&self.home, when).await;
        let nothing_left = AssertUnwindSafe(expect_nothing_left(&self.dockerd, when)).catch_unwind().await;
        if let Err(panic) = nothing_left {
            println!("{}", self.run.says("").await);
            resume_unwind(panic);
        }
    }

    /// Ends `run`, which must have heard of it all.
    async fn lifted(self) {
        let events = events(&self.home).await;
        let count = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
        let [lost, found, failed] = ["engine_lost", "engine_found", "delivery_failed"].map(count);
        println!("engine lost {lost} times, found {found} times; {failed} troubles with deliveries were told");
        println!("delivered {}", count("delivered"));
        let healed: Vec<_> = events.iter().filter(|event| event["kind"] == "healed").collect();
        assert!(healed.is_empty(), "nobody harmed anything, and it is told: {healed:#?}");
        assert_eq!(lost, found, "an engine that was lost is found");
        // What is over soon is not worth telling; the long time is.
        assert!(lost > 0 && failed > 0, "the kills missed");
        self.run.signal(Signal::TERM);
        self.run.finish().await.succeeds();
        nothing_piles_up(&self.home).await;
    }
}

fn container(
    image: &str,
    command: &[&str],
    volume: &str,
    restart: Option<RestartPolicyNameEnum>,
) -> ContainerCreateBody {
    let mount = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some("/root/.claude".to_owned()),
        ..Mount::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
        host_config: Some(HostConfig {
            mounts: Some(vec![mount]),
            network_mode: Some("none".to_owned()),
            auto_remove: Some(restart.is_none()),
            restart_policy: restart.map(|name| RestartPolicy { name: Some(name), ..RestartPolicy::default() }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// A container comes, stays for a while, and goes.
async fn visit(docker: &Docker, image: &str, volume: &str, chance: &Chance) -> Result<(), Error> {
    let body = container(image, &["/app", "sleep", "--seconds", "5"], volume, None);
    let id = docker.create_container(None, body).await?.id;
    docker.start_container(&id, None).await?;
    sleep(Duration::from_millis(500).mul_f64(chance.part())).await;
    docker.remove_container(&id, Some(RemoveContainerOptionsBuilder::default().force(true).build())).await
}

/// A volume goes, if nobody uses it, and comes anew.
async fn anew(docker: &Docker, volume: &str, chance: &Chance) -> Result<(), Error> {
    docker.remove_volume(volume, None::<RemoveVolumeOptions>).await?;
    sleep(Duration::from_millis(300).mul_f64(chance.part())).await;
    let same = VolumeCreateRequest { name: Some(volume.to_owned()), ..VolumeCreateRequest::default() };
    docker.create_volume(same).await.map(drop)
}

/// Expects the newest token in each volume within this time, and nothing beside it. Says how long the status took to say so.
async fn expect_delivered(home: &Home, volumes: &[Volume], within: Duration, when: &str) -> Duration {
    let (newest, begun) = (token(home).await, Instant::now());
    let mut told = None;
    for (number, volume) in volumes.iter().enumerate() {
        loop {
            // Looking into a volume takes a while, and gives `run` something to look at.
            if told.is_none() && is_up_to_date(home).await {
                told = Some(begun.elapsed());
            }
            let time_is_over = begun.elapsed() > within;
            if told.is_some() || time_is_over {
                let all = volume.all().await;
                let file = all.get(Path::new(FILE)).map(|it| serde_json::from_slice(it.contents()).unwrap_or_default());
                let file: Value = file.unwrap_or_default();
                let is_newest = file["claudeAiOauth"]["accessToken"] == newest;
                // A delivery that goes on has a file beside it.
                if is_newest && all.len() == 2 {
                    break;
                }
                let names: Vec<_> = all.keys().map(|path| path.display().to_string()).collect();
                let which = if is_newest { "the newest" } else { "not the newest" };
                assert!(
                    !time_is_over,
                    "{when}: volume {number} has {which} token, and holds {names:?}, after {within:?}"
                );
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    told.unwrap_or(within)
}

/// Whether each destination is said to have the token that was renewed last.
async fn is_up_to_date(home: &Home) -> bool {
    let status = status(home).await;
    let time = |value: &Value| value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let renewed = time(&status["accounts"][0]["updated"]);
    let destinations = status["destinations"].as_array().expect("a list");
    destinations.iter().all(|it| it["code"] == "up_to_date" && time(&it["delivered"]) >= renewed)
}

/// Expects the status to call everything up to date, and the journal's last word on each destination to be a good one.
async fn expect_agreement(home: &Home, when: &str) {
    let begun = Instant::now();
    loop {
        let status = status(home).await;
        let destinations = status["destinations"].as_array().expect("a list").iter();
        let wrong: Vec<_> = destinations.filter(|it| it["code"] != "up_to_date").collect();
        let events = events(home).await;
        let at = |event: &Value| event["destination"].as_str().map(|name| (name.to_owned(), event["kind"].clone()));
        let last: BTreeMap<String, Value> = events.iter().filter_map(at).collect();
        let failed: Vec<_> = last.values().filter(|kind| *kind == "delivery_failed").collect();
        if wrong.is_empty() && failed.is_empty() && !last.is_empty() {
            return;
        }
        let time_is_over = begun.elapsed() > GONE_WITHIN;
        assert!(!time_is_over, "{when}: the status says {wrong:#?}, the last events are {last:#?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// The journal's events, the oldest first.
async fn events(home: &Home) -> Vec<Value> {
    let activity = report(home.tokenferry(["activity", "-n", "10000"])).await;
    activity.as_array().expect("a list").clone()
}

/// Expects nothing of ours to be in the engine but the courier's image, once.
async fn expect_nothing_left(engine: &TestEngine, when: &str) {
    let begun = Instant::now();
    let label = |name: &str| HashMap::from([("label".to_owned(), vec![name.to_owned()])]);
    loop {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&label("tokenferry.courier")).build();
        let couriers = engine.docker().list_containers(Some(options)).await.unwrap();
        let options = ListVolumesOptionsBuilder::default().filters(&label("tokenferry.accident")).build();
        let accidents = engine.docker().list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default();
        if couriers.is_empty() && accidents.is_empty() {
            break;
        }
        let time_is_over = begun.elapsed() > GONE_WITHIN;
        assert!(!time_is_over, "{when}: left in the engine: {couriers:#?} {accidents:#?}");
        sleep(Duration::from_millis(50)).await;
    }
    let options = ListImagesOptionsBuilder::default().all(true).filters(&label("tokenferry.courier")).build();
    let images = engine.docker().list_images(Some(options)).await.unwrap();
    assert_eq!(images.len(), 1, "{when}: {images:#?}");
}

/// Somebody who is signed in, with a volume to deliver into and nobody who keeps it fresh.
async fn neglected(engine: &TestEngine) -> (Provider, Home, Volume) {
    let provider = Provider::start();
    let home = Home::new().provider(&provider).engine(engine);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    (provider, home, volume)
}

#[tokio::test]
#[should_panic(expected = "volume 0 has not the newest token, and holds [\"\", \".credentials.json\"]")]
async fn a_delivery_that_is_lost_is_noticed() {
    let (_provider, home, volume) = neglected(&TestEngine::get()).await;
    home.tokenferry(["refresh"]).run().await.succeeds();
    volume.write(FILE, b"{}", (0, 0, 0o600)).await;
    expect_delivered(&home, &[volume], Duration::ZERO, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "holds [\"\", \".credentials.json\", \".tokenferry-1\"]")]
async fn a_temporary_file_is_noticed() {
    let (_provider, home, volume) = neglected(&TestEngine::get()).await;
    volume.write(".tokenferry-1", b"", (0, 0, 0o600)).await;
    expect_delivered(&home, &[volume], Duration::ZERO, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "planted: the status says")]
async fn a_destination_that_waits_is_noticed() {
    let engine = TestEngine::get();
    let (_provider, home, _volume) = neglected(&engine).await;
    approve(&home, "gone", &engine.volume().await).await;
    home.tokenferry(["sync"]).run().await.ends_with(3);
    expect_agreement(&home, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "tokenferry.accident")]
async fn a_volume_made_by_accident_is_noticed() {
    let dockerd = Dockerd::start().await;
    let _volume = dockerd.volume_labelled("planted", [("tokenferry.accident", "x")]).await;
    expect_nothing_left(&dockerd, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "left in the engine")]
async fn a_courier_in_the_engine_is_noticed() {
    let dockerd = Dockerd::start().await;
    let _courier = dockerd.create(Run::app(["sleep"]).label("tokenferry.courier", "1")).await;
    expect_nothing_left(&dockerd, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "busy with waiting")]
async fn a_busy_wait_is_noticed() {
    let home = Home::new();
    let spins = home.program("sh", ["-c", "while :; do :; done"]).spawn();
    let (begun, work) = (Instant::now(), Duration::from_millis(100));
    // On a busy machine it takes its time to spin.
    while Spent::by(spins.pid()).processor < work {
        sleep(work / 10).await;
    }
    println!("{work:?} of work took {:?}", begun.elapsed());
    expect_patience(&Away { times: 1, time: work * 2, spent: Spent::by(spins.pid()), connections: 0 });
}

#[tokio::test]
#[should_panic(expected = "further connections a second to nobody")]
async fn asking_again_and_again_is_noticed() {
    let nobody = Home::new();
    let forwarder = Forwarder::in_front_of(&TestEngine::at("unix:///dev/null"), nobody.path());
    let (begun, asking) = (Instant::now(), forwarder.engine());
    for _ in 0..20 {
        asking.docker().ping().await.expect_err("nobody is there");
    }
    let away = Away { times: 1, time: begun.elapsed(), connections: forwarder.cut(), ..Away::default() };
    expect_patience(&away);
}
