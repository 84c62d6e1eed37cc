//! A CLI that is left running goes over to each fresh token by itself.

use std::time::{Duration, Instant};

use practice::{Endpoint, Fingerprint, Options};

use crate::scene::{Scene, Session, answer};

/// Short enough to see tokens end, and long enough for a delivery on a busy machine: a token this short is renewed
/// halfway.
const LIFETIME: Duration = Duration::from_secs(16);

/// Between two turns of the CLI.
const BREATH: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_session_goes_on_over_renewals_without_a_refusal() {
    let options = Options { access_token_lifetime: LIFETIME, ..Options::default() };
    let Some(scene) = Scene::with(options, &[]).await else { return };
    let begun = Instant::now();
    let _run = scene.home.tokenferry(["run"]).spawn();
    let mut session = Session::start(&scene);
    // Until the first token has ended for certain.
    while begun.elapsed() < LIFETIME + Duration::from_secs(2) {
        let result = session.ask().await;
        answer(&result).unwrap_or_else(|said| panic!("a turn failed after {:?}: {said}", begun.elapsed()));
        tokio::time::sleep(BREATH).await;
    }
    let asked = scene.asked();
    let refused: Vec<_> = asked.iter().filter(|entry| entry.status != Some(200)).collect();
    assert!(refused.is_empty(), "of {} requests these were refused: {refused:?}", asked.len());
    let mut tokens: Vec<Fingerprint> = asked.iter().filter_map(|entry| entry.presented.clone()).collect();
    tokens.dedup();
    let renewals = scene.provider.record().of(Endpoint::Refresh).count();
    // Each token once: the CLI never went back to an older one.
    assert!(tokens.len() > 1 && tokens.len() <= renewals + 1, "{tokens:?} after {renewals} renewals");
}
