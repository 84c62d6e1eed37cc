//! A folder that is kept fresh by `run`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bed::steps::{destination, eventually, sign_in, token};
use bed::{Home, Provider};

fn read(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join("access_token")).ok()
}

async fn add(home: &Home, folder: &Path) {
    let folder = folder.to_str().unwrap();
    let add = ["destination", "add", "proxy", "--directory", folder, "--format", "token-file", "--yes"];
    home.tokenferry(add).run().await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_kept_fresh_and_put_right() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let folder = tempfile::tempdir().unwrap();
    sign_in(&home).await;
    add(&home, folder.path()).await;
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Keeping everything fresh.").await;
    let first = token(&home).await;
    eventually("it is delivered", async || read(folder.path()) == Some(first.clone())).await;
    home.tokenferry(["refresh"]).run().await.succeeds();
    let second = token(&home).await;
    eventually("it is renewed", async || read(folder.path()) == Some(second.clone())).await;
    let file = folder.path().join("access_token");
    std::fs::write(&file, "").unwrap();
    eventually("what was blanked is put right", async || read(folder.path()) == Some(second.clone())).await;
    std::fs::remove_file(&file).unwrap();
    eventually("what was deleted is put right", async || read(folder.path()) == Some(second.clone())).await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mode = || file.metadata().map(|found| found.permissions().mode() & 0o777).unwrap_or_default();
    eventually("what was opened is closed", async || mode() == 0o600).await;
    home.tokenferry(["logout"]).run().await.succeeds();
    assert_eq!(read(folder.path()), None, "signing out takes the copy back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_away_is_waited_for() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("later");
    sign_in(&home).await;
    add(&home, &folder).await;
    home.tokenferry(["sync"]).run().await.ends_with(1);
    let status = destination(&home, "proxy").await;
    assert_eq!(status["directory"], folder.to_str().unwrap());
    assert!(status["trouble"]["fix"].as_str().unwrap().contains("mkdir"), "{status}");
    std::fs::create_dir(&folder).unwrap();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert!(read(&folder).is_some());
}
