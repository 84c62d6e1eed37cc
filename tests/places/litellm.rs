//! `snippet litellm`: for the destination that LiteLLM can read, with a key that nobody knows, and with its warnings.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bed::Home;

async fn add(home: &Home, name: &str, folder: &Path, format: &str) {
    let folder = folder.to_str().unwrap();
    let add = ["destination", "add", name, "--directory", folder, "--format", format, "--yes"];
    home.tokenferry(add).run().await.succeeds();
}

fn key(environment: &str) -> &str {
    environment.lines().find_map(|line| line.strip_prefix("LITELLM_MASTER_KEY=")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_files_are_saved_once() {
    let home = Home::new();
    let (tokens, config) = (home.path().join("tokens"), home.path().join("litellm"));
    fs::create_dir(&tokens).unwrap();
    let none = home.tokenferry(["snippet", "litellm"]).run().await.ends_with(1).stderr;
    assert!(none.contains("--format token-file"), "{none}");
    add(&home, "cli", &tokens, "claude-code").await;
    let odd = home.tokenferry(["snippet", "litellm", "cli"]).run().await.ends_with(1).stderr;
    assert!(odd.contains("claude-code") && odd.contains("token-file"), "{odd}");
    add(&home, "proxy", &tokens, "token-file").await;
    let save = || home.tokenferry(["snippet", "litellm", "--save", config.to_str().unwrap()]);
    let said = save().run().await.succeeds().stderr;
    assert!(said.contains("docker compose up"), "{said}");
    let yaml = fs::read_to_string(config.join("config.yaml")).unwrap();
    assert!(yaml.contains(&format!("oidc/file/{}/access_token", tokens.display())), "{yaml}");
    let environment = config.join("litellm.env");
    assert_eq!(environment.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read_to_string(&environment).unwrap();
    save().run().await.ends_with(1);
    assert_eq!(fs::read_to_string(&environment).unwrap(), before, "a key that is in use stays");
    let printed = home.tokenferry(["snippet", "litellm"]).prints_a_secret().run().await.succeeds().stdout;
    assert_ne!(key(&printed), key(&before), "each is made on the spot");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gives_a_secret_away_is_warned_of() {
    let home = Home::new();
    let folder = home.path().join("tokens");
    fs::create_dir(&folder).unwrap();
    add(&home, "proxy", &folder, "token-file").await;
    let model = "claude-opus-5-5=https://gateway.example";
    let elsewhere = home.tokenferry(["snippet", "litellm", "--model", model]).prints_a_secret();
    let said = elsewhere.run().await.succeeds().stderr;
    assert!(said.contains("gateway.example") && said.contains("not Anthropic"), "{said}");
    let own = home.tokenferry(["snippet", "litellm", "--own-tokens"]).prints_a_secret().run().await.succeeds();
    assert!(own.stdout.contains("forward_client_headers_to_llm_api"), "{}", own.stdout);
    assert!(own.stderr.contains("pass_through_endpoints"), "{}", own.stderr);
    let older = ["snippet", "litellm", "--litellm-version", "1.106.2"];
    let older = home.tokenferry(older).prints_a_secret().run().await.succeeds().stdout;
    assert!(older.contains("tokenferry_token.py") && !older.contains("oidc/file"), "{older}");
}
