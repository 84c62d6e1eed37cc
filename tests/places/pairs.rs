//! Every pair of format and place.

use bed::steps::{report, sign_in, token};
use bed::{Home, Provider, TestEngine};
use engine::formats::{ALL, Taker};

use crate::place::{Files, Place};

/// Delivered, renewed, delivered anew, taken away: in each place, in each format, beside what somebody else has there.
#[tokio::test(flavor = "multi_thread")]
async fn every_format_goes_to_every_place() {
    let (provider, engine) = (Provider::start(), TestEngine::get());
    let home = Home::new().provider(&provider).engine(&engine);
    sign_in(&home).await;
    let places = Place::all(&engine).await;
    let mut pairs = Vec::new();
    for (number, place) in places.iter().enumerate() {
        // A row of a database is one format alone, and has a test of its own.
        for taker in ALL.iter().filter(|taker| taker.name() != "litellm-row") {
            let name = format!("{}-{number}", taker.name());
            let arguments = ["destination", "add", &name, "--format", taker.name(), "--yes"].map(str::to_owned);
            home.tokenferry(arguments.into_iter().chain(place.arguments())).run().await.succeeds();
            pairs.push((name, place, *taker));
        }
    }
    for _ in 0..2 {
        home.tokenferry(["sync"]).run().await.succeeds();
        let token = token(&home).await;
        for (name, place, taker) in &pairs {
            holds(name, &place.files().await, *taker, &token);
        }
        home.tokenferry(["refresh"]).run().await.succeeds();
    }
    for (name, ..) in &pairs {
        let removed = report(home.tokenferry(["destination", "remove", name])).await;
        assert_eq!(removed["copies"][0]["outcome"], "withdrawn", "{name}: {removed}");
    }
    for place in &places {
        let left = place.files().await;
        let secret = left.values().any(|(content, _)| String::from_utf8_lossy(content).contains("sk-ant-"));
        assert!(!secret, "{place:?} still holds a token: {:?}", left.keys());
    }
}

/// The files of a format are there, with their modes, and this token is in the first of them.
fn holds(name: &str, files: &Files, taker: &dyn Taker, token: &str) {
    for (number, file) in taker.files().iter().enumerate() {
        let (content, mode) = files.get(file.path).unwrap_or_else(|| panic!("{name}: no {}", file.path));
        assert_eq!(*mode, file.mode, "{name}: {}", file.path);
        let text = String::from_utf8_lossy(content);
        assert!(number > 0 || text.contains(token), "{name}: {} holds another token", file.path);
        assert!(!text.contains("sk-ant-ort"), "{name}: {} holds a refresh token", file.path);
    }
}
