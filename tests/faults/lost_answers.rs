//! The provider has rotated the refresh token, and its answer is lost: the one way in which a sign-in can be lost without
//! a no. It shows at the next attempt, which gets that no; the state says so, and signing in again mends it.

use engine::status::AccountState;
use practice::{EndedBy, Endpoint, Fault, Trouble};

use crate::scene::Scene;

macro_rules! lost {
    ($($name:ident: $trouble:expr => $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_lost($trouble, $code).await;
        }
    )*};
}

lost! {
    no_answer: Trouble::NoAnswer => "provider_unreachable";
    cut_body: Trouble::CutBody => "provider_unreachable";
    status_500: Trouble::status(500) => "provider_busy";
    page_of_a_gateway: Trouble::HtmlPage { status: 502 } => "provider_busy";
    page_of_a_captive_portal: Trouble::HtmlPage { status: 200 } => "provider_strange";
    garbage: Trouble::Garbage => "provider_strange";
    oversized: Trouble::Oversized { bytes: 1 << 20 } => "provider_strange";
}

async fn is_lost(trouble: Trouble, code: &'static str) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, trouble).times(1).after_work());
    assert_eq!(scene.fails(&["refresh"], 1).await["code"], "renewal_failed");
    // Nobody can know yet.
    scene.expects("late", Some(code)).await;

    assert_eq!(scene.fails(&["refresh"], 4).await["code"], "needs_sign_in");
    scene.expects("needs_sign_in", Some("provider_refused")).await;
    assert_eq!(scene.renewals_asked(), 2);
    assert_eq!(scene.provider.record().renewals().count(), 1, "the first was granted");
    assert_eq!(scene.at_provider().ended_by, Some(EndedBy::RefreshTokenReuse));

    scene.sign_in().await;
    scene.run(&["refresh"]).await.succeeds();
    assert_eq!(scene.state(), AccountState::Fresh);
}
