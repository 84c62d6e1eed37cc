//! A row of LiteLLM's table that is kept fresh by the program: made, filled, renewed, listed, and deleted at sign-out.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use bed::steps::{destination, sign_in, token};
use bed::{Cluster, Home, Provider};
use fernet::Fernet;

fn key() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    BASE64_URL_SAFE.encode(bytes)
}

fn stored(cluster: &Cluster, key: &str) -> Option<String> {
    let row = cluster.sql(r#"SELECT access_token_encrypted FROM "LiteLLM_ClaudeOAuthTokens" WHERE user_id = 'ada'"#);
    let encrypted = row.trim();
    (!encrypted.is_empty()).then(|| String::from_utf8(Fernet::new(key).unwrap().decrypt(encrypted).unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_kept_fresh() {
    let (provider, cluster, key) = (Provider::start(), Cluster::start(), key());
    cluster.sql(r#"INSERT INTO "LiteLLM_UserTable" VALUES ('ada')"#);
    let url = cluster.by_socket();
    // From a file, as secrets of containers come.
    let home = Home::new().provider(&provider);
    let file = home.path().join("key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    let home = home.set("CLAUDE_TOKEN_ENCRYPTION_KEY_FILE", file);
    sign_in(&home).await;
    let made = home.tokenferry(["postgres", "init", &url]).run().await.succeeds().stderr;
    let again = home.tokenferry(["postgres", "init", &url]).run().await.succeeds().stderr;
    assert_ne!(made, again, "the second time there is nothing to do");
    let add = ["destination", "add", "row", "--postgres", &url, "--user-id", "ada", "--yes"];
    home.tokenferry(add).run().await.succeeds();
    for _ in 0..2 {
        home.tokenferry(["sync"]).run().await.succeeds();
        assert_eq!(stored(&cluster, &key), Some(token(&home).await));
        assert_eq!(destination(&home, "row").await["code"], "up_to_date");
        home.tokenferry(["refresh"]).run().await.succeeds();
    }
    let listed = home.tokenferry(["postgres", "list", &url, "--ending-within", "10000h"]).run().await.succeeds().stdout;
    assert!(listed.starts_with("ada  "), "{listed}");
    let by_name =
        home.tokenferry(["postgres", "list", "row", "--ending-within", "10000h"]).run().await.succeeds().stdout;
    assert_eq!(by_name, listed);
    let said = home.tokenferry(["postgres", "list", "another"]).run().await.ends_with(1).stderr;
    assert!(said.contains("another"), "{said}");
    home.tokenferry(["logout"]).run().await.succeeds();
    assert_eq!(stored(&cluster, &key), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_written_down() {
    let cluster = Cluster::start();
    let home = Home::new();
    let add = ["destination", "add", "row", "--postgres", &cluster.by_port(), "--user-id", "ada", "--yes"];
    let said = home.tokenferry(add).run().await.ends_with(1).stderr;
    assert!(said.contains(".pgpass"), "{said}");
}

#[tokio::test]
async fn a_password_is_not_repeated() {
    let home = Home::new();
    let mut said = String::new();
    for url in [
        "postgres://me:canary-word@127.0.0.1:1/it",
        "postgres://me:canary-word@@127.0.0.1/it",
        "password=canary-word =",
    ] {
        for words in [
            &["postgres", "list"][..],
            &["postgres", "init", "--json"],
            &["destination", "add", "row", "--user-id", "ada", "--postgres"],
        ] {
            let told = home.tokenferry(words.iter().chain([&url])).run().await;
            assert!(!told.status.success(), "{told}");
            said.extend([told.stdout, told.stderr]);
        }
    }
    // Somebody may have written one there by hand.
    for close in ["\"", ""] {
        let row = format!(
            "[[destination]]\nname = \"row\"\nuser-id = \"ada\"\npostgres = \"postgres://me:canary-word@@db/it{close}\n"
        );
        std::fs::write(home.path().join("state/config.toml"), row).unwrap();
        for words in [&["status"][..], &["status", "--json"], &["sync"], &["doctor"]] {
            let told = home.tokenferry(words).run().await;
            assert!([&told.stdout, &told.stderr].iter().any(|text| text.contains("line 4")), "{told}");
            said.extend([told.stdout, told.stderr]);
        }
    }
    assert!(said.contains("%40") && !said.contains("canary-word"), "{said}");
}
