//! A server over a home of its own, and those who come: a person with a session, a program with a grant.

use std::path::PathBuf;
use std::time::Duration;

use bed::programs::Running;
use bed::{Home, Provider};
use practice::Options;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Everything happens on loopback; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    pub(crate) server: Running,
    /// Where it is, such as `http://127.0.0.1:40123`.
    pub(crate) url: String,
    /// The key of the link that it printed.
    pub(crate) key: String,
    pub(crate) client: Client,
}

/// Somebody who came in.
pub(crate) struct Person {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Scene {
    /// Nobody is signed in.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default(), &[]).await
    }

    /// Somebody is signed in.
    pub(crate) async fn signed_in() -> Self {
        let scene = Self::new().await;
        bed::steps::sign_in(&scene.home).await;
        scene
    }

    /// Nobody is signed in, at such a provider; the server is started with these further arguments.
    pub(crate) async fn with(options: Options, arguments: &[&str]) -> Self {
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let home = Home::new().provider(&provider);
        Self::over(provider, home, arguments).await
    }

    /// Over a home that is there.
    pub(crate) async fn over(provider: Provider, home: Home, arguments: &[&str]) -> Self {
        let (server, link) = started(&home, arguments).await;
        let (page, key) = link.split_once("/enter#").expect("a link");
        Self { url: page.to_owned(), key: key.to_owned(), client: client(), provider, home, server }
    }

    /// Asks, as nobody.
    pub(crate) fn asks(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Makes a grant for this, and gives its key.
    pub(crate) async fn grant(&self, name: &str, arguments: &[&str]) -> String {
        let add = self.home.tokenferry(["grant", "add", name, "--yes"]).args(arguments);
        let printed = add.prints_a_secret().run().await.succeeds().stdout;
        let key = printed.strip_suffix('\n').expect("one line").to_owned();
        assert!(key.starts_with("tfg_") && key.len() == 64, "{key}");
        self.until_known(&key).await;
        key
    }

    /// The server hears of a new grant a moment later.
    async fn until_known(&self, key: &str) {
        let path = "/auth/claude/oauth/status";
        bed::steps::eventually("the grant is known", async || {
            let status = self.asks("GET", path).bearer_auth(key).send().await.unwrap().status();
            // Who asks for what isn't there too often is told to wait.
            ![StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&status)
        })
        .await;
    }

    /// Comes in by the link that the server printed.
    pub(crate) async fn person(&self) -> Person {
        let entered = self.enters(&self.key).await;
        assert_eq!(entered.status(), StatusCode::OK);
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let csrf = entered.json::<Value>().await.unwrap()["csrf_token"].as_str().unwrap().to_owned();
        Person { cookie, csrf }
    }

    /// Shows a link's key.
    pub(crate) async fn enters(&self, key: &str) -> Response {
        self.asks("POST", "/session").json(&json!({"key": key})).send().await.unwrap()
    }

    /// Ends the server, which has nothing to complain of.
    pub(crate) async fn ends(self) -> Home {
        self.server.signal(Signal::TERM);
        self.server.finish().await.succeeds();
        self.home
    }
}

impl Person {
    /// Looks at something.
    pub(crate) fn looks(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(COOKIE, &self.cookie)
    }

    /// Changes something, from the server's own page.
    pub(crate) fn changes(&self, request: RequestBuilder) -> RequestBuilder {
        self.looks(request).header("x-csrf-token", &self.csrf)
    }
}

/// Starts a server, and gives the link that it prints.
pub(crate) async fn started(home: &Home, arguments: &[&str]) -> (Running, String) {
    let serve = home.tokenferry(["serve"]).args(arguments);
    let serve = if arguments.contains(&"--listen") { serve } else { serve.args(["--listen", "127.0.0.1:0"]) };
    let mut server = serve.spawn();
    let said = server.says("Keeping everything fresh.").await;
    let link = said.split_whitespace().find(|word| word.contains("/enter#")).expect("a link").to_owned();
    (server, link)
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    client.build().expect("a client should build")
}

/// A file that holds this key, in the home's folder.
pub(crate) fn grant_file(home: &Home, key: &str) -> PathBuf {
    let file = home.path().join("grant");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    file
}

/// The answer's JSON, where it is such a problem.
pub(crate) async fn problem(answer: Response, status: u16, code: &str) -> Value {
    let (found, kind) = (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap().to_owned());
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{problem:#}");
    assert_eq!(kind, "application/problem+json");
    assert_eq!(problem["type"], format!("urn:tokenferry:{code}"));
    assert!(problem["detail"].as_str().is_some_and(|it| !it.is_empty()), "{problem:#}");
    problem
}
