//! Where it listens: on this machine alone, unless TLS or a proxy protects what passes.

use bed::{Home, Provider};
use reqwest::StatusCode;

use crate::scene::{Scene, started};

#[tokio::test]
async fn other_machines_come_by_tls_or_a_proxy_alone() {
    let home = Home::new();
    let fails = async |arguments: &[&str]| {
        let output = home.tokenferry(["serve", "--json"]).args(arguments).run().await.ends_with(1);
        let error = output.json()["error"].clone();
        assert!(!error["fix"].as_str().unwrap().is_empty(), "{error}");
        error["code"].as_str().unwrap().to_owned()
    };
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        assert_eq!(fails(&["--listen", listen]).await, "unprotected");
    }
    let said = home.tokenferry(["serve", "--listen", "0.0.0.0:0"]).run().await.ends_with(1).stderr;
    assert!(said.contains("can be reached from other machines") && said.contains("--tls-cert"), "{said}");
    assert_eq!(
        fails(&["--listen", "0.0.0.0:0", "--tls-cert", "/nowhere", "--tls-key", "/nowhere"]).await,
        "tls_unusable"
    );
    assert_eq!(
        fails(&["--listen", "192.0.2.1:0", "--behind-proxy", "--url", "https://x.example"]).await,
        "address_unusable"
    );
    let fresh = Home::new();
    let none = fresh.tokenferry(["serve", "--link", "--json"]).run().await.ends_with(1).json();
    assert_eq!(none["error"]["code"], "never_served");
}

#[tokio::test]
async fn tls_is_spoken_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "llm.example".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let (server, link) = started(&home, &["--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key]).await;
    let (page, secret) = link.split_once("/enter#").unwrap();
    assert!(page.starts_with("https://localhost:"), "{page}");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let post = client.post(format!("{page}/session")).json(&serde_json::json!({"key": secret}));
    let entered = post.send().await.unwrap();
    assert_eq!(entered.status(), StatusCode::OK);
    assert!(entered.headers()["set-cookie"].to_str().unwrap().contains("; Secure"));
    assert!(entered.headers().contains_key("strict-transport-security"));
    let named = client.get(format!("{page}/health")).header("host", "llm.example").send().await.unwrap();
    assert_eq!(named.status(), StatusCode::OK);
    let foreign = client.get(format!("{page}/health")).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::MISDIRECTED_REQUEST);
    // Nothing is said without TLS.
    let plain = client.get(page.replace("https://", "http://")).send().await;
    assert!(plain.is_err());
    server.signal(rustix::process::Signal::TERM);
    server.finish().await.succeeds();
}

#[tokio::test]
async fn a_proxys_address_is_what_people_use() {
    let arguments =
        ["--behind-proxy", "--url", "https://llm.example/auth", "--base-path", "/auth", "--host", "tokenferry"];
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let (server, link) = started(&home, &[&arguments[..], &["--listen", "127.0.0.1:4917"]].concat()).await;
    assert!(link.starts_with("https://llm.example/auth/enter#"), "{link}");
    let client = crate::scene::client();
    let asks = |host: &str| client.get("http://127.0.0.1:4917/auth/health").header("host", host).send();
    for (host, status) in [("llm.example", 200), ("tokenferry:4917", 200), ("evil.example", 421)] {
        assert_eq!(asks(host).await.unwrap().status(), status, "{host}");
    }
    let origin = |origin: &str| {
        let secret = link.split_once('#').unwrap().1;
        let post =
            client.post("http://127.0.0.1:4917/auth/session").header("host", "llm.example").header("origin", origin);
        post.json(&serde_json::json!({"key": secret})).send()
    };
    assert_eq!(origin("https://evil.example").await.unwrap().status(), StatusCode::FORBIDDEN);
    let entered = origin("https://llm.example").await.unwrap();
    assert_eq!(entered.status(), StatusCode::OK);
    assert!(entered.headers()["set-cookie"].to_str().unwrap().contains("Path=/auth; "));
    server.signal(rustix::process::Signal::TERM);
    server.finish().await.succeeds();
}

#[tokio::test]
async fn one_renews_and_the_other_answers_all_the_same() {
    let scene = Scene::signed_in().await;
    let mut second = scene.home.tokenferry(["serve", "--listen", "127.0.0.1:0"]).spawn();
    let said = second.says("Standing by").await;
    let page = said.split_whitespace().find_map(|word| word.split_once("/enter#")).unwrap().0.to_owned();
    assert_ne!(page, scene.url);
    let ready = scene.client.get(format!("{page}/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    second.signal(rustix::process::Signal::TERM);
    second.finish().await.succeeds();
    scene.ends().await;
}
