//! The CLI answers with what Tokenferry delivered, and leaves it as it is.

use practice::Endpoint;

use crate::cli::PROGRAM;
use crate::scene::{FOLDER, Scene};

const CREDENTIALS: &str = ".credentials.json";

#[tokio::test]
async fn a_prompt_is_answered() {
    let Some(scene) = Scene::filled().await else { return };
    let cli = scene.engine.run(scene.container([PROGRAM, "-p", "hi"])).await;
    let code = cli.wait().await;
    let said = cli.logs().await;
    assert!(code == 0 && said.contains("this is the practice API"), "{code}: {said}");
    let asked = scene.asked();
    assert!(asked.iter().all(|entry| entry.status == Some(200)), "{asked:?}");
    let agent = asked.last().and_then(|entry| entry.user_agent.clone()).unwrap_or_default();
    assert!(agent.starts_with("claude-cli/"), "{agent}");
}

/// So that no test here is green because the CLI never needed what was delivered.
#[tokio::test]
async fn without_the_volume_nobody_is_signed_in() {
    let Some(scene) = Scene::filled().await else { return };
    let cli = scene.engine.run(scene.bare([PROGRAM, "-p", "hi"])).await;
    let code = cli.wait().await;
    let said = cli.logs().await;
    assert!(code != 0 && said.contains("Not logged in"), "{code}: {said}");
    assert_eq!(scene.asked(), []);
}

#[tokio::test]
async fn a_volume_that_is_mounted_read_only_is_enough() {
    let Some(scene) = Scene::filled().await else { return };
    let run = scene.bare([PROGRAM, "-p", "hi"]).set("CLAUDE_SECURESTORAGE_CONFIG_DIR", FOLDER);
    let cli = scene.engine.run(run.mount_read_only(&scene.volume, FOLDER)).await;
    let code = cli.wait().await;
    let said = cli.logs().await;
    assert!(code == 0 && said.contains("this is the practice API"), "{code}: {said}");
}

#[tokio::test]
async fn asking_for_the_status_changes_nothing_and_asks_nobody() {
    let Some(scene) = Scene::filled().await else { return };
    let before = scene.volume.read(CREDENTIALS).await;
    scene.provider.clear_record();
    let cli = scene.engine.run(scene.container([PROGRAM, "auth", "status"])).await;
    let code = cli.wait().await;
    let said = cli.logs().await;
    assert!(code == 0 && said.contains("\"loggedIn\": true"), "{code}: {said}");
    assert_eq!(scene.volume.read(CREDENTIALS).await, before);
    // A look whether the API is there at all carries no token.
    let record = scene.provider.record();
    let asked: Vec<_> = record.entries().iter().filter(|entry| entry.presented.is_some()).collect();
    assert!(asked.is_empty() && record.count(Endpoint::Refresh) == 0, "{record:?}");
}
