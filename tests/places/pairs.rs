//! Every pair of format and place.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use bed::steps::{report, sign_in, token};
use bed::{Home, Provider, TestEngine};
use engine::formats::{ALL, Format, Taker};

use crate::place::{Files, Place, kinds};

/// Delivered, renewed, delivered anew, taken away: each format in each place that takes it, beside the others there. All
/// other pairs are refused. What takes what is said by the list that the README's table is made from.
#[tokio::test(flavor = "multi_thread")]
async fn every_format_goes_to_every_place() {
    let (provider, engine) = (Provider::start(), TestEngine::get());
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    let key = BASE64_URL_SAFE.encode(key);
    let mut home = Home::new().provider(&provider).engine(&engine).set("CLAUDE_TOKEN_ENCRYPTION_KEY", &key);
    let mut places = Vec::new();
    for (kind, sample) in kinds() {
        let place = Place::of(kind, &engine, &key).await;
        match &place {
            Place::Kubernetes(cluster) => home = home.set("KUBECONFIG", cluster.kubeconfig("certificate")),
            Place::Postgres(cluster, _) => {
                home.tokenferry(["postgres", "init", &cluster.by_socket()]).run().await.succeeds();
            }
            Place::Volume(_) | Place::Directory(_) => {}
        }
        places.push((kind, sample, place));
    }
    sign_in(&home).await;
    let mut pairs = Vec::new();
    for (kind, sample, place) in &places {
        for taker in ALL {
            let (name, format): (_, Format) = (format!("{}-{kind}", taker.name()), taker.name().parse().unwrap());
            let arguments = ["destination", "add", &name, "--format", taker.name(), "--yes"].map(str::to_owned);
            let added = home.tokenferry(arguments.into_iter().chain(place.arguments(*taker))).run().await;
            match sample.takes(format) {
                Ok(()) => {
                    added.succeeds();
                    pairs.push((name, place, *taker));
                }
                Err(why) => {
                    let said = added.ends_with(1).stderr;
                    assert!(said.contains(&why), "{name}: {said}");
                }
            }
        }
    }
    assert_eq!(pairs.len(), (ALL.len() - 1) * 3 + 1, "a row is one format alone, which goes nowhere else");
    for _ in 0..2 {
        home.tokenferry(["sync"]).run().await.succeeds();
        let token = token(&home).await;
        for (name, place, taker) in &pairs {
            holds(name, &place.files(*taker).await, *taker, &token);
        }
        home.tokenferry(["refresh"]).run().await.succeeds();
    }
    for (name, ..) in &pairs {
        let removed = report(home.tokenferry(["destination", "remove", name])).await;
        assert_eq!(removed["copies"][0]["outcome"], "withdrawn", "{name}: {removed}");
    }
    for (name, place, taker) in &pairs {
        let left = place.files(*taker).await;
        let is_there = left.contains_key(taker.files()[0].path);
        let secret = left.values().any(|(content, _)| String::from_utf8_lossy(content).contains("sk-ant-"));
        assert!(!is_there && !secret, "{name} still holds {:?}", left.keys());
    }
}

/// The files of a format are there, with their modes, and this token is in the first of them.
fn holds(name: &str, files: &Files, taker: &dyn Taker, token: &str) {
    for (number, file) in taker.files().iter().enumerate() {
        let (content, mode) = files.get(file.path).unwrap_or_else(|| panic!("{name}: no {}", file.path));
        assert!(mode.is_none_or(|mode| mode == file.mode), "{name}: {} has mode {mode:?}", file.path);
        let text = String::from_utf8_lossy(content);
        assert!(number > 0 || text.contains(token), "{name}: {} holds another token", file.path);
        assert!(!text.contains("sk-ant-ort"), "{name}: {} holds a refresh token", file.path);
    }
}
