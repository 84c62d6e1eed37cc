//! That the search can fail: a secret that is planted in a place is found there, in each kind of place.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    time::Duration,
};

use bed::{Canary, Home, Run, TestEngine, Witness};
use bollard::{
    models::VolumeCreateRequest,
    query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions},
};
use engine::journal::{Event, Journal, Kind};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use rustix::process::Signal;

use crate::{journey::look_at_image, processes::Processes};

const SECRET: &str = "sk-ant-oat01-practice-planted-0123456789abcdef";
/// Within this long a process is seen, also on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

fn canary() -> Canary {
    Canary::new([SECRET.to_owned()])
}

fn found(home: &Home) -> Vec<String> {
    let mut canary = canary();
    home.search(&mut canary);
    canary.sightings().iter().map(|seen| seen.place.clone()).collect()
}

#[tokio::test]
async fn in_what_is_printed() {
    for redirect in ["", " >&2"] {
        let home = Home::new();
        home.program("sh", ["-c", &format!("echo {SECRET}{redirect}")]).run().await.succeeds();
        assert_eq!(found(&home), ["what the programs printed"]);
    }
}

#[tokio::test]
async fn in_a_file_of_the_home() {
    let home = Home::new();
    for file in ["state/vault", "tmp/core", "user/.bash_history"] {
        let path = home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("x\0{SECRET}")).unwrap();
        assert_eq!(found(&home), [path.display().to_string()]);
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn in_the_journal_and_in_what_it_has_not_taken_in_yet() {
    let home = Home::new();
    let journal = Journal::open(&home.state().join("journal.db")).unwrap();
    journal.note(Event::new(Timestamp::now(), Kind::Started, format!("token {SECRET}"))).unwrap();
    // While it is open, what is new stands beside it.
    assert!(found(&home).iter().any(|place| place.ends_with("journal.db-wal")));
    drop(journal);
    assert!(found(&home).iter().any(|place| place.ends_with("journal.db")));
}

#[tokio::test]
async fn in_arguments_and_environments() {
    for environment in [false, true] {
        let home = Home::new();
        let processes = Processes::of(home.path());
        let command = home.program("sleep", ["60"]);
        let command =
            if environment { command.set("TOKEN", SECRET) } else { home.program("tail", ["-f", "/dev/null", SECRET]) };
        let running = command.spawn();
        let seen = async {
            while canary().look("processes", &processes.told()).sightings().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SEEN_WITHIN, seen).await.expect("the secret should be seen");
        running.signal(Signal::KILL);
        running.finish().await;
    }
}

#[tokio::test]
async fn in_all_that_the_engine_tells() {
    let engine = TestEngine::get();
    let runs = [
        Run::app(["sleep", SECRET]),
        Run::app(["sleep"]).set("TOKEN", SECRET),
        Run::app(["sleep"]).label("token", SECRET),
    ];
    for run in runs {
        let witness = Witness::start(&engine).await;
        let container = engine.create(run).await;
        assert!(!canary().look("engine", &witness.told().await).sightings().is_empty());
        drop(container);
    }
    // A volume of this name is removed at the end.
    let volume = engine.missing_volume();
    let labels = HashMap::from([("token".to_owned(), SECRET.to_owned())]);
    let wanted =
        VolumeCreateRequest { name: Some(volume.name().to_owned()), labels: Some(labels), ..Default::default() };
    let witness = Witness::start(&engine).await;
    engine.docker().create_volume(wanted).await.unwrap();
    assert!(!canary().look("engine", &witness.told().await).sightings().is_empty());
}

#[tokio::test]
async fn in_an_image() {
    let engine = TestEngine::get();
    for (plant, found_in) in
        [("LABEL token=", &["image", "docker save"][..]), ("ENV TOKEN=", &["image", "docker save"])]
    {
        let options = CreateImageOptionsBuilder::default().from_src("-").repo("tokenferry-bed/planted").tag("now");
        let options = options.message(SECRET).changes(vec![format!("{plant}{SECRET}")]).build();
        let empty = tar::Builder::new(Vec::new()).into_inner().unwrap();
        let import = engine.docker().create_image(Some(options), Some(bollard::body_full(empty.into())), None);
        import.try_collect::<Vec<_>>().await.unwrap();
        let mut canary = canary();
        look_at_image(&engine, "tokenferry-bed/planted:now", &mut canary).await.unwrap();
        let removed =
            engine.docker().remove_image("tokenferry-bed/planted:now", None::<RemoveImageOptions>, None).await;
        let places: BTreeSet<_> = canary.sightings().iter().map(|seen| seen.place.as_str()).collect();
        assert!(found_in.iter().chain(&["docker history"]).all(|place| places.contains(place)), "{plant}: {places:?}");
        removed.unwrap();
    }
}
