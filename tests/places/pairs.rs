//! Every pair of format and place.

use bed::TestEngine;
use bed::steps::{report, token};
use engine::formats::{ALL, Format, Taker};

use crate::place::Files;
use crate::scene::Scene;

/// Delivered, renewed, delivered anew, taken away: each format in each place that takes it, beside the others there. All
/// other pairs are refused. What takes what is said by the list that the README's table is made from.
#[tokio::test(flavor = "multi_thread")]
async fn every_format_goes_to_every_place() {
    let engine = TestEngine::get();
    let scene = Scene::set(&engine).await;
    let home = &scene.home;
    let mut pairs = Vec::new();
    for (kind, sample, place) in &scene.places {
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
        let token = token(home).await;
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
