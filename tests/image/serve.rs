//! `tokenferry serve` in a container of an imported image, with the engine's own socket and the key of its vault in a
//! secret's file: everything is done by the page, and by `exec`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bed::dockerd::Dockerd;
use bed::steps::{eventually, printed_token, token_in};
use bed::{Canary, Container, Home, Provider, Run, Tokenferry, Volume};
use bollard::query_parameters::{RestartContainerOptions, StopContainerOptions};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::made;
use crate::run::look_into;

const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
/// Where secrets of containers lie.
const SECRET: &str = "/run/secrets/tokenferry-key";
/// What is promised, from the wish to the end.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn it_signs_in_delivers_restarts_and_ends() {
    let server = Server::new().await;
    let container = server.starts(Some(&server.secret)).await;
    let log = container.prints("Keeping everything fresh.").await;
    let person = server.enters(&log).await;
    server.tokenferry(&container, &["serve", "--check", "--listen", &server.listen]).run().await.succeeds();

    person.signs_in(&server.provider).await;
    let volume = server.engine.volume().await;
    let add = ["destination", "add", "web", "--volume", volume.name()];
    server.tokenferry(&container, &add).run().await.succeeds();
    server.is_delivered(&container, &volume).await;
    let before = server.token(&container).await;

    server.engine.docker().restart_container(container.id(), None::<RestartContainerOptions>).await.unwrap();
    eventually("it is back", async || person.status().await == StatusCode::OK).await;
    assert_eq!(server.token(&container).await, before, "nobody was signed out");
    server.tokenferry(&container, &["refresh"]).run().await.succeeds();
    server.is_delivered(&container, &volume).await;
    assert_ne!(token_in(&volume).await, before);
    assert_eq!(server.provider.sign_ins().len(), 1, "nobody should have to sign in again");

    let link = server.tokenferry(&container, &["serve", "--link"]).prints_a_secret().run().await.succeeds().stdout;
    assert_eq!(server.enters(&link).await.status().await, StatusCode::OK);

    let begun = Instant::now();
    server.engine.docker().stop_container(container.id(), None::<StopContainerOptions>).await.unwrap();
    assert!(begun.elapsed() < ENDS_WITHIN, "it took {:?}", begun.elapsed());
    assert_eq!(container.inspect().await.state.and_then(|state| state.exit_code), Some(0));
    server.shows_no_secret(&container, &volume).await;
}

#[tokio::test]
async fn without_its_key_it_says_so_and_makes_no_other() {
    let server = Server::new().await;
    let missing = server.starts(None).await;
    assert_eq!(missing.wait().await, 1);
    let said = missing.logs().await;
    assert!(said.contains(SECRET) && said.contains("CLAUDE_TOKEN_ENCRYPTION_KEY_FILE"), "{said}");
    std::fs::write(&server.secret, "a passphrase\n").unwrap();
    let malformed = server.starts(Some(&server.secret)).await;
    assert_eq!(malformed.wait().await, 1);
    let said = malformed.logs().await;
    assert!(said.contains(SECRET) && said.contains("44 characters") && !said.contains("passphrase\n"), "{said}");
    assert_eq!(server.state.find("vault.key").await, None);
}

/// A machine with an engine of its own, and what a container on it needs.
struct Server {
    engine: Dockerd,
    provider: Provider,
    home: Home,
    image: String,
    state: Volume,
    secret: PathBuf,
    listen: String,
    client: Client,
}

impl Server {
    async fn new() -> Self {
        let (engine, provider) = (Dockerd::start().await, Provider::start());
        let home = Home::new().engine(&engine);
        let secret = home.path().join("tokenferry.key");
        std::fs::write(&secret, format!("{KEY}\n")).unwrap();
        // As engines have it: all of the container's own may read it.
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o444)).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let (image, state) = (made::import_whole(&engine).await, engine.volume().await);
        Self { engine, provider, home, image, state, secret, listen: free.to_string(), client }
    }

    async fn starts(&self, secret: Option<&PathBuf>) -> Container {
        let socket = PathBuf::from(self.engine.host().trim_start_matches("unix://"));
        let run = Run::command(["serve", "--listen", &self.listen])
            .image(&self.image)
            .mount(&self.state, "/state")
            .bind(&socket, "/var/run/docker.sock")
            .set("CLAUDE_TOKEN_ENCRYPTION_KEY_FILE", SECRET)
            .set("TOKENFERRY_PROVIDER", &self.provider.url());
        self.engine.run(secret.into_iter().fold(run, |run, file| run.bind(file, SECRET))).await
    }

    /// A command beside `serve`, in its container.
    fn tokenferry(&self, container: &Container, words: &[&str]) -> Tokenferry {
        self.home.program("docker", ["exec", container.id(), "tokenferry"]).args(words)
    }

    async fn token(&self, container: &Container) -> String {
        printed_token(self.tokenferry(container, &["token"])).await
    }

    /// The present token gets into the volume, and a container there is answered with it.
    async fn is_delivered(&self, container: &Container, volume: &Volume) {
        let token = self.token(container).await;
        eventually("the token is in the volume", async || {
            volume.find(".credentials.json").await.is_some() && token_in(volume).await == token
        })
        .await;
        let url = self.provider.url();
        let ask = Run::app(["ask", "--credentials", "/claude/.credentials.json", "--url", &url]);
        let app = self.engine.run(ask.mount(volume, "/claude")).await;
        assert_eq!(app.wait().await, 0, "{}", app.logs().await);
    }

    /// Comes in by the link that was printed last.
    async fn enters(&self, printed: &str) -> Person {
        let link = printed.split_whitespace().rfind(|word| word.contains("/enter#")).expect("a link");
        let (url, key) = link.split_once("/enter#").expect("a key");
        let entered = self.client.post(format!("{url}/session")).json(&json!({"key": key})).send().await.unwrap();
        assert_eq!(entered.status(), StatusCode::OK);
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let csrf = entered.json::<Value>().await.unwrap()["csrf_token"].as_str().unwrap().to_owned();
        Person { client: self.client.clone(), url: url.to_owned(), cookie, csrf }
    }

    /// Neither a token nor the vault's key lies in the state, or is known to the engine, or was printed.
    async fn shows_no_secret(&self, container: &Container, delivered: &Volume) {
        let mut canary = Canary::new(self.provider.secrets().into_iter().chain([KEY.to_owned()]));
        look_into(&mut canary, &self.state).await;
        assert!(self.state.find("vault").await.is_some() && self.state.find("vault.key").await.is_none());
        canary.look("what the engine knows", serde_json::to_string(&container.inspect().await).unwrap().as_bytes());
        canary.look("the log", container.logs().await.as_bytes());
        canary.assert_unseen();
        // Such a search finds what there is.
        look_into(&mut canary, delivered).await;
        assert_ne!(canary.sightings(), []);
    }
}

/// Somebody who came in.
struct Person {
    client: Client,
    url: String,
    cookie: String,
    csrf: String,
}

impl Person {
    async fn status(&self) -> StatusCode {
        let asked = self.client.get(format!("{}/status", self.url)).header(COOKIE, &self.cookie).send().await;
        asked.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
    }

    /// By pasting: the container has no browser.
    async fn signs_in(&self, provider: &Provider) {
        let asks = |request: reqwest::RequestBuilder| {
            request.header(COOKIE, &self.cookie).header("x-csrf-token", &self.csrf).send()
        };
        let oauth = format!("{}/auth/claude/oauth", self.url);
        let started: Value = asks(self.client.get(format!("{oauth}/start"))).await.unwrap().json().await.unwrap();
        let code = provider.code_to_paste(started["authorization_url"].as_str().unwrap()).await;
        let body = json!({"code": code, "state": started["state"]});
        let exchange = self.client.post(format!("{oauth}/exchange")).json(&body);
        assert_eq!(asks(exchange).await.unwrap().status(), StatusCode::OK);
    }
}
