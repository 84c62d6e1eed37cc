//! Places by the page's own buttons: found, added by a click and by hand, synced, taken off the list; problems, and their
//! mending.

use bed::steps::{sign_in, token, token_in};
use bed::{Provider, Run, TestEngine};

use crate::session::{Session, until};

const FILE: &str = ".credentials.json";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_added_synced_and_taken_away_again() {
    let engine = TestEngine::get();
    let (volume, other) = (engine.volume().await, engine.volume().await);
    let _app = engine.create(Run::app(["sleep"]).mount(&volume, "/home/node/.claude")).await;
    let provider = Provider::start();
    let mut session = Session::new(&provider.url()).with_engine(&engine);
    sign_in(&session.home).await;
    // Delivers what is new, as the resident does.
    let _keeper = session.home.tokenferry(["run"]).spawn();
    let person = session.sit_down(&["--page", "destinations"]).await;
    person.reads("No container is kept signed in yet").await;
    session.shoot("destinations-empty");

    // Found: a container has it where Claude keeps its sign-in.
    person.press("Add destination").await;
    let add = format!("Add {}", volume.name());
    person.reads("Found on your machine").await;
    person.reads(volume.name()).await;
    session.shoot("add");
    person.press(&add).await;
    person.reads("Up to date, read back").await;
    assert_eq!(token_in(&volume).await, token(&session.home).await);
    // It stands open, with its lines at hand.
    person.reads("Used by").await;
    person.press("Compose lines").await;
    person.reads("external: true").await;
    session.shoot("destination-open");

    // By hand: what is no name is refused where it was written.
    person.press("Add…").await;
    person.write("Volume", other.name()).await;
    person.write("Name", "not a name").await;
    person.press("Add destination").await;
    person.reads("Use letters, digits, dots and dashes.").await;
    person.write("Name", "by-hand").await;
    person.press("Add destination").await;
    person.reads("2 of 2 up to date").await;
    assert!(other.read(FILE).await.is_file());
    // And a folder.
    let folder = session.home.path().join("kept");
    std::fs::create_dir(&folder).unwrap();
    person.press("Add…").await;
    person.choose("Folder").await;
    person.write("Path", "kept").await;
    person.write("Name", "folder").await;
    person.press("Add destination").await;
    person.reads("Give it from the root").await;
    person.write("Path", folder.to_str().unwrap()).await;
    person.press("Add destination").await;
    person.reads("3 of 3 up to date").await;
    assert!(folder.join(FILE).is_file());

    // One is synced, then all.
    std::fs::remove_file(folder.join(FILE)).unwrap();
    person.press("Sync folder").await;
    person.reads("Delivered, and read back.").await;
    assert!(folder.join(FILE).is_file());
    person.press("Sync all").await;
    person.reads("Delivered to 3 places, and read back.").await;

    // One is taken off the list, after a question that may be answered with no.
    person.press("Remove…").await;
    person.reads("Remove folder?").await;
    person.press("Cancel").await;
    person.reads_no_more("Remove folder?").await;
    person.press("Remove…").await;
    person.press("Remove").await;
    person.reads("Removed folder.").await;
    person.reads("2 of 2 up to date").await;
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "the folder is clean");
    assert!(other.read(FILE).await.is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_and_mended() {
    let engine = TestEngine::get();
    let volume = engine.volume().await;
    let provider = Provider::start();
    let mut session = Session::new(&provider.url()).with_engine(&engine).set("GTK_THEME", "Adwaita:dark");
    sign_in(&session.home).await;
    session.home.tokenferry(["destination", "add", "web", "--volume", volume.name()]).run().await.succeeds();
    session.home.tokenferry(["sync"]).run().await.succeeds();
    volume.write(FILE, b"{}", (0, 0, 0o600)).await;
    let person = session.sit_down(&["--page", "problems"]).await;
    person.reads("no token of Claude's is in it").await;
    // A dark desktop has a dark window.
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(person.page.execute(dark, vec![]).await.unwrap(), true);
    session.shoot("problems-dark");
    person.press("Mend what can be mended").await;
    person.reads("What was done").await;
    until("the file is whole", async || token_in(&volume).await == token(&session.home).await).await;
    person.reads_no_more("no token of Claude's is in it").await;
    session.shoot("problems-mended-dark");
    person.press("Look again").await;
    person.reads_no_more("can be mended from here").await;
}
