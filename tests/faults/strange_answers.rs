//! A renewal's answer that came, and is not as it should be: what is good in it is used, above all the refresh token's
//! successor. Its predecessor is used up, so to throw it away would be to lose the sign-in.

use engine::status::AccountState;
use practice::{Endpoint, Fault, Trouble};
use serde_json::{Value, json};

use crate::scene::{LIFE, Scene};

fn with(field: &str, value: Value) -> Trouble {
    Trouble::With { field: field.to_owned(), value }
}

fn without(field: &str) -> Trouble {
    Trouble::Without { field: field.to_owned() }
}

macro_rules! used {
    ($($name:ident: $trouble:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_used($trouble).await;
        }
    )*};
}

used! {
    no_token_type: without("token_type");
    no_scope: without("scope");
    no_account: without("account");
    no_lifetime: without("expires_in");
    token_type_of_another_kind: with("token_type", json!(["Bearer"]));
    token_type_of_another_name: with("token_type", json!("mac"));
    lifetime_as_text: with("expires_in", json!("3600"));
    lifetime_in_words: with("expires_in", json!("soon"));
    lifetime_of_nothing: with("expires_in", json!(0));
    lifetime_below_nothing: with("expires_in", json!(-5));
    lifetime_of_half_seconds: with("expires_in", json!(3600.5));
    lifetime_beyond_reason: with("expires_in", json!(u64::MAX));
    lifetime_null: with("expires_in", Value::Null);
    scope_as_a_list: with("scope", json!(["user:profile", "user:inference"]));
    scope_as_a_number: with("scope", json!(7));
    account_as_text: with("account", json!("ada"));
    account_with_other_kinds: with("account", json!({"uuid": 5, "email_address": [1]}));
    organization_as_a_list: with("organization", json!([]));
    end_of_the_sign_in_as_text: with("refresh_token_expires_in", json!("never"));
    end_of_the_sign_in_below_nothing: with("refresh_token_expires_in", json!(-1));
    a_field_that_nobody_knows: with("cheese", json!({"holes": [null, 1.5]}));
}

async fn is_used(trouble: Trouble) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, trouble).times(1));
    scene.run(&["refresh"]).await.succeeds();
    scene.expects("fresh", None).await;
    let told = scene.account_status();
    assert_eq!(told.identity.email.as_deref(), Some("ada@practice.example"), "who it is was forgotten");
    // However long it was said to live, it is renewed in time: in no more than the eight hours of a true one.
    let ends = told.access_token_ends.unwrap();
    let lives = ends.duration_since(told.updated.unwrap()).as_secs();
    assert!((60..=8 * 3600).contains(&lives), "it is held to live for {lives} s");
    scene.run(&["refresh"]).await.succeeds();
    assert_eq!((scene.renewals_asked(), scene.at_provider().generation), (2, 2));
}

macro_rules! kept {
    ($($name:ident: $trouble:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            successor_is_kept($trouble).await;
        }
    )*};
}

// No access token of use, and a good successor all the same.
kept! {
    no_access_token: without("access_token");
    access_token_empty: with("access_token", json!(""));
    access_token_null: with("access_token", Value::Null);
    access_token_as_a_number: with("access_token", json!(5));
    access_token_as_a_list: with("access_token", json!(["a"]));
}

async fn successor_is_kept(trouble: Trouble) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, trouble));
    // More than once, each time with the successor of before, and each time put off for longer.
    for asked in 1..=3 {
        assert_eq!(scene.fails(&["refresh"], 1).await["code"], "renewal_failed");
        scene.expects("late", Some("provider_strange")).await;
        assert_eq!((scene.renewals_asked(), scene.at_provider().generation), (asked, u32::try_from(asked).unwrap()));
    }
    scene.home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();
    scene.provider.clear_faults();
    scene.run(&["refresh"]).await.succeeds();
    scene.expects("fresh", None).await;
    assert!(scene.at_provider().alive);
}

#[tokio::test]
async fn without_a_successor_the_old_refresh_token_stays() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::KeepRefreshToken).times(2));
    for _ in 0..3 {
        scene.run(&["refresh"]).await.succeeds();
    }
    let presented: Vec<_> = scene.provider.record().of(Endpoint::Refresh).map(|it| it.presented.clone()).collect();
    assert!(presented[0] == presented[1] && presented[1] == presented[2], "{presented:?}");
    assert_eq!(scene.at_provider().generation, 1);
    assert_eq!(scene.state(), AccountState::Fresh);
    scene.pass(2 * LIFE);
    assert_eq!(scene.state(), AccountState::Offline);
}
