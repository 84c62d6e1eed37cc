//! `engine list`, and engines by name: what there is, what it is, and what is wrong with it.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use bed::{Dockerd, Home, Podman, SshHost, TestEngine};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Writes a context below a home, as `docker context create` does.
pub(crate) fn context(config: &std::path::Path, name: &str, host: &str) {
    let hash: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = config.join("contexts/meta").join(hash);
    std::fs::create_dir_all(&folder).unwrap();
    let meta = json!({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}});
    std::fs::write(folder.join("meta.json"), meta.to_string()).unwrap();
}

fn named<'a>(told: &'a Value, name: &str) -> &'a Value {
    let engines = told["engines"].as_array().expect("a list");
    engines.iter().find(|engine| engine["name"] == name).unwrap_or_else(|| panic!("{name} is not in {told:#}"))
}

#[tokio::test]
async fn every_engine_is_listed_and_one_that_hangs_holds_up_nobody() {
    let (near, podman) = (TestEngine::get(), Podman::start().await);
    let far = Dockerd::start().await;
    let host = SshHost::start(&far).await;
    let home = Home::new()
        .unset("DOCKER_HOST")
        .set("XDG_RUNTIME_DIR", podman.runtime())
        .set("PATH", host.path())
        .set("DOCKER_CONTEXT", "near");
    let user = home.path().join("user");
    let config = user.join(".docker");
    context(&config, "near", near.host());
    context(&config, "far", &host.address());
    context(&config, "gone", "unix:///nowhere/docker.sock");
    context(&config, "nobody", "ssh://127.0.0.1:9");
    let silent = user.join(".orbstack/run/docker.sock");
    std::fs::create_dir_all(silent.parent().unwrap()).unwrap();
    let _silent = UnixListener::bind(silent).unwrap();

    let begun = Instant::now();
    let told = home.tokenferry(["engine", "list", "--json"]).run().await.succeeds().json();
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?} {told:#}", begun.elapsed());
    assert_eq!(told["problem"], Value::Null);
    let version = |engine: &Value| engine["version"].as_str().unwrap().to_owned();
    let engine = named(&told, "near");
    assert_eq!((&engine["kind"], &engine["used_by_docker"]), (&json!("docker"), &json!(true)));
    assert_eq!(engine["address"], near.host());
    let engine = named(&told, "far");
    assert_eq!((&engine["kind"], &engine["used_by_docker"]), (&json!("docker"), &json!(false)), "{engine:#}");
    assert_eq!((version(engine), &engine["address"]), (version(named(&told, "near")), &json!(host.address())));
    assert_eq!(named(&told, "podman")["kind"], "podman");
    for (name, code) in [("gone", "engine_not_running"), ("nobody", "ssh_unreachable"), ("orbstack", "engine_hangs")] {
        let engine = named(&told, name);
        assert_eq!((&engine["kind"], &engine["problem"]["code"]), (&Value::Null, &json!(code)), "{engine:#}");
    }
    let words = home.tokenferry(["engine", "list"]).run().await.succeeds().stdout;
    assert!(words.contains("near") && words.contains("which docker uses"), "{words}");
    assert!(words.contains("podman 4") || words.contains("podman 5"), "{words}");
}

#[tokio::test]
async fn a_destination_is_delivered_to_by_the_name_of_the_program() {
    let provider = bed::Provider::start();
    let podman = Podman::start().await;
    let volume = podman.volume().await;
    let home = Home::new().provider(&provider).set("XDG_RUNTIME_DIR", podman.runtime());
    home.tokenferry(["login"]).run().await.succeeds();
    let add = ["destination", "add", "web", "--volume", volume.name(), "--engine", "podman"];
    home.tokenferry(add).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    let (contents, rights) = podman.read(volume.name(), ".credentials.json").unwrap();
    let token = home.tokenferry(["token"]).prints_a_secret().run().await.succeeds().stdout;
    assert!(String::from_utf8(contents).unwrap().contains(token.trim()));
    assert_eq!(rights, (0, 0, 0o600));
    home.tokenferry(["logout"]).run().await.succeeds();
    assert_eq!(podman.read(volume.name(), ".credentials.json"), None, "every copy is taken away");
}

#[tokio::test]
async fn a_name_that_is_none_says_what_there_is() {
    let home = Home::new().unset("DOCKER_HOST").unset("XDG_RUNTIME_DIR");
    context(&home.path().join("user/.docker"), "office", "unix:///office.sock");
    let add = async |engine: &str| {
        let add = ["destination", "add", "web", "--volume", "v", "--engine", engine, "--json"];
        home.tokenferry(add).run().await.ends_with(1).json()["error"].clone()
    };
    let error = add("offise").await;
    assert_eq!(error["code"], "context_unknown");
    assert!(error["fix"].as_str().unwrap().contains("office"), "{error}");
    let error = add("colima").await;
    assert_eq!(error["code"], "engine_socket_missing");
    assert!(error["message"].as_str().unwrap().contains("/.colima/default/docker.sock"), "{error}");
}
