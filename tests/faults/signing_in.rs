//! Trouble while signing in: a clear sentence, nothing kept, and the next try works.

use practice::{Endpoint, Fault, Trouble};
use serde_json::json;

use crate::scene::Scene;

macro_rules! told {
    ($($name:ident: $trouble:expr => $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_told(Fault::at(Endpoint::Exchange, $trouble), $code).await;
        }
    )*};
}

told! {
    status_429: Trouble::status(429) => "provider_busy";
    status_500: Trouble::status(500) => "provider_busy";
    status_503: Trouble::status(503) => "provider_busy";
    status_403: Trouble::status(403) => "provider_strange";
    page_of_a_captive_portal: Trouble::HtmlPage { status: 200 } => "provider_strange";
    page_of_a_gateway: Trouble::HtmlPage { status: 502 } => "provider_busy";
    garbage: Trouble::Garbage => "provider_strange";
    cut_body: Trouble::CutBody => "provider_unreachable";
    no_answer: Trouble::NoAnswer => "provider_unreachable";
    oversized: Trouble::Oversized { bytes: 1 << 20 } => "provider_strange";
    invalid_grant: Trouble::oauth_error("invalid_grant") => "provider_refused";
    invalid_client: Trouble::oauth_error("invalid_client") => "provider_strange";
    no_access_token: Trouble::Without { field: "access_token".to_owned() } => "provider_strange";
    access_token_of_another_kind: Trouble::With { field: "access_token".to_owned(), value: json!(5) } => "provider_strange";
    no_refresh_token: Trouble::Without { field: "refresh_token".to_owned() } => "no_refresh_token";
    refresh_token_of_another_kind: Trouble::With { field: "refresh_token".to_owned(), value: json!(5) } => "no_refresh_token";
}

#[tokio::test]
async fn no_answer_after_the_sign_in_was_made() {
    is_told(Fault::at(Endpoint::Exchange, Trouble::NoAnswer).after_work(), "provider_unreachable").await;
}

async fn is_told(fault: Fault, code: &str) {
    let scene = Scene::new();
    scene.provider.fault(fault.times(1));
    let error = scene.fails(&["login"], 1).await;
    assert_eq!(error["code"], code, "{error:#}");
    // A code is good once, so it is never sent twice.
    assert_eq!(scene.provider.record().count(Endpoint::Exchange), 1);
    let status = scene.run(&["status", "--json"]).await.succeeds().json();
    assert_eq!(status["accounts"], json!([]), "{status:#}");
    assert_eq!(scene.fails(&["token"], 4).await["code"], "signed_out");

    scene.sign_in().await;
    scene.expects("fresh", None).await;

    // Nor does a failure cost the sign-in that is there.
    scene.provider.fault(Fault::at(Endpoint::Exchange, Trouble::status(503)).times(1));
    scene.fails(&["login"], 1).await;
    scene.run(&["refresh"]).await.succeeds();
    scene.expects("fresh", None).await;
}

#[tokio::test]
async fn a_pasted_code_that_meets_trouble() {
    let scene = Scene::new();
    let paste = async || {
        let begun = scene.run(&["login", "--paste", "--json"]).await.succeeds();
        scene.provider.code_to_paste(begun.json()["authorization_url"].as_str().unwrap()).await
    };
    let finish = async |code: String| scene.home.tokenferry(["callback", "--json"]).input(code).run().await;
    scene.provider.fault(Fault::at(Endpoint::Exchange, Trouble::status(503)).times(1));
    let code = paste().await;
    let failed = finish(code.clone()).await.ends_with(1).json();
    assert_eq!(failed["error"]["code"], "provider_busy");
    // It may have been used up.
    assert_eq!(finish(code).await.ends_with(1).json()["error"]["code"], "not_pending");
    finish(paste().await).await.succeeds();
    scene.expects("fresh", None).await;
}

macro_rules! without_a_profile {
    ($($name:ident: $trouble:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            signs_in_all_the_same($trouble).await;
        }
    )*};
}

mod profile {
    use super::*;

    without_a_profile! {
        status_401: Trouble::status(401);
        status_500: Trouble::status(500);
        page: Trouble::HtmlPage { status: 200 };
        garbage: Trouble::Garbage;
        cut_body: Trouble::CutBody;
        no_answer: Trouble::NoAnswer;
        oversized: Trouble::Oversized { bytes: 1 << 20 };
        no_account: Trouble::Without { field: "account".to_owned() };
        account_of_another_kind: Trouble::With { field: "account".to_owned(), value: json!([]) };
    }

    async fn signs_in_all_the_same(trouble: Trouble) {
        let scene = Scene::new();
        // The token's answer tells it as well, so that is left out too.
        let nobody = Trouble::Without { field: "account".to_owned() };
        scene.provider.fault(Fault::at(Endpoint::Exchange, nobody).times(1));
        scene.provider.fault(Fault::at(Endpoint::Profile, trouble));
        scene.sign_in().await;
        scene.expects("fresh", None).await;
        scene.run(&["refresh"]).await.succeeds();
    }
}
