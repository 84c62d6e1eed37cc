//! Taking a sign-in over from the official CLI's file.

use std::path::Path;

use bed::{Home, Provider};
use practice::Endpoint;
use serde_json::{Value, json};

use crate::steps::{
    account, ask_for_tokens, at_a_terminal, official_cli, refusal, report, sign_in, status, token, vault_entries,
};

fn file(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn it_is_taken_over_and_has_one_owner() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = official_cli(&home, &provider).await;
    let before = file(&path);
    let told = home.tokenferry(["import", "--yes"]).run().await.succeeds();
    assert!(told.stderr.contains("Took over the sign-in of ada@practice.example"), "{told}");
    assert!(told.stderr.contains("is of no more use"), "{told}");
    // What lies in the file is left alone, and was used up: whoever finds it can't rotate our tokens away.
    assert_eq!(file(&path), before);
    assert_eq!(provider.record().renewals().count(), 1);
    assert_ne!(token(&home).await, before["claudeAiOauth"]["accessToken"].as_str().unwrap());
    home.tokenferry(["refresh"]).run().await.succeeds();
    assert_eq!(account(&home, "default").await["code"], "fresh");

    // A used refresh token that comes back ends its sign-in, so it is never shown to the provider again.
    let renewals = provider.record().count(Endpoint::Refresh);
    assert_eq!(refusal(home.tokenferry(["import", "--yes"]), 1).await, "imported_before");
    let moved = home.tokenferry(["import", "--move"]).run().await.succeeds();
    assert!(moved.stderr.starts_with("Removed what was left in "), "{moved}");
    assert_eq!(file(&path).get("claudeAiOauth"), None);
    assert_eq!(provider.record().count(Endpoint::Refresh), renewals);
    assert!(provider.sign_ins()[0].alive);
}

#[tokio::test]
async fn what_is_moved_leaves_the_sign_ins_of_others() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = official_cli(&home, &provider).await;
    let told = report(home.tokenferry(["import", "--account", "work", "--move", "--yes"])).await;
    assert_eq!((told["account"].as_str(), told["moved"].as_bool()), (Some("work"), Some(true)), "{told}");
    assert_eq!(file(&path), json!({"mcpOAuth": {"tickets": {"accessToken": "the-token-of-the-tickets"}}}));
    assert_eq!(refusal(home.tokenferry(["import", "--yes"]), 1).await, "nothing_to_import");
    assert_eq!(account(&home, "work").await["code"], "fresh");
}

#[tokio::test]
async fn nobody_to_ask_means_no() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = official_cli(&home, &provider).await;
    let before = std::fs::read(&path).unwrap();
    let refused = home.tokenferry(["import", "--move"]).run().await.ends_with(1);
    assert!(refused.stderr.contains("the official CLI on this machine is signed out"), "{refused}");
    assert!(refused.stderr.contains("--yes"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(provider.record().count(Endpoint::Refresh), 0);
    assert!(provider.sign_ins()[0].alive);
    assert_eq!(status(&home).await["accounts"], json!([]));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
}

#[tokio::test]
async fn at_a_terminal_a_person_is_told_and_asked() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = official_cli(&home, &provider).await;
    for (answer, code) in [("n\n", 1), ("y\n", 0)] {
        let mut import = at_a_terminal(&home, "import --move").spawn();
        let asked = import.gives("[y/N]").await;
        assert!(asked.contains("A sign-in has one owner"), "{asked}");
        import.types(answer).await;
        import.finish().await.ends_with(code);
        assert_eq!(file(&path).get("claudeAiOauth").is_some(), code == 1);
    }
}

#[tokio::test]
async fn an_access_token_that_has_ended_is_no_hindrance() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = official_cli(&home, &provider).await;
    let mut ended = file(&path);
    ended["claudeAiOauth"]["expiresAt"] = json!(1_700_000_000_000_u64);
    std::fs::write(&path, ended.to_string()).unwrap();
    home.tokenferry(["import", "--from"]).arg(&path).arg("--yes").run().await.succeeds();
    let account = account(&home, "default").await;
    assert_eq!(account["code"], "fresh");
    assert_eq!(account["identity"]["email"], "ada@practice.example", "the profile is asked with the fresh token");
}

/// The official CLI renewed, perhaps on another machine with a copy of the file: what is left here is dead.
async fn used_up(home: &Home, provider: &Provider) -> std::path::PathBuf {
    let path = official_cli(home, provider).await;
    let refresh_token = file(&path)["claudeAiOauth"]["refreshToken"].clone();
    let body = json!({"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": practice::CLIENT_ID});
    ask_for_tokens(provider, &body).await;
    path
}

#[tokio::test]
async fn what_is_used_up_is_not_claimed() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let path = used_up(&home, &provider).await;
    let before = std::fs::read(&path).unwrap();
    let refused = home.tokenferry(["import", "--move", "--yes"]).run().await;
    assert!(!refused.status.success() && !refused.stderr.contains("Took over"), "{refused}");
    assert!(refused.stderr.contains("tokenferry login"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(status(&home).await["accounts"], json!([]));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
}

#[tokio::test]
async fn what_is_used_up_costs_nobody_the_sign_in_that_they_have() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let before = token(&home).await;
    used_up(&home, &provider).await;
    let refused = home.tokenferry(["import", "--yes"]).run().await;
    assert!(!refused.status.success(), "{refused}");
    assert!(provider.sign_ins()[0].alive, "the good sign-in was ended for a dead one");
    assert_eq!(token(&home).await, before);
    home.tokenferry(["refresh"]).run().await.succeeds();
}

#[tokio::test]
async fn there_may_be_nothing_to_take() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let missing = home.tokenferry(["import", "--yes"]).run().await.ends_with(1);
    assert!(missing.stderr.contains("user/.claude/.credentials.json"), "{missing}");
    let path = home.path().join("user/one.json");
    for nothing in ["", "[]", r#"{"mcpOAuth":{}}"#, r#"{"claudeAiOauth":{"accessToken":"x","refreshToken":""}}"#] {
        std::fs::write(&path, nothing).unwrap();
        let import = home.tokenferry(["import", "--yes", "--from"]).arg(&path);
        assert_eq!(refusal(import, 1).await, "nothing_to_import", "{nothing}");
    }
}
