//! Tokenferry beside LiteLLM, as `setup/server/compose.litellm.yaml` has them. Tokenferry's own service is run; the
//! images of the others can't be had without pulling, so of them it is looked at what compose understands, and
//! `tests/takers` shows the real LiteLLM with such a volume and such a configuration.

use std::os::unix::fs::PermissionsExt as _;

use bed::dockerd::Dockerd;
use bed::steps::eventually;
use bed::{Home, Provider};
use engine::snippets::litellm::{MasterKey, Source, Tokens, Wish, setup};
use serde_json::{Value, json};

use crate::compose::Project;
use crate::made::{self, file};

const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

#[tokio::test]
async fn the_token_is_in_the_volume_that_litellm_has() {
    let (engine, provider) = (Dockerd::start().await, Provider::start());
    let home = Home::new().engine(&engine);
    made::import_whole(&engine).await;
    let key = home.path().join("tokenferry.key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    // Its owner is whoever runs the test, and in the container nobody has root's powers.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o444)).unwrap();
    // The provider is on this machine's loopback, the key not in the usual place, and a test in a hurry.
    let here = json!({
        "services": {"tokenferry": {
            "network_mode": "host",
            "environment": {"TOKENFERRY_PROVIDER": provider.url()},
            "healthcheck": {"interval": "1s"},
        }},
        "secrets": {"tokenferry-key": {"file": key}},
    });
    let project = Project::new(&home, "compose.litellm.yaml", &here);
    std::fs::write(project.folder().join("litellm.env"), "LITELLM_MASTER_KEY=sk-of-nobody\n").unwrap();
    project.tell(&home, &["up", "--detach", "--no-build", "--no-deps", "tokenferry"]).run().await.succeeds();

    let tokenferry = |words: &[&str]| project.tokenferry(&home, words);
    let printed = tokenferry(&["login", "--paste"]).run().await.succeeds().stdout;
    let code = provider.code_to_paste(printed.trim()).await;
    tokenferry(&["callback"]).input(code).run().await.succeeds();
    let add = ["destination", "add", "litellm", "--directory", "/claude-token", "--format", "token-file", "--yes"];
    tokenferry(&add).run().await.succeeds();
    let volume = engine.volume_named("server_claude-token").await;
    for _ in 0..2 {
        let token = bed::steps::printed_token(tokenferry(&["token"])).await;
        eventually("the token is in the volume", async || {
            volume.find("access_token").await.is_some_and(|found| found.contents() == token.as_bytes())
        })
        .await;
        // LiteLLM's image runs as root.
        assert_eq!(volume.read("access_token").await.rights(), (0, 0, 0o600));
        tokenferry(&["refresh"]).run().await.succeeds();
    }

    let id = project.tell(&home, &["ps", "--quiet", "tokenferry"]).run().await.succeeds().stdout;
    eventually("its check finds it well", async || {
        let container = engine.docker().inspect_container(id.trim(), None).await.expect("it should be there");
        let health = container.state.and_then(|state| state.health).expect("it has a check");
        health.status.is_some_and(|status| status.to_string() == "healthy")
    })
    .await;
    project.tell(&home, &["down", "--volumes"]).run().await.succeeds();
}

#[tokio::test]
async fn compose_understands_the_whole() {
    let home = Home::new();
    let project = Project::new(&home, "compose.litellm.yaml", &json!({"services": {"tokenferry": {}}}));
    std::fs::write(project.folder().join("litellm.env"), "LITELLM_MASTER_KEY=sk-of-nobody\n").unwrap();
    let told = project.tell(&home, &["config"]).run().await.succeeds().stdout;
    let all: Value = serde_saphyr::from_str(&told).expect("YAML");
    let services = all["services"].as_object().expect("services");
    assert_eq!(services.keys().collect::<Vec<_>>(), ["litellm", "nginx", "tokenferry"], "{told}");
    assert!(!services["tokenferry"].to_string().contains("docker.sock"), "{told}");
    // What nginx asks for is there under these names and ports, and nothing but nginx can be reached from outside.
    let nginx = file("nginx.conf");
    for name in ["litellm:4000", "tokenferry:4001"] {
        let (service, port) = name.split_once(':').expect("a port");
        assert!(nginx.contains(&format!("server {name};")), "{nginx}");
        assert!(services[service]["command"].to_string().contains(port), "{told}");
        assert!(services[service]["ports"].is_null(), "{told}");
    }
}

/// The files here are those that `tokenferry snippet litellm` writes for such a volume.
#[test]
fn litellm_is_set_up_as_the_snippet_says() {
    let (name, mount) = ("server_claude-token".parse().unwrap(), "/claude-token".parse().unwrap());
    let wish = Wish {
        version: "1.109.1".parse().unwrap(),
        models: vec!["claude-opus-5-5".parse().unwrap()],
        tokens: Tokens::Delivered(Source::Volume { name, mount }),
        port: 4000,
        key: MasterKey::of(&[7; 32]),
        image: None,
    };
    let setup = setup(&wish);
    let said = |name: &str| setup.files.iter().find(|file| file.name == name).expect("a file").text.expose();
    assert_eq!(file("litellm.yaml"), said("config.yaml"));
    let compose: Value = serde_saphyr::from_str(&file("compose.litellm.yaml")).unwrap();
    let litellm = &compose["services"]["litellm"];
    let folder = litellm["environment"]["LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS"].as_str().unwrap();
    assert!(said("litellm.env").contains(&format!("LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS={folder}\n")));
    assert!(said("compose.yaml").contains(litellm["image"].as_str().unwrap()), "{litellm}");
}
