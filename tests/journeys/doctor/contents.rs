//! What lies in the volumes, and is not what should: found, and mended where that harms nobody.

use bed::{Provider, Run};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Scene, fix, told, write};
use crate::steps::{approve, delivering, sign_in_as, token, token_in};

#[tokio::test]
async fn what_lies_there_is_told_apart_and_put_right_where_it_may_be() {
    let scene = Scene::delivered().await;
    let good = scene.file().await;
    assert_eq!(scene.told(0).await.codes("web"), [] as [&str; 0]);

    let blanked = json!({"claudeAiOauth": {"accessToken": "", "refreshToken": "", "expiresAt": 0}});
    let by_hand = json!({"claudeAiOauth": {"accessToken": "by-hand", "scopes": ["user:inference"]}});
    for (file, code) in [(blanked, "file_blank"), (json!({}), "file_empty")] {
        scene.write(&file).await;
        let found = scene.told(1).await;
        assert_eq!(found.codes("web"), [code]);
        assert_eq!(found.only(code)["fixable"], true);
        assert_eq!(scene.file().await, file, "looking changed it");
        let mended = scene.fix(0).await;
        assert!(mended.stderr.contains("Mended: delivered to web, and read it back."), "{mended}");
        assert_eq!(token_in(&scene.volume).await, token(&scene.home).await);
    }

    // What somebody put there is theirs to give up.
    scene.write(&by_hand).await;
    let found = scene.told(0).await;
    assert_eq!((found.codes("web"), &found.only("unknown_token")["fixable"]), (vec!["unknown_token"], &json!(false)));
    scene.fix(0).await;
    assert_eq!(scene.file().await, by_hand);
    scene.sync().await;

    // An older token of the same account.
    scene.home.tokenferry(["refresh"]).run().await.succeeds();
    assert_eq!(scene.told(1).await.codes("web"), ["file_outdated"]);
    scene.write(&good).await;
    scene.fix(0).await;
    assert_eq!(token_in(&scene.volume).await, token(&scene.home).await);
}

#[tokio::test]
async fn a_file_and_a_volume_that_are_gone() {
    let scene = Scene::approved().await;
    let missing = scene.engine.missing_volume();
    approve(&scene.home, "gone", &missing).await;
    let found = scene.told(1).await;
    assert_eq!((found.codes("web"), found.codes("gone")), (vec!["file_missing"], vec!["volume_missing"]));
    found.says("volume_missing", &[missing.name(), "docker volume create"]);
    assert_eq!(found.only("volume_missing")["fixable"], false);
    assert!(!missing.exists().await, "looking made it");
    // What can be mended is, and what is left is told.
    let mended = scene.fix(1).await;
    assert!(mended.stderr.contains("Mended: delivered to web"), "{mended}");
    assert_eq!(scene.told(1).await.codes("web"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_whole_sign_in_is_left_to_a_person() {
    let scene = Scene::approved().await;
    let theirs = json!({"claudeAiOauth": {"accessToken": "theirs", "refreshToken": "theirs-too", "scopes": []}});
    scene.write(&theirs).await;
    let found = scene.told(1).await;
    assert_eq!(found.codes("web"), ["full_credential"]);
    assert_eq!(found.only("full_credential")["fixable"], false);
    found.says("full_credential", &["refresh token", "`tokenferry sync web --replace`"]);
    scene.fix(1).await;
    assert_eq!(scene.file().await, theirs);
    // What it advises helps.
    scene.home.tokenferry(["sync", "web", "--replace"]).run().await.succeeds();
    scene.told(0).await;

    scene.write("{\"claudeAiOauth\":").await;
    assert_eq!(scene.told(1).await.codes("web"), ["file_not_understood"]);
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
    fix(&home, 0).await;
    assert_ne!(token_in(&of_ada).await, token_in(&of_grace).await);
}

#[tokio::test]
async fn a_cli_that_was_not_prepared_can_be() {
    let scene = Scene::delivered().await;
    let app = Run::app(["sleep"]).set("CLAUDE_CONFIG_DIR", "/claude/").mount(&scene.volume, "/claude");
    let _app = scene.engine.run(app).await;
    let found = scene.told(0).await;
    assert_eq!(found.codes("web"), ["onboarding_not_seeded"]);
    assert_eq!(found.only("onboarding_not_seeded")["severity"], "note");
    let mended = scene.fix(0).await;
    assert!(mended.stderr.contains("Mended: made web ready to use."), "{mended}");
    assert_eq!(scene.volume.read(".claude.json").await.json()["hasCompletedOnboarding"], true);
    assert!(std::fs::read_to_string(scene.home.state().join("config.toml")).unwrap().contains("ready-to-use = true"));
    assert_eq!(scene.told(0).await.codes("web"), [] as [&str; 0]);
}

#[tokio::test]
async fn what_was_left_beside_the_file_is_told_by_its_age() {
    let scene = Scene::delivered().await;
    let app = scene.engine.run(Run::app(["sleep"]).mount(&scene.volume, "/root/.claude")).await;
    let now = Timestamp::now().as_second();
    let installation = std::fs::read_to_string(scene.home.state().join("installation")).unwrap();
    let short: String = Sha256::digest(&installation).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let (ours, fresh) = (format!(".tokenferry-{short}-cutoff-0"), format!(".tokenferry-{short}-fresh-0"));
    scene.volume.leave(".oauth_refresh.lock", None, now - 600).await;
    scene.volume.leave(".storage-write.lock", None, now + 3600).await;
    scene.volume.leave(&ours, Some(b"half"), now - 600).await;
    scene.volume.leave(".tokenferry-00000000-another-0", Some(b"half"), now - 600).await;
    let found = scene.told(1).await;
    assert_eq!(found.codes("web"), ["lock_abandoned", "lock_from_future", "temporary_left"]);
    let name = app.inspect().await.name.unwrap();
    let remove = |lock: &str| format!("docker exec {} rmdir /root/.claude/{lock}", name.trim_start_matches('/'));
    found.says("lock_abandoned", &["10 min old", &remove(".oauth_refresh.lock")]);
    found.says("lock_from_future", &[&remove(".storage-write.lock")]);
    found.says("temporary_left", &["1 temporary file lies"]);

    scene.fix(1).await;
    assert_eq!(scene.volume.find(&ours).await, None);
    assert!(scene.volume.find(".oauth_refresh.lock").await.is_some(), "no folder is removed");

    // What is of this very minute is somebody's work.
    scene.volume.leave(&fresh, Some(b"half"), now).await;
    scene.volume.leave(".oauth_refresh.lock", None, now).await;
    scene.volume.leave(".storage-write.lock", None, now - 5).await;
    assert_eq!(scene.told(0).await.codes("web"), [] as [&str; 0]);
}
