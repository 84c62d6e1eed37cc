//! Trouble while signing out: the sign-in is used for nothing more, and the provider is told later, politely.

use std::time::Duration;

use engine::status::AccountState;
use practice::{EndedBy, Endpoint, Fault, Trouble};
use serde_json::json;

use crate::scene::Scene;

macro_rules! told_later {
    ($($name:ident: $trouble:expr => $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_told_later($trouble, $code).await;
        }
    )*};
}

told_later! {
    status_400: Trouble::status(400) => "provider_strange";
    status_429: Trouble::status(429) => "provider_busy";
    status_503: Trouble::status(503) => "provider_busy";
    page_of_a_gateway: Trouble::HtmlPage { status: 502 } => "provider_busy";
    no_answer: Trouble::NoAnswer => "provider_unreachable";
}

async fn is_told_later(trouble: Trouble, code: &'static str) {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Revoke, trouble));
    let said = scene.run(&["logout", "--json"]).await.ends_with(3).json();
    assert_eq!(said["provider"]["code"], code, "{said:#}");
    scene.expects("signed_out", Some(code)).await;

    // Signed out is signed out, whatever the provider knows of it.
    for command in ["token", "refresh"] {
        assert_eq!(scene.fails(&[command], 4).await["code"], "signed_out", "{command}");
    }
    assert_eq!(scene.renewals_asked(), 0);
    scene.expects("signed_out", Some(code)).await;

    scene.provider.clear_faults();
    scene.run(&["logout"]).await.succeeds();
    assert_eq!(scene.at_provider().ended_by, Some(EndedBy::Revocation));
    let status = scene.run(&["status", "--json"]).await.succeeds().json();
    assert_eq!(status["accounts"], json!([]), "{status:#}");
    scene.sign_in().await;
    scene.expects("fresh", None).await;
}

#[tokio::test]
async fn an_answer_lost_after_the_sign_in_was_ended() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Revoke, Trouble::NoAnswer).times(1).after_work());
    scene.run(&["logout"]).await.ends_with(3);
    scene.run(&["logout"]).await.succeeds();
    assert_eq!(scene.at_provider().ended_by, Some(EndedBy::Revocation));
}

#[tokio::test]
async fn a_page_with_a_good_status_is_no_revocation_undone() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Revoke, Trouble::HtmlPage { status: 200 }).times(1).after_work());
    scene.run(&["logout"]).await.succeeds();
    assert_eq!(scene.at_provider().ended_by, Some(EndedBy::Revocation));
}

#[tokio::test]
async fn the_standing_work_tells_it_later_and_backs_off() {
    let scene = Scene::signed_in().await;
    scene.provider.fault(Fault::at(Endpoint::Revoke, Trouble::status(503)));
    scene.run(&["logout"]).await.ends_with(3);
    let run = scene.home.tokenferry(["run"]).spawn();
    let asked = || scene.provider.record().count(Endpoint::Revoke);
    let until = async |enough: usize| {
        while asked() < enough {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), until(4)).await.expect("it should be tried again");
    assert_eq!(scene.state(), AccountState::SignedOut);
    let record = scene.provider.record();
    let times: Vec<_> = record.of(Endpoint::Revoke).map(|entry| entry.time).collect();
    let pauses: Vec<_> = times.windows(2).map(|two| two[1].duration_since(two[0]).as_secs_f64()).collect();
    println!("`run` with a logout to tell, 503: pauses of {pauses:.1?} s");
    assert!(pauses.iter().zip([0.9, 1.9, 3.9]).all(|(is, least)| *is >= least), "{pauses:?}");

    scene.provider.clear_faults();
    tokio::time::timeout(Duration::from_secs(30), until(times.len() + 1)).await.expect("it should be tried again");
    let gone = async {
        while scene.provider.sign_ins()[0].alive || !scene.engine().status().unwrap().accounts.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it should be gone");
    run.signal(rustix::process::Signal::TERM);
    run.finish().await.succeeds();
}
