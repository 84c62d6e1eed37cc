use super::*;

fn wish(version: &str, tokens: Tokens) -> Wish {
    Wish {
        version: version.parse().unwrap(),
        models: vec!["claude-opus-5-5".parse().unwrap()],
        tokens,
        port: 4000,
        key: MasterKey::of(&[7; 32]),
        image: None,
    }
}

fn folder() -> Tokens {
    Tokens::Delivered(Source::Folder("/home/ada/claude-token".parse().unwrap()))
}

fn volume() -> Tokens {
    let (name, mount) = ("shop_claude-token".parse().unwrap(), "/claude".parse().unwrap());
    Tokens::Delivered(Source::Volume { name, mount })
}

fn file(setup: &Setup, name: &str) -> Option<String> {
    setup.files.iter().find(|file| file.name == name).map(|file| file.text.expose().to_owned())
}

#[test]
fn a_volume_is_read_for_each_request() {
    let setup = setup(&wish("1.109.1", volume()));
    let config = r#"model_list:
  - model_name: "claude-opus-5-5"
    litellm_params:
      model: "anthropic/claude-opus-5-5"
      api_key: "oidc/file//claude/access_token"
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"#;
    assert_eq!(file(&setup, "config.yaml").unwrap(), config);
    let compose = r#"services:
  litellm:
    image: "ghcr.io/berriai/litellm:v1.109.1"
    command: ["--config", "/config/config.yaml", "--host", "0.0.0.0", "--port", "4000"]
    env_file: litellm.env
    ports:
      - "127.0.0.1:4000:4000"
    restart: unless-stopped
    volumes:
      - ./config.yaml:/config/config.yaml:ro
      - claude-token:/claude:ro
volumes:
  claude-token:
    external: true
    name: shop_claude-token
"#;
    assert_eq!(file(&setup, "compose.yaml").unwrap(), compose);
    let environment = "LITELLM_MASTER_KEY=sk-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc
LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS=/claude
";
    assert_eq!(file(&setup, "litellm.env").unwrap(), environment);
    assert_eq!(file(&setup, "tokenferry_token.py"), None);
    assert_eq!((setup.on_this_machine, setup.warnings), (None, vec![]));
}

#[test]
fn the_older_gets_the_callback() {
    let setup = setup(&wish("1.106.2", folder()));
    let config = r#"model_list:
  - model_name: "claude-opus-5-5"
    litellm_params:
      model: "anthropic/claude-opus-5-5"
      api_key: "tokenferry/file//home/ada/claude-token/access_token"
litellm_settings:
  callbacks: tokenferry_token.token
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"#;
    assert_eq!(file(&setup, "config.yaml").unwrap(), config);
    let callback = file(&setup, "tokenferry_token.py").unwrap();
    assert!(callback.contains("\nPREFIX = \"tokenferry/file/\"\n") && callback.contains("\ntoken = "), "{callback}");
    let compose = file(&setup, "compose.yaml").unwrap();
    assert!(compose.contains("- ./tokenferry_token.py:/config/tokenferry_token.py:ro\n"), "{compose}");
    assert!(compose.ends_with("- /home/ada/claude-token:/home/ada/claude-token:ro\n"), "{compose}");
    let line = "sh -c 'set -a && . ./litellm.env && exec litellm --config config.yaml --host 127.0.0.1 --port 4000'\n";
    assert_eq!(setup.on_this_machine.unwrap(), line);
}

#[test]
fn each_client_may_bring_its_own() {
    for version in ["1.109.1", "1.106.2"] {
        let setup = setup(&wish(version, Tokens::Clients));
        let config = file(&setup, "config.yaml").unwrap();
        assert!(config.ends_with("  forward_client_headers_to_llm_api: true\n"), "{config}");
        assert!(!config.contains("api_key") && !config.contains("callbacks"), "{config}");
        assert!(!file(&setup, "compose.yaml").unwrap().contains("claude-token"));
        assert_eq!(setup.files.len(), 3);
        assert_eq!(setup.warnings, vec![Warning::PassThrough]);
    }
}

#[test]
fn who_gets_a_token_is_told() {
    let mut wish = wish("1.109.1", folder());
    wish.models.push("claude-haiku-5-5=https://gateway.example/anthropic".parse().unwrap());
    let setup = setup(&wish);
    assert!(file(&setup, "config.yaml").unwrap().contains("      api_base: \"https://gateway.example/anthropic\"\n"));
    let [warning] = setup.warnings.as_slice() else { panic!("{:?}", setup.warnings) };
    let told = serde_json::to_value(warning).unwrap();
    assert_eq!(told["code"], "foreign_api_base");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("claude-haiku-5-5") && message.contains("gateway.example"), "{message}");
}

#[test]
fn the_key_is_in_one_file_alone() {
    let wish = wish("1.109.1", folder());
    let setup = setup(&wish);
    let key = wish.key.expose();
    let holders: Vec<_> = setup.files.iter().filter(|file| file.text.expose().contains(key)).collect();
    assert!(matches!(holders.as_slice(), [SetupFile { name: "litellm.env", mode: 0o600, .. }]), "{holders:?}");
    let rest = format!("{setup:?}");
    assert!(!rest.contains(key), "{rest}");
}
