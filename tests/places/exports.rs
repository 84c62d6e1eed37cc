//! `export`: to standard output, for shells and others; and a whole sign-in handed over for good.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bed::steps::{account, sign_in, token};
use bed::{Home, Provider, Tokenferry};
use engine::formats::ALL;
use jiff::Timestamp;
use practice::{Endpoint, Fault, Trouble};
use serde_json::Value;

async fn scene() -> (Provider, Home) {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    (provider, home)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_printed() {
    let (_provider, home) = scene().await;
    let token = token(&home).await;
    for taker in ALL {
        let program = home.tokenferry(["export", taker.name(), "--yes"]).prints_a_secret();
        let printed = program.run().await.succeeds().stdout;
        assert!(printed.contains(&token), "{}", taker.name());
        assert!(!printed.contains("sk-ant-ort"), "{} has a refresh token", taker.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_takes_it_in() {
    let (_provider, home) = scene().await;
    let lines = home.tokenferry(["export", "sh", "--yes"]).prints_a_secret().run().await.succeeds().stdout;
    let script = r#"eval "$LINES_OF_IT"; printf %s "$CLAUDE_CODE_OAUTH_TOKEN""#;
    let output = Command::new("sh").args(["-c", script]).env("LINES_OF_IT", lines).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), token(&home).await);
    let line = home.tokenferry(["export", "github-actions"]).run().await.ends_with(1).stderr;
    assert!(line.contains("--one-year"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_handed_over_for_good() {
    let (_provider, home) = scene().await;
    let file = home.path().join("handed-over.json");
    let export = |to: &str| home.tokenferry(["export", "claude-code", "--with-refresh-token", "--yes", "--to", to]);
    let taken = home.path().join("taken");
    std::fs::write(&taken, "mine").unwrap();
    export(taken.to_str().unwrap()).run().await.ends_with(1);
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    assert_eq!(account(&home, "default").await["code"], "fresh", "it is used on");
    export(file.to_str().unwrap()).run().await.succeeds();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let given: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(given["claudeAiOauth"]["refreshToken"].as_str().unwrap().starts_with("sk-ant-ort"));
    assert!(account(&home, "default").await.is_null(), "it is forgotten here");
    // Its new owner can use it: it was not ended.
    let import = home.tokenferry(["import", "--move", "--yes", "--from", file.to_str().unwrap()]);
    import.run().await.succeeds();
}

/// Signed in, with an access token that has ended, and whatever is renewed from now on lives for hours.
async fn with_an_ended_token() -> (Provider, Home) {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let lifetime = |seconds| provider.set(|it| it.access_token_lifetime = Duration::from_secs(seconds));
    lifetime(1);
    sign_in(&home).await;
    lifetime(8 * 3600);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    (provider, home)
}

fn hand_over(home: &Home, to: &Path) -> Tokenferry {
    let export = home.tokenferry(["export", "claude-code", "--with-refresh-token", "--yes"]);
    export.args(["--to", to.to_str().unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_renewed_before_it_is_handed_over() {
    for answers in [true, false] {
        let (provider, home) = with_an_ended_token().await;
        if !answers {
            provider.fault(Fault::at(Endpoint::Refresh, Trouble::Status { status: 503, retry_after: None }));
        }
        let file = home.path().join("handed-over.json");
        // Its new owner can renew it as well as we: it goes out either way.
        hand_over(&home, &file).run().await.succeeds();
        let given: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let ends = given["claudeAiOauth"]["expiresAt"].as_i64().unwrap();
        assert_eq!(ends > Timestamp::now().as_millisecond(), answers, "it ends at {ends}");
        assert_eq!(provider.record().count(Endpoint::Refresh), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_handed_to_nobody() {
    let (provider, home) = with_an_ended_token().await;
    let no = Trouble::OAuthError { status: 400, error: "invalid_grant".to_owned(), json: true };
    provider.fault(Fault::at(Endpoint::Refresh, no));
    let file = home.path().join("handed-over.json");
    let said = hand_over(&home, &file).run().await.ends_with(4).stderr;
    assert!(said.contains("tokenferry login"), "{said}");
    assert!(!file.exists() && !account(&home, "default").await.is_null());
}

/// Run by a shell that has a `gh` which tells what it was given.
#[tokio::test(flavor = "multi_thread")]
async fn the_line_for_github_actions_gives_the_token_through_a_pipe() {
    let (_provider, home) = scene().await;
    home.tokenferry(["login", "--one-year", "--account", "ci"]).run().await.succeeds();
    let line = home.tokenferry(["export", "github-actions", "--account", "ci"]).run().await.succeeds().stdout;
    let gh = home.path().join("gh");
    std::fs::write(&gh, "#!/bin/sh\necho \"$@\"\ncat\n").unwrap();
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let built = bed::programs::built("tokenferry");
    let path =
        format!("{}:{}:{}", home.path().display(), built.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let shell = home.program("sh", ["-c", &line]).set("PATH", path).prints_a_secret();
    let given = shell.run().await.succeeds().stdout;
    let of_ci = home.tokenferry(["token", "--account", "ci"]).prints_a_secret().run().await.succeeds().stdout;
    assert!(!line.contains("sk-ant-"), "{line}");
    assert_eq!(given.split_once('\n'), Some(("secret set CLAUDE_CODE_OAUTH_TOKEN --app actions", of_ci.as_str())));
}
