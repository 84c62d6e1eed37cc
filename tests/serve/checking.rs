//! `serve --check`, by which a container's engine finds out whether the server in it is well.

use bed::{Home, Tokenferry};

use crate::scene::Scene;

/// Why it is not well.
async fn complains(check: Tokenferry) -> String {
    let error = check.arg("--json").run().await.ends_with(1).json()["error"].clone();
    error["code"].as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn a_server_is_well_ill_or_not_there() {
    let scene = Scene::new().await;
    let listen = scene.url.strip_prefix("http://").unwrap();
    let elsewhere = Home::new();
    let check = || elsewhere.tokenferry(["serve", "--check", "--listen", listen]);
    bed::steps::eventually("it is well", async || check().run().await.status.success()).await;
    assert_eq!(check().run().await.succeeds().stderr, "It is well.\n");
    assert!(!elsewhere.state().join("journal.db").exists(), "it needs no state of its own");

    let settings = scene.home.state().join("config.toml");
    std::fs::write(&settings, "no-such-setting = true").unwrap();
    assert_eq!(complains(check()).await, "not_ready");
    std::fs::remove_file(&settings).unwrap();
    check().run().await.succeeds();
    scene.ends().await;
    assert_eq!(
        complains(elsewhere.tokenferry(["serve", "--check", "--listen", "127.0.0.1:9"])).await,
        "server_unreachable"
    );
}

#[tokio::test]
async fn it_is_asked_with_the_words_that_started_it() {
    let made = rcgen::generate_simple_self_signed(["llm.example".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let proxy = ["--behind-proxy", "--url", "https://llm.example/auth", "--base-path", "/auth"];
    for words in [&tls[..], &proxy] {
        let listen = format!("0.0.0.0:{}", crate::proxy::free_port());
        let words = [&["--listen", &listen][..], words].concat();
        let home = Home::new();
        let (server, _) = crate::scene::started(&home, &words).await;
        home.tokenferry(["serve", "--check"]).args(words).run().await.succeeds();
        drop(server);
    }
}
