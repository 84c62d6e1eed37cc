//! What lies in the volumes, and is not what should: found, and mended where that harms nobody.

use bed::{Provider, Run, Volume};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::told;
use crate::steps::{approve, delivering, sign_in, sign_in_as, token, token_in};

const RIGHTS: (u64, u64, u32) = (0, 0, 0o600);

async fn write(volume: &Volume, file: &Value) {
    volume.write(".credentials.json", file.to_string().as_bytes(), RIGHTS).await;
}

#[tokio::test]
async fn what_lies_there_is_told_apart_and_put_right_where_it_may_be() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    let good = volume.read(".credentials.json").await.json();
    assert_eq!(told(&home, 0).await.codes("web"), [] as [&str; 0]);

    let blanked = json!({"claudeAiOauth": {"accessToken": "", "refreshToken": "", "expiresAt": 0}});
    let by_hand = json!({"claudeAiOauth": {"accessToken": "by-hand", "scopes": ["user:inference"]}});
    for (file, code) in [(blanked, "file_blank"), (json!({}), "file_empty")] {
        write(&volume, &file).await;
        let found = told(&home, 1).await;
        assert_eq!(found.codes("web"), [code]);
        assert_eq!(found.only(code)["fixable"], true);
        assert_eq!(volume.read(".credentials.json").await.json(), file, "looking changed it");
        let mended = home.tokenferry(["doctor", "--fix"]).run().await.succeeds();
        assert!(mended.stderr.contains("Mended: delivered to web, and read it back."), "{mended}");
        assert_eq!(token_in(&volume).await, token(&home).await);
    }

    // What somebody put there is theirs to give up.
    write(&volume, &by_hand).await;
    let found = told(&home, 0).await;
    assert_eq!((found.codes("web"), &found.only("unknown_token")["fixable"]), (vec!["unknown_token"], &json!(false)));
    home.tokenferry(["doctor", "--fix"]).run().await.succeeds();
    assert_eq!(volume.read(".credentials.json").await.json(), by_hand);
    home.tokenferry(["sync"]).run().await.succeeds();

    // An older token of the same account.
    home.tokenferry(["refresh"]).run().await.succeeds();
    assert_eq!(told(&home, 1).await.codes("web"), ["file_outdated"]);
    write(&volume, &good).await;
    home.tokenferry(["doctor", "--fix"]).run().await.succeeds();
    assert_eq!(token_in(&volume).await, token(&home).await);
}

#[tokio::test]
async fn a_file_and_a_volume_that_are_gone() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in(&home).await;
    let (volume, missing) = (engine.volume().await, engine.missing_volume());
    approve(&home, "web", &volume).await;
    approve(&home, "gone", &missing).await;
    let found = told(&home, 1).await;
    assert_eq!((found.codes("web"), found.codes("gone")), (vec!["file_missing"], vec!["volume_missing"]));
    found.says("volume_missing", &[missing.name(), "docker volume create"]);
    assert_eq!(found.only("volume_missing")["fixable"], false);
    assert!(!missing.exists().await, "looking made it");
    // What can be mended is, and what is left is told.
    let mended = home.tokenferry(["doctor", "--fix"]).run().await.ends_with(1);
    assert!(mended.stderr.contains("Mended: delivered to web"), "{mended}");
    assert_eq!(told(&home, 1).await.codes("web"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_whole_sign_in_is_left_to_a_person() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    let theirs = json!({"claudeAiOauth": {"accessToken": "theirs", "refreshToken": "theirs-too", "scopes": []}});
    write(&volume, &theirs).await;
    let found = told(&home, 1).await;
    assert_eq!(found.codes("web"), ["full_credential"]);
    assert_eq!(found.only("full_credential")["fixable"], false);
    found.says("full_credential", &["refresh token", "`tokenferry sync web --replace`"]);
    home.tokenferry(["doctor", "--fix"]).run().await.ends_with(1);
    assert_eq!(volume.read(".credentials.json").await.json(), theirs);
    // What it advises helps.
    home.tokenferry(["sync", "web", "--replace"]).run().await.succeeds();
    told(&home, 0).await;

    volume.write(".credentials.json", b"{\"claudeAiOauth\":", RIGHTS).await;
    assert_eq!(told(&home, 1).await.codes("web"), ["file_not_understood"]);
}

#[tokio::test]
async fn another_account_s_token_is_told_and_replaced() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in_as(&home, &provider, "ada@practice.example", "ada").await;
    sign_in_as(&home, &provider, "grace@practice.example", "grace").await;
    let (of_ada, of_grace) = (engine.volume().await, engine.volume().await);
    for (name, volume) in [("ada", &of_ada), ("grace", &of_grace)] {
        let add = ["destination", "add", name, "--volume", volume.name(), "--account", name];
        home.tokenferry(add).run().await.succeeds();
    }
    home.tokenferry(["sync"]).run().await.succeeds();
    let theirs = of_grace.read(".credentials.json").await.json();
    write(&of_ada, &theirs).await;
    let found = told(&home, 1).await;
    assert_eq!((found.codes("ada"), found.codes("grace")), (vec!["other_account"], vec![]));
    found.says("other_account", &["the token of account grace", "meant for account ada"]);
    home.tokenferry(["doctor", "--fix"]).run().await.succeeds();
    assert_ne!(token_in(&of_ada).await, token_in(&of_grace).await);
}

#[tokio::test]
async fn a_cli_that_was_not_prepared_can_be() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    let app = Run::app(["sleep"]).set("CLAUDE_CONFIG_DIR", "/claude/").mount(&volume, "/claude");
    let _app = engine.run(app).await;
    let found = told(&home, 0).await;
    assert_eq!(found.codes("web"), ["onboarding_not_seeded"]);
    assert_eq!(found.only("onboarding_not_seeded")["severity"], "note");
    let mended = home.tokenferry(["doctor", "--fix"]).run().await.succeeds();
    assert!(mended.stderr.contains("Mended: made web ready to use."), "{mended}");
    assert_eq!(volume.read(".claude.json").await.json()["hasCompletedOnboarding"], true);
    assert!(std::fs::read_to_string(home.state().join("config.toml")).unwrap().contains("ready-to-use = true"));
    assert_eq!(told(&home, 0).await.codes("web"), [] as [&str; 0]);
}

#[tokio::test]
async fn what_was_left_beside_the_file_is_told_by_its_age() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    let app = engine.run(Run::app(["sleep"]).mount(&volume, "/root/.claude")).await;
    let now = Timestamp::now().as_second();
    let installation = std::fs::read_to_string(home.state().join("installation")).unwrap();
    let short: String = Sha256::digest(&installation).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let (ours, fresh) = (format!(".tokenferry-{short}-cutoff-0"), format!(".tokenferry-{short}-fresh-0"));
    volume.leave(".oauth_refresh.lock", None, now - 600).await;
    volume.leave(".storage-write.lock", None, now + 3600).await;
    volume.leave(&ours, Some(b"half"), now - 600).await;
    volume.leave(".tokenferry-00000000-another-0", Some(b"half"), now - 600).await;
    let found = told(&home, 1).await;
    assert_eq!(found.codes("web"), ["lock_abandoned", "lock_from_future", "temporary_left"]);
    let name = app.inspect().await.name.unwrap();
    let remove = |lock: &str| format!("docker exec {} rmdir /root/.claude/{lock}", name.trim_start_matches('/'));
    found.says("lock_abandoned", &["10 min old", &remove(".oauth_refresh.lock")]);
    found.says("lock_from_future", &[&remove(".storage-write.lock")]);
    found.says("temporary_left", &["1 temporary file lies"]);

    home.tokenferry(["doctor", "--fix"]).run().await.ends_with(1);
    assert_eq!(volume.find(&ours).await, None);
    assert!(volume.find(".oauth_refresh.lock").await.is_some(), "no folder is removed");

    // What is of this very minute is somebody's work.
    volume.leave(&fresh, Some(b"half"), now).await;
    volume.leave(".oauth_refresh.lock", None, now).await;
    volume.leave(".storage-write.lock", None, now - 5).await;
    assert_eq!(told(&home, 0).await.codes("web"), [] as [&str; 0]);
}
