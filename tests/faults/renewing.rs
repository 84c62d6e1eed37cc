//! A renewal that fails before the provider did anything: the sign-in survives, the state is told right at each step, and
//! the first attempt after the trouble succeeds. And the one answer that does end a sign-in.

use std::time::Duration;

use engine::{
    keeper::{KeepError, Need},
    status::AccountState,
};
use practice::{Endpoint, Fault, RetryAfter, Trouble};

use crate::scene::{LIFE, Scene, all_put_off};

macro_rules! survived {
    ($($name:ident: $trouble:expr => $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            survives($trouble, $code).await;
        }
    )*};
}

survived! {
    status_200_with_an_error: Trouble::status(200) => "provider_strange";
    status_204: Trouble::status(204) => "provider_strange";
    status_302: Trouble::status(302) => "provider_strange";
    status_400: Trouble::status(400) => "provider_strange";
    status_401: Trouble::status(401) => "provider_strange";
    status_403: Trouble::status(403) => "provider_strange";
    status_404: Trouble::status(404) => "provider_strange";
    status_408: Trouble::status(408) => "provider_busy";
    status_418: Trouble::status(418) => "provider_strange";
    status_429: Trouble::status(429) => "provider_busy";
    status_500: Trouble::status(500) => "provider_busy";
    status_502: Trouble::status(502) => "provider_busy";
    status_503: Trouble::status(503) => "provider_busy";
    status_504: Trouble::status(504) => "provider_busy";
    status_529: Trouble::status(529) => "provider_busy";
    status_429_with_retry_after_0: Trouble::retry(429, RetryAfter::Seconds(0)) => "provider_busy";
    page_of_a_captive_portal: Trouble::HtmlPage { status: 200 } => "provider_strange";
    page_of_a_proxy_that_refuses: Trouble::HtmlPage { status: 403 } => "provider_strange";
    page_of_a_gateway: Trouble::HtmlPage { status: 502 } => "provider_busy";
    garbage: Trouble::Garbage => "provider_strange";
    cut_body: Trouble::CutBody => "provider_unreachable";
    no_answer: Trouble::NoAnswer => "provider_unreachable";
    oversized: Trouble::Oversized { bytes: 8 << 20 } => "provider_strange";
    invalid_request: Trouble::oauth_error("invalid_request") => "provider_strange";
    invalid_scope: Trouble::oauth_error("invalid_scope") => "provider_strange";
    unauthorized_client: Trouble::oauth_error("unauthorized_client") => "provider_strange";
    unsupported_grant_type: Trouble::oauth_error("unsupported_grant_type") => "provider_strange";
    a_word_that_nobody_knows: Trouble::oauth_error("out_of_cheese") => "provider_strange";
    invalid_client: oauth_error(401, "invalid_client", true) => "provider_strange";
    invalid_grant_in_plain_text: oauth_error(400, "invalid_grant", false) => "provider_strange";
    invalid_grant_of_a_server_in_trouble: oauth_error(500, "invalid_grant", true) => "provider_busy";
    invalid_grant_of_an_overloaded_server: oauth_error(429, "invalid_grant", true) => "provider_busy";
    invalid_grant_with_a_good_status: oauth_error(200, "invalid_grant", true) => "provider_strange";
}

fn oauth_error(status: u16, error: &str, json: bool) -> Trouble {
    Trouble::OAuthError { status, error: error.to_owned(), json }
}

async fn survives(trouble: Trouble, code: &'static str) {
    let scene = Scene::signed_in().await;
    scene.expects("fresh", None).await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, trouble.clone()));

    // The token lives, and goes on being given.
    assert_eq!(scene.fails(&["refresh"], 1).await["code"], "renewal_failed");
    scene.expects("late", Some(code)).await;
    scene.home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();
    assert_eq!(scene.renewals_asked(), 1);

    // The token has ended. Twenty who want one are one request.
    scene.pass(2 * LIFE);
    assert_eq!(scene.state(), AccountState::Offline);
    let keeper = scene.keeper().await;
    keeper.fresh(&scene.account, Need::Living).await.unwrap_err();
    let next = all_put_off(&keeper, &scene.account).await;
    assert_eq!(scene.renewals_asked(), 2);
    assert_eq!((scene.state(), scene.trouble().as_deref()), (AccountState::Offline, Some(code)));

    // The trouble is over, and the first who asks when it is time again gets a token.
    scene.provider.clear_faults();
    all_put_off(&keeper, &scene.account).await;
    assert_eq!(scene.renewals_asked(), 2);
    scene.pass_until(next);
    let fresh = keeper.fresh(&scene.account, Need::Living).await.unwrap();
    println!("{}: {} requests, the last of them good", trouble.name(), scene.renewals_asked());
    assert_eq!((fresh.refresh_count, scene.renewals_asked()), (1, 3));
    assert_eq!((scene.state(), scene.trouble()), (AccountState::Fresh, None));
    let sign_in = scene.at_provider();
    assert!(sign_in.alive && sign_in.generation == 1, "{sign_in:?}");
    // The state that is kept is good for the real program as well.
    scene.run(&["refresh"]).await.succeeds();
    scene.expects("fresh", None).await;
}

macro_rules! refused {
    ($($name:ident: $trouble:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_over($trouble).await;
        }
    )*};
}

refused! {
    a_clear_no: Trouble::oauth_error("invalid_grant");
    a_clear_no_with_status_401: oauth_error(401, "invalid_grant", true);
}

async fn is_over(no: Trouble) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, no));
    assert_eq!(scene.fails(&["refresh"], 4).await["code"], "needs_sign_in");
    scene.expects("needs_sign_in", Some("provider_refused")).await;
    assert!(scene.told().await["next_step"].as_str().unwrap().contains("tokenferry login"));

    // What still lives is given; then nobody is asked again, since asking changes nothing.
    scene.home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();
    scene.pass(2 * LIFE);
    let keeper = scene.keeper().await;
    for need in [Need::Living, Need::NotDue, Need::Living] {
        let said = keeper.fresh(&scene.account, need).await.unwrap_err();
        assert!(matches!(said, KeepError::SignInNeeded { .. }), "{said:?}");
        scene.pass(Duration::from_secs(24 * 3600));
    }
    assert_eq!(scene.renewals_asked(), 1);
    assert_eq!(scene.state(), AccountState::NeedsSignIn);

    scene.provider.clear_faults();
    scene.sign_in().await;
    scene.expects("fresh", None).await;
    scene.run(&["refresh"]).await.succeeds();
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let scene = Scene::signed_in().await;
    for slow in [Trouble::SlowHeaders { ms: 400 }, Trouble::SlowBody { ms: 400 }] {
        scene.provider.fault(Fault::at(Endpoint::Refresh, slow).times(1));
        scene.run(&["refresh"]).await.succeeds();
    }
    assert_eq!((scene.renewals_asked(), scene.at_provider().generation), (2, 2));
    scene.expects("fresh", None).await;
}

#[tokio::test]
async fn a_hang_ends_and_whoever_waited_does_not_hang_again() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::Hang));
    let begun = std::time::Instant::now();
    let first = scene.home.tokenferry(["refresh", "--json"]).spawn();
    while scene.renewals_asked() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = scene.home.tokenferry(["refresh", "--json"]).spawn();
    // Meanwhile, nobody else has to wait.
    scene.expects("fresh", None).await;
    scene.home.tokenferry(["token"]).prints_a_secret().within(Duration::from_secs(10)).run().await.succeeds();
    for waiting in [first, second] {
        assert_eq!(waiting.finish().await.ends_with(1).json()["error"]["code"], "renewal_failed");
    }
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    assert_eq!(scene.renewals_asked(), 1);
    scene.expects("late", Some("provider_unreachable")).await;
    scene.provider.clear_faults();
    scene.run(&["refresh"]).await.succeeds();
}

#[tokio::test]
async fn a_provider_that_is_away_is_waited_for() {
    let scene = Scene::signed_in().await;
    let away = |command: &[&str]| scene.home.tokenferry(command).set("TOKENFERRY_PROVIDER", scene.provider.url());
    // The same name, and nobody who listens there: the port is the discard service's.
    let nowhere = scene.home.tokenferry(["refresh", "--json"]).set("TOKENFERRY_PROVIDER", "http://127.0.0.1:9");
    // A sign-in is shown to no other provider than its own, down or not.
    let error = nowhere.run().await.ends_with(1).json()["error"].clone();
    assert_eq!(error["code"], "other_provider", "{error}");
    away(&["refresh"]).run().await.succeeds();
}
