//! Others than Anthropic's own programs get a token after somebody agreed, once.

use bed::steps::sign_in;
use bed::{Home, Provider};

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_asked_for_once() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let add = |name: &str, format: &str| {
        home.tokenferry(["destination", "add", name, "--directory", folder, "--format", format])
    };
    let said = add("proxy", "token-file").run().await.ends_with(1).stderr;
    assert!(said.contains("terms") && said.contains("--yes"), "{said}");
    add("official", "claude-code").run().await.succeeds();
    add("proxy", "token-file").arg("--yes").run().await.succeeds();
    add("again", "json").run().await.succeeds();
}
