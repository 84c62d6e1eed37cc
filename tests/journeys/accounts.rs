//! Several accounts, and signing in again under a name that is taken.

use bed::{Home, Provider};
use practice::{EndedBy, SignIn};
use serde_json::Value;

use crate::steps::{account, at_a_terminal, printed_token, refusal, report, sign_in, sign_in_as, token};

const ADA: &str = "ada@practice.example";
const GRACE: &str = "grace@practice.example";

fn ends(sign_ins: &[SignIn]) -> Vec<Option<EndedBy>> {
    sign_ins.iter().map(|sign_in| sign_in.ended_by).collect()
}

/// Ada is signed in; whoever signs in next is Grace.
async fn ada_then_grace() -> (Provider, Home, String) {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let adas = token(&home).await;
    provider.set(|options| GRACE.clone_into(&mut options.person));
    (provider, home, adas)
}

#[tokio::test]
async fn the_name_is_asked_for_only_where_there_are_several() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "signed_out");
    sign_in_as(&home, &provider, ADA, "work").await;
    let adas = token(&home).await;
    sign_in_as(&home, &provider, GRACE, "home").await;

    for command in ["token", "refresh", "logout"] {
        let refused = home.tokenferry([command]).run().await.ends_with(1);
        assert!(refused.stderr.contains("There are several accounts: home, work."), "{refused}");
        assert!(refused.stderr.contains("--account"), "{refused}");
    }
    assert_eq!(printed_token(home.tokenferry(["token", "--account", "work"])).await, adas);
    assert_ne!(printed_token(home.tokenferry(["token", "--account", "home"])).await, adas);
    assert_eq!(refusal(home.tokenferry(["token", "--account", "nobody"]), 4).await, "signed_out");
    for (name, email) in [("work", ADA), ("home", GRACE)] {
        assert_eq!(account(&home, name).await["identity"]["email"], email);
    }
    home.tokenferry(["logout", "--account", "work"]).run().await.succeeds();
    assert_eq!(account(&home, "work").await, Value::Null);
    assert_ne!(token(&home).await, adas, "one is left, and it is the other");
}

#[tokio::test]
async fn the_same_person_signs_in_again_without_a_question() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let first = token(&home).await;
    sign_in(&home).await;
    assert_ne!(token(&home).await, first);
    // The earlier sign-in is nobody's any more, so it is ended.
    assert_eq!(ends(&provider.sign_ins()), [Some(EndedBy::Revocation), None]);
}

#[tokio::test]
async fn somebody_else_is_not_put_in_place_of_a_person_unasked() {
    let (provider, home, adas) = ada_then_grace().await;
    let refused = home.tokenferry(["login"]).run().await.ends_with(1);
    for part in [ADA, GRACE, "Nobody is here to be asked", "--yes", "--account"] {
        assert!(refused.stderr.contains(part), "{refused}\nlacks {part}");
    }
    assert_eq!(token(&home).await, adas);
    assert_eq!(account(&home, "default").await["identity"]["email"], ADA);
    assert_eq!(ends(&provider.sign_ins()), [None, Some(EndedBy::Revocation)], "the new sign-in is ended, not Ada's");
    assert_eq!(refusal(home.tokenferry(["login"]), 1).await, "declined");
}

#[tokio::test]
async fn a_pasted_sign_in_of_somebody_else_asks_as_well() {
    let (provider, home, adas) = ada_then_grace().await;
    let printed = home.tokenferry(["login", "--paste"]).run().await.succeeds().stdout;
    let code = provider.code_to_paste(printed.trim()).await;
    assert_eq!(refusal(home.tokenferry(["callback", &code]), 1).await, "declined");
    assert_eq!(token(&home).await, adas);
    assert_eq!(ends(&provider.sign_ins()), [None, Some(EndedBy::Revocation)]);
}

#[tokio::test]
async fn with_yes_somebody_else_replaces_a_person() {
    let (provider, home, adas) = ada_then_grace().await;
    let told = report(home.tokenferry(["login", "--yes"])).await;
    assert_eq!(told["identity"]["email"], GRACE);
    assert_ne!(token(&home).await, adas);
    assert_eq!(account(&home, "default").await["identity"]["email"], GRACE);
    assert_eq!(ends(&provider.sign_ins()), [Some(EndedBy::Revocation), None]);
}

#[tokio::test]
async fn at_a_terminal_a_person_is_asked_and_a_no_changes_nothing() {
    let (provider, home, adas) = ada_then_grace().await;
    let mut login = at_a_terminal(&home, "login").spawn();
    let asked = login.gives("[y/N]").await;
    assert!(asked.contains(&format!("is signed in as {ADA}")), "{asked}");
    login.types("\n").await;
    login.finish().await.ends_with(1);
    assert_eq!(token(&home).await, adas);
    assert_eq!(ends(&provider.sign_ins()), [None, Some(EndedBy::Revocation)]);

    let mut login = at_a_terminal(&home, "login").spawn();
    login.gives("[y/N]").await;
    login.types("y\n").await;
    login.finish().await.succeeds();
    assert_eq!(account(&home, "default").await["identity"]["email"], GRACE);
}
