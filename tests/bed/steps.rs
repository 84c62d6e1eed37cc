//! Steps that tests of every kind take with the programs: signing in, approving of a volume, looking how it stands.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{home::Home, programs::Tokenferry, volume::Volume};

/// Far beyond what anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until it is so.
pub async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Signs the provider's present person in.
pub async fn sign_in(home: &Home) {
    home.tokenferry(["login"]).run().await.succeeds();
}

/// What `token` prints.
pub async fn token(home: &Home) -> String {
    printed_token(home.tokenferry(["token"])).await
}

/// What a program that is `token` prints.
pub async fn printed_token(program: Tokenferry) -> String {
    let printed = program.prints_a_secret().run().await.succeeds().stdout;
    printed.strip_suffix('\n').expect("one line").to_owned()
}

/// What a program reports with `--json`.
pub async fn report(program: Tokenferry) -> Value {
    program.arg("--json").run().await.succeeds().json()
}

/// The whole status.
pub async fn status(home: &Home) -> Value {
    report(home.tokenferry(["status"])).await
}

/// An account's status; `null` where there is no such account.
pub async fn account(home: &Home, name: &str) -> Value {
    let status = status(home).await;
    let accounts = status["accounts"].as_array().expect("a list");
    accounts.iter().find(|account| account["name"] == name).cloned().unwrap_or_default()
}

/// A destination's status.
pub async fn destination(home: &Home, name: &str) -> Value {
    let status = status(home).await;
    let destinations = status["destinations"].as_array().expect("a list");
    destinations.iter().find(|destination| destination["name"] == name).cloned().unwrap_or_default()
}

/// Approves of a volume.
pub async fn approve(home: &Home, name: &str, volume: &Volume) {
    home.tokenferry(["destination", "add", name, "--volume", volume.name()]).run().await.succeeds();
}

/// The access token in a volume's file of credentials.
pub async fn token_in(volume: &Volume) -> String {
    let file = volume.read(".credentials.json").await.json();
    file["claudeAiOauth"]["accessToken"].as_str().expect("a token").to_owned()
}
