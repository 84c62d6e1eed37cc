//! Schemathesis, which makes requests of all kinds from the OpenAPI document, and holds the answers against it.

use std::path::Path;
use std::time::Duration;

use bed::pypi;
use reqwest::StatusCode;

use crate::scene::Scene;

const SCHEMATHESIS: pypi::Packages =
    pypi::Packages { what: "SCHEMATHESIS", requirements: include_str!("requirements.txt"), apart: &[] };
/// For some hundred requests, made one after the other, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn nothing_is_answered_that_is_not_documented() {
    let Some(python) = SCHEMATHESIS.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let scene = Scene::signed_in().await;
    let all = ["--allow", "token", "--allow", "status", "--allow", "sign-in", "--per-second", "100000"];
    let key = scene.grant("schemathesis", &all).await;
    let settings = scene.home.path().join("schemathesis.toml");
    std::fs::write(&settings, format!("[headers]\nAuthorization = \"Bearer {key}\"\n")).unwrap();
    let document = format!("{}/openapi.json", scene.url);
    let settings = settings.to_str().unwrap();
    let arguments = ["-m", "schemathesis.cli", "--config-file", settings, "run", &document, "--max-examples", "10"];
    // What is well formed may still be refused: a code that nobody waits for.
    let more = ["--seed", "1", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure"];
    let run = format!("cd {} && exec \"$@\"", scene.home.path().display());
    let program = python.programs().join("python");
    let tries = scene.home.program("sh", ["-c", &run, "sh"]).arg(program).args(arguments).args(more);
    let told = tries.prints_a_secret().within(PATIENCE).run().await.succeeds().stdout;
    assert!(told.contains("Tested: 14"), "{told}");
    // And it goes on as before.
    assert_eq!(scene.asks("GET", "/health").send().await.unwrap().status(), StatusCode::OK);
    scene.ends().await;
}
