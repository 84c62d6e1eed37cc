//! Deliveries that are killed, by `sync` and by `run`: a volume holds the old file or the new one, whole, and the next
//! delivery clears away whatever was left, in the volume and in the engine.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
    time::Duration,
};

use bed::{Home, Provider, Run, TestEngine, Volume};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptionsBuilder};
use tokio::time::{sleep, timeout};

use crate::killing::{ATTEMPTS, Chance, End, kill_at, measured, next_start, nothing_piles_up, time_of};

const KILLS: usize = 60;
/// Homes at a time; a delivery is mostly the engine's work.
const HOMES: usize = 3;
const FILE: &str = ".credentials.json";
/// A killed client's courier ends by itself, and the engine clears it away; a busy machine takes its time.
const GONE_WITHIN: Duration = Duration::from_secs(15);

/// What became of the deliveries.
#[derive(Debug, Default)]
struct Count {
    killed: usize,
    through_before: usize,
    old_file: usize,
    new_file: usize,
    /// Couriers that were there when their client was killed.
    couriers_left: usize,
    temporary_files: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_killed() {
    let chance = Chance::seeded("deliveries");
    let engine = TestEngine::get();
    let mut all = Count::default();
    for count in futures_util::future::join_all((0..HOMES).map(|_| in_a_home(&chance, &engine))).await {
        all.killed += count.killed;
        all.through_before += count.through_before;
        all.old_file += count.old_file;
        all.new_file += count.new_file;
        all.couriers_left += count.couriers_left;
        all.temporary_files += count.temporary_files;
    }
    println!("{all:#?}");
    assert_eq!(all.killed, KILLS);
    assert!(all.old_file > 0 && all.new_file > 0, "the kills missed");
}

async fn in_a_home(chance: &Chance, engine: &TestEngine) -> Count {
    let provider = Provider::start();
    let home = Home::new().provider(&provider).engine(engine);
    home.tokenferry(["login"]).run().await.succeeds();
    let volumes = [engine.volume().await, engine.volume().await];
    let missing = engine.missing_volume();
    for (name, volume) in [("one", &volumes[0]), ("two", &volumes[1]), ("gone", &missing)] {
        volume_is_added(&home, name, volume).await;
    }
    for volume in &volumes {
        volume.make_folder(".", (1000, 1000, 0o755)).await;
    }
    // One volume is missing, so all that is delivered is delivered in part.
    let takes = measured(async || time_of(home.tokenferry(["sync"]), 3).await).await;
    let mut new = token(&home).await;
    expect_delivered(&volumes, &new).await;
    let mut count = Count::default();
    for attempt in 0..ATTEMPTS * KILLS / HOMES {
        if count.killed == KILLS / HOMES {
            break;
        }
        home.tokenferry(["refresh"]).run().await.succeeds();
        let old = std::mem::replace(&mut new, token(&home).await);
        let moment = chance.any_moment(takes);
        // `run` does the same in its first round, and would go on.
        let command = if attempt % 2 == 0 { ["run"] } else { ["sync"] };
        let end = kill_at(moment, home.tokenferry(command), &provider).await;
        count.couriers_left += couriers(engine, &home).await.len();
        let when = format!("attempt {attempt} of {command:?}, {moment:?} of {takes:?}, {end:?}");
        match end {
            End::Killed => count.killed += 1,
            End::Ended(code) => {
                assert_eq!(code, 3, "{when}");
                count.through_before += 1;
            }
        }
        for volume in &volumes {
            let found = volume.read(FILE).await;
            assert_eq!(found.rights(), (1000, 1000, 0o600), "{when}");
            let held = found.json()["claudeAiOauth"]["accessToken"].as_str().map(str::to_owned);
            let is_new = held.as_ref() == Some(&new);
            assert!(is_new || held.as_ref() == Some(&old), "{when}: neither the old token nor the new one");
            *(if is_new { &mut count.new_file } else { &mut count.old_file }) += 1;
        }
        next_start(&home).await;

        home.tokenferry(["sync"]).run().await.ends_with(3);
        expect_delivered(&volumes, &new).await;
        expect_nothing_left(engine, &home, &missing, &when).await;
    }
    count.temporary_files = nothing_piles_up(&home).await;
    count
}

async fn volume_is_added(home: &Home, name: &str, volume: &Volume) {
    let added = home.tokenferry(["destination", "add", name, "--volume", volume.name()]).run();
    added.await.succeeds();
}

async fn token(home: &Home) -> String {
    let printed = home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();
    printed.stdout.trim().to_owned()
}

/// Expects the file and nothing else in each volume, with this token.
async fn expect_delivered(volumes: &[Volume], token: &str) {
    for volume in volumes {
        let all = volume.all().await;
        let names: Vec<_> = all.keys().map(|path| path.display().to_string()).collect();
        assert_eq!(names, ["", FILE]);
        let found = &all[Path::new(FILE)];
        assert!(found.json()["claudeAiOauth"]["accessToken"] == token, "another token is in the volume");
        assert_eq!(found.rights(), (1000, 1000, 0o600));
    }
}

/// Expects that nothing of this home is in the engine but the courier's image, once.
async fn expect_nothing_left(engine: &TestEngine, home: &Home, missing: &Volume, when: &str) {
    let gone = async {
        while !couriers(engine, home).await.is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(GONE_WITHIN, gone).await.is_err() {
        panic!("{when}: couriers are left: {:#?}", couriers(engine, home).await);
    }
    assert!(!missing.exists().await, "{when}: a volume was made by accident");
    let label = HashMap::from([("label".to_owned(), vec!["tokenferry.accident".to_owned()])]);
    let options = ListVolumesOptionsBuilder::default().filters(&label).build();
    let accidents = engine.docker().list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default();
    assert!(accidents.is_empty(), "{when}: {accidents:#?}");

    let label = HashMap::from([("label".to_owned(), vec!["tokenferry.courier".to_owned()])]);
    let options = ListImagesOptionsBuilder::default().all(true).filters(&label).build();
    let images = engine.docker().list_images(Some(options)).await.unwrap();
    let names: BTreeSet<_> = images.iter().flat_map(|image| image.repo_tags.clone()).collect();
    assert_eq!((images.len(), names.len()), (1, 1), "{when}: {images:#?}");
}

/// The ids of this home's couriers, running or not.
async fn couriers(engine: &TestEngine, home: &Home) -> Vec<String> {
    let installation = fs::read_to_string(home.state().join("installation")).unwrap();
    let ours = HashMap::from([("label".to_owned(), vec![format!("tokenferry.installation={installation}")])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&ours).build();
    let found = engine.docker().list_containers(Some(options)).await.unwrap();
    found.into_iter().filter_map(|container| container.id).collect()
}

#[tokio::test]
#[should_panic(expected = "couriers are left")]
async fn a_courier_that_stays_is_noticed() {
    let engine = TestEngine::get();
    let provider = Provider::start();
    let home = Home::new().provider(&provider).engine(&engine);
    home.tokenferry(["login"]).run().await.succeeds();
    let installation = fs::read_to_string(home.state().join("installation")).unwrap();
    let stays = engine.create(Run::app(["sleep"]).label("tokenferry.installation", &installation)).await;
    let missing = engine.missing_volume();
    expect_nothing_left(&engine, &home, &missing, "planted").await;
    drop(stays);
}

#[tokio::test]
#[should_panic(expected = "left: [\"\", \".credentials.json\", \".credentials.json.tmp\"]")]
async fn a_file_that_stays_in_the_volume_is_noticed() {
    let volume = TestEngine::get().volume().await;
    let content = br#"{"claudeAiOauth": {"accessToken": "a"}}"#;
    for name in [FILE, ".credentials.json.tmp"] {
        volume.write(name, content, (1000, 1000, 0o600)).await;
    }
    expect_delivered(&[volume], "a").await;
}
