//! The end: clean, within five seconds, and nobody is signed out by it.

use std::time::{Duration, Instant};

use bed::steps::eventually;
use practice::{Endpoint, Fault, Trouble};
use rustix::process::Signal;

use crate::scene::Scene;

/// What is promised, from the signal to the end of the process.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn it_ends_within_five_seconds_in_mid_renewal_and_signs_nobody_out() {
    let options = practice::Options { access_token_lifetime: Duration::from_secs(6), ..practice::Options::default() };
    let scene = Scene::with(options, &[]).await;
    bed::steps::sign_in(&scene.home).await;
    let key = scene.grant("ci", &[]).await;
    // The provider has rotated already, and takes its time to say so.
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::SlowHeaders { ms: 2000 }).times(1).after_work());
    let before = scene.provider.record().count(Endpoint::Refresh);
    eventually("it renews", async || scene.provider.record().count(Endpoint::Refresh) > before).await;
    // Somebody waits for that renewal, and others just sit there.
    let waiting = scene.asks("GET", "/v1/token").bearer_auth(&key).send();
    let idle = scene.asks("GET", "/health").send().await.unwrap();
    let begun = Instant::now();
    scene.server.signal(Signal::TERM);
    let Scene { server, home, provider, .. } = scene;
    let (ended, _) = tokio::join!(server.finish(), waiting);
    ended.succeeds();
    assert!(begun.elapsed() < ENDS_WITHIN, "it took {:?}", begun.elapsed());
    drop(idle);
    // What the provider gave was kept.
    let kept = bed::steps::account(&home, "default").await["refresh_count"].clone();
    assert_eq!(kept, provider.sign_ins()[0].refreshes);
    home.tokenferry(["refresh"]).run().await.succeeds();
    assert!(provider.sign_ins()[0].alive, "the sign-in was lost");
}

#[tokio::test]
async fn a_provider_that_hangs_holds_nobody_up() {
    let options = practice::Options { access_token_lifetime: Duration::from_secs(6), ..practice::Options::default() };
    let scene = Scene::with(options, &[]).await;
    bed::steps::sign_in(&scene.home).await;
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::Hang));
    eventually("it renews", async || scene.provider.record().count(Endpoint::Refresh) > 0).await;
    let begun = Instant::now();
    let (home, provider) = {
        scene.server.signal(Signal::TERM);
        let Scene { server, home, provider, .. } = scene;
        server.finish().await.succeeds();
        (home, provider)
    };
    assert!(begun.elapsed() < ENDS_WITHIN, "it took {:?}", begun.elapsed());
    provider.clear_faults();
    bed::steps::token(&home).await;
}
