//! Fifty programs that ask for one account's token again and again, while it ends every few seconds: none is given a dead one,
//! and it is renewed once for all.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use practice::{Endpoint, Options};
use reqwest::StatusCode;
use serde_json::Value;

use crate::scene::{Scene, client};

const PROGRAMS: usize = 50;
/// Renewed after half of that.
const LIFE: Duration = Duration::from_secs(6);
/// Long enough for three renewals.
const WATCHED: Duration = Duration::from_secs(11);
/// Between two requests of a program.
const PAUSE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_given_a_dead_token_and_one_renews_for_all() {
    let scene = Scene::with(Options { access_token_lifetime: LIFE, ..Options::default() }, &[]).await;
    bed::steps::sign_in(&scene.home).await;
    let key = scene.grant("crowd", &["--per-second", "100000"]).await;
    scene.provider.clear_record();
    let tokens = Arc::new(Mutex::new(BTreeSet::new()));
    let begun = Instant::now();
    let programs = (0..PROGRAMS).map(|_| {
        let (client, key, tokens) = (client(), key.clone(), tokens.clone());
        let (from, judge) = (format!("{}/v1/token", scene.url), format!("{}/api/oauth/profile", scene.provider.url()));
        tokio::spawn(async move {
            let mut asked = 0;
            while begun.elapsed() < WATCHED {
                let answer = client.get(&from).bearer_auth(&key).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                let answer: Value = answer.json().await.unwrap();
                let token = answer["access_token"].as_str().unwrap().to_owned();
                let judged = client
                    .get(&judge)
                    .bearer_auth(&token)
                    .header("anthropic-beta", "oauth-2025-04-20")
                    .send()
                    .await
                    .unwrap();
                assert_eq!(judged.status(), StatusCode::OK, "a dead token was given, of {}", answer["expires_in"]);
                tokens.lock().unwrap().insert(token);
                asked += 1;
                tokio::time::sleep(PAUSE).await;
            }
            asked
        })
    });
    let asked: usize = futures_util::future::join_all(programs).await.into_iter().map(Result::unwrap).sum();
    let (given, renewed) = (tokens.lock().unwrap().len(), scene.provider.record().count(Endpoint::Refresh));
    assert!(asked > 10 * PROGRAMS, "they asked {asked} times");
    assert!((3..=5).contains(&given), "{given} tokens");
    // The last renewal may have come when nobody asked any more.
    assert!(renewed + 1 == given || renewed == given, "{renewed} renewals for {given} tokens");
    scene.ends().await;
}
