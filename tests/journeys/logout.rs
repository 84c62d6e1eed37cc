//! Signing out: at the provider, in the vault, and in every place that has a copy; now, or when it can be reached.

use bed::{Home, Provider};
use practice::{EndedBy, Endpoint, Fault, Trouble};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::steps::{
    EngineLine, account, approve, delivering, destination, eventually, refusal, sign_in, status, token_in,
    vault_entries,
};

#[tokio::test]
async fn nothing_is_left_anywhere_but_what_was_never_ours() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let (bare, shared) = (engine.volume().await, engine.volume().await);
    let theirs = json!({"mcpOAuth": {"tickets": {"accessToken": "the-token-of-the-tickets"}}});
    shared.write(".credentials.json", theirs.to_string().as_bytes(), (1000, 1000, 0o600)).await;
    sign_in(&home).await;
    approve(&home, "bare", &bare).await;
    approve(&home, "shared", &shared).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    assert!(shared.read(".credentials.json").await.json().get("claudeAiOauth").is_some());

    let told = home.tokenferry(["logout"]).run().await.succeeds();
    assert!(told.stderr.contains("Signed out default."), "{told}");
    for volume in [&bare, &shared] {
        assert!(told.stderr.contains(&format!("No copy is left in volume {}", volume.name())), "{told}");
    }
    assert_eq!(bare.find(".credentials.json").await, None);
    let left = shared.read(".credentials.json").await;
    assert_eq!((left.json(), left.rights()), (theirs, (1000, 1000, 0o600)));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation));
    let status = status(&home).await;
    assert_eq!((&status["accounts"], &status["copies_left"]), (&json!([]), &json!([])));

    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "signed_out");
    assert_eq!(refusal(home.tokenferry(["logout"]), 4).await, "signed_out");
    // The place stays approved: whoever signs in again is delivered there.
    assert_eq!(destination(&home, "bare").await["code"], "due");
}

/// Signed in, and delivered over a line that is cut now.
async fn delivered_and_cut(provider: &Provider) -> (Home, bed::Volume, EngineLine) {
    let (home, engine) = delivering(provider);
    let mut line = EngineLine::new(&engine, &home);
    let home = home.set("DOCKER_HOST", line.host());
    let volume = engine.volume().await;
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    line.cut();
    (home, volume, line)
}

#[tokio::test]
async fn a_copy_that_cannot_be_reached_is_named_and_taken_away_later() {
    let provider = Provider::start();
    let (home, volume, mut line) = delivered_and_cut(&provider).await;
    let told = home.tokenferry(["logout"]).run().await.ends_with(3);
    assert!(told.stderr.contains(&format!("A copy may be left in volume {}", volume.name())), "{told}");
    assert!(told.stderr.contains("Docker does not run") && told.stderr.contains("Start Docker"), "{told}");
    // All else is done: the copy that is left can be refreshed by nobody.
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
    let left = status(&home).await["copies_left"].clone();
    assert_eq!(
        (&left[0]["volume"], &left[0]["trouble"]["code"]),
        (&json!(volume.name()), &json!("engine_not_running"))
    );
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains(volume.name()), "{words}");

    let again = home.tokenferry(["sync", "--json"]).run().await;
    assert!(!again.status.success(), "{again}");
    assert_eq!(status(&home).await["copies_left"].as_array().unwrap().len(), 1);
    line.mend();
    let told = home.tokenferry(["sync"]).run().await;
    assert!(told.stderr.contains("no copy is left"), "{told}");
    assert_eq!(volume.find(".credentials.json").await, None);
    assert_eq!(status(&home).await["copies_left"], json!([]));
}

#[tokio::test]
async fn whoever_keeps_everything_fresh_takes_it_away_by_itself() {
    let provider = Provider::start();
    let (home, volume, mut line) = delivered_and_cut(&provider).await;
    let told = home.tokenferry(["logout", "--json"]).run().await.ends_with(3).json();
    assert_eq!(told["copies"][0]["code"], "engine_not_running", "{told}");
    assert_eq!(told["copies"][0]["place"]["volume"], volume.name());
    assert_eq!(told["provider"], Value::Null);
    line.mend();
    let mut run = home.tokenferry(["run"]).spawn();
    run.says(&format!("left in volume {}", volume.name())).await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    assert_eq!(volume.find(".credentials.json").await, None);
    assert_eq!(status(&home).await["copies_left"], json!([]));
}

#[tokio::test]
async fn a_provider_that_could_not_be_told_is_told_later_and_the_sign_in_is_used_for_nothing_else() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    provider.fault(Fault::at(Endpoint::Revoke, Trouble::status(503)));
    let told = home.tokenferry(["logout"]).run().await.ends_with(3);
    assert!(told.stderr.contains("Signed out default here, but not at Claude yet."), "{told}");
    assert_eq!(volume.find(".credentials.json").await, None);
    assert_eq!(account(&home, "default").await["code"], "signed_out");

    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "signed_out");
    assert_eq!(refusal(home.tokenferry(["refresh"]), 4).await, "signed_out");
    home.tokenferry(["sync"]).run().await.ends_with(4);
    assert_eq!(volume.find(".credentials.json").await, None, "it was delivered after signing out");
    assert_eq!(provider.record().count(Endpoint::Refresh), 0);

    provider.clear_faults();
    let run = home.tokenferry(["run"]).spawn();
    eventually("the provider is told", async || !provider.sign_ins()[0].alive).await;
    eventually("nobody is signed in", async || status(&home).await["accounts"] == json!([])).await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    assert_eq!(vault_entries(&home), [] as [String; 0]);
}

/// Between signing out and the provider's hearing of it, a person may have signed in again.
#[tokio::test]
async fn signing_in_again_outlives_a_sign_out_that_could_not_be_told() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    provider.fault(Fault::at(Endpoint::Revoke, Trouble::NoAnswer).times(1));
    home.tokenferry(["logout"]).run().await.ends_with(3);
    sign_in(&home).await;
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Delivered default to web").await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    let alive: Vec<bool> = provider.sign_ins().iter().map(|sign_in| sign_in.alive).collect();
    assert_eq!(alive, [false, true]);
    assert!(!token_in(&volume).await.is_empty());
}
