//! The file of the fork of LiteLLM that older documents describe, which is in no registry: by its words alone.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::scene::Scene;

#[tokio::test]
async fn its_file_has_the_names_the_seconds_and_the_mode() {
    let scene = Scene::new().await;
    let token = scene.token().await;
    scene.approve("litellm-tokens").await;
    scene.deliver().await;
    let path = scene.folder.join("claude_tokens.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let names: BTreeSet<_> = file.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["accessToken", "refreshToken", "expiresAt", "scopes", "isMax"]));
    // In milliseconds this would be some ten thousand years from now.
    let ends = Timestamp::from_second(file["expiresAt"].as_i64().unwrap()).unwrap();
    let left = ends.duration_since(Timestamp::now());
    assert!(left > SignedDuration::from_hours(7) && left < SignedDuration::from_hours(9), "{left:?}");
    assert_eq!(file["accessToken"], token.text.as_str());
    assert_eq!(file["refreshToken"], "", "that one leaves the vault for nobody");
    assert!(file["scopes"].as_array().unwrap().iter().any(|scope| scope == "user:inference"));
    assert_eq!(file["isMax"], true);
}
