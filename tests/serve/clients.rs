//! Those who ask: `tokenferry token --from`, curl and Python, as the documents show them.

use std::os::unix::fs::PermissionsExt;

use bed::steps::{printed_token, token};

use crate::scene::{Scene, grant_file};

#[tokio::test]
async fn the_command_asks_with_a_grant_from_a_file() {
    let scene = Scene::signed_in().await;
    let expected = token(&scene.home).await;
    let file = grant_file(&scene.home, &scene.grant("ci", &[]).await);
    let away = bed::Home::new();
    let ask = || away.tokenferry(["token", "--from", &scene.url]);
    assert_eq!(printed_token(ask().arg("--grant-file").arg(&file)).await, expected);
    assert_eq!(printed_token(ask().set("TOKENFERRY_GRANT_FILE", &file)).await, expected);
    assert!(!away.state().join("journal.db").exists(), "it needs no state of its own");

    let fails = async |command: bed::Tokenferry| {
        let error = command.arg("--json").run().await.ends_with(1).json()["error"].clone();
        assert!(error["message"].as_str().is_some_and(|it| !it.is_empty()), "{error}");
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(fails(ask()).await, "no_grant");
    assert_eq!(fails(ask().args(["--grant-file", "/nowhere"])).await, "grant_unreadable");
    std::fs::write(&file, "tfg_wrong").unwrap();
    assert_eq!(fails(ask().arg("--grant-file").arg(&file)).await, "no_grant");
    let nobody = away.tokenferry(["token", "--from", "http://127.0.0.1:9", "--grant-file"]).arg(&file);
    assert_eq!(fails(nobody).await, "server_unreachable");
    let another = away.tokenferry(["token", "--from", &scene.provider.url(), "--grant-file"]).arg(&file);
    assert_eq!(fails(another).await, "server_strange");
    scene.ends().await;
}

#[tokio::test]
async fn a_socket_is_this_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenferry.sock");
    let scene = Scene::with(practice::Options::default(), &["--socket", path.to_str().unwrap()]).await;
    bed::steps::sign_in(&scene.home).await;
    let file = grant_file(&scene.home, &scene.grant("ci", &[]).await);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let from = format!("unix:{}", path.display());
    let ask = scene.home.tokenferry(["token", "--from", &from, "--grant-file"]).arg(&file);
    assert_eq!(printed_token(ask).await, token(&scene.home).await);
    // It is no more open than the port.
    let without = scene.home.program("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket"]);
    let code = without.arg(&path).arg("http://localhost/status").run().await.succeeds().stdout;
    assert_eq!(code, "401");
    scene.ends().await;
    assert!(!path.exists(), "the socket goes with the server");
}
