//! Behind a proxy, as `setup/server/nginx.conf` has it: the real nginx with TLS, LiteLLM's stand-in at its root, and the
//! server below a path. Of the file nothing is changed but addresses. Traefik can't be had here, so its file is only read.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use bed::programs::Running;
use bed::steps::eventually;
use bed::{Home, Provider};
use reqwest::header::{HOST, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::scene::{Person, Scene, problem};

/// The name that the files have.
const NAME: &str = "llm.example";
const NGINX: &str = include_str!("../../setup/server/nginx.conf");
const TRAEFIK: &str = include_str!("../../setup/server/traefik.yaml");

/// Far less than what is held back waits for.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_person_and_a_program_come_through_nginx() {
    let place = Place::new(NGINX).await;
    let scene = &place.scene;

    // LiteLLM has its root, and hears which name was asked for.
    let litellm = scene.client.get(format!("{}/", place.origin)).send().await.unwrap();
    assert!(litellm.headers().contains_key("strict-transport-security"));
    assert_eq!(litellm.text().await.unwrap(), format!("LiteLLM at {}", &place.origin["https://".len()..]));

    // A person is led to the door, and comes in by the link.
    let led = async |path: &str| {
        let answer = scene.client.get(format!("{}{path}", place.origin)).send().await.unwrap();
        answer.headers()[LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!((led("/auth").await.as_str(), led("/auth/").await.as_str()), ("/auth/", "/auth/enter"));
    assert_eq!(scene.url, format!("{}/auth", place.origin), "the link is right for a browser");
    let person = place.comes_in(&scene.key).await;
    let page = person.looks(scene.asks("GET", "/")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));

    // A sign-in by pasting.
    let asks = |method: &str, path: &str| {
        person.changes(scene.asks(method, &format!("/auth/claude/oauth{path}"))).header(ORIGIN, &place.origin)
    };
    let started: Value = asks("GET", "/start").send().await.unwrap().json().await.unwrap();
    let code = scene.provider.code_to_paste(started["authorization_url"].as_str().unwrap()).await;
    let body = json!({"code": code, "state": started["state"]});
    assert_eq!(asks("POST", "/exchange").json(&body).send().await.unwrap().status(), StatusCode::OK);

    // What changes something needs the page's own word.
    let refresh = || person.looks(scene.asks("POST", "/auth/claude/oauth/refresh")).header(ORIGIN, &place.origin);
    problem(refresh().send().await.unwrap(), 403, "no_csrf_token").await;
    let renewed = refresh().header("x-csrf-token", &person.csrf).send().await.unwrap();
    assert_eq!(renewed.status(), StatusCode::OK);
    let foreign =
        person.changes(scene.asks("POST", "/auth/claude/oauth/refresh")).header(ORIGIN, "https://evil.example");
    problem(foreign.send().await.unwrap(), 403, "foreign_origin").await;

    // LiteLLM's paths for programs, below the proxy's own root and below the page's.
    let key = scene.grant("litellm", &["--allow", "status"]).await;
    for path in ["/auth/claude/oauth/status", "/auth/auth/claude/oauth/status"] {
        let asked = scene.client.get(format!("{}{path}", place.origin)).bearer_auth(&key).send().await.unwrap();
        assert_eq!(asked.json::<Value>().await.unwrap()["authenticated"], true, "{path}");
    }

    // Another name that leads here is none of ours, and another link leads in.
    let misled = scene.asks("GET", "/health").header(HOST, "evil.example").send().await.unwrap();
    problem(misled, 421, "foreign_host").await;
    let printed = scene.home.tokenferry(["serve", "--link"]).run().await.succeeds().stdout;
    place.comes_in(printed.trim().strip_prefix(&format!("{}/enter#", scene.url)).expect("the proxy's address")).await;
    place.ends().await;
}

#[tokio::test]
async fn what_happens_is_told_at_once_through_nginx() {
    let place = Place::new(NGINX).await;
    let person = place.comes_in(&place.scene.key).await;
    let mut live = place.follows(&person).await;
    told(&mut live, "\"accounts\":[]").await;
    bed::steps::sign_in(&place.scene.home).await;
    told(&mut live, "ada@practice.example").await;
    place.ends().await;

    // Without its word nginx would hold back what it takes for a part of an answer.
    let place = Place::new(&without("    proxy_buffering off;\n")).await;
    let person = place.comes_in(&place.scene.key).await;
    let early =
        tokio::time::timeout(Duration::from_secs(1), async { place.follows(&person).await.chunk().await }).await;
    assert!(early.is_err(), "then there is no need to say it: {early:?}");
    place.ends().await;
}

#[tokio::test]
async fn a_proxy_that_hides_the_name_is_not_answered() {
    let place = Place::new(&without("    proxy_set_header Host $http_host;\n")).await;
    problem(place.scene.asks("GET", "/health").send().await.unwrap(), 421, "foreign_host").await;
    place.ends().await;
}

/// The file without a line of it.
fn without(line: &str) -> String {
    assert!(NGINX.contains(line), "{line}");
    NGINX.replace(line, "")
}

/// Its documents say: of two rules that fit, the longer goes first; the name that was asked for is passed on; events are
/// passed on at once.
#[test]
fn traefiks_file_is_whole() {
    let file: Value = serde_saphyr::from_str(TRAEFIK).expect("YAML");
    let http = &file["http"];
    for (name, port, root) in [("litellm", 4000, true), ("tokenferry", 4001, false)] {
        let router = &http["routers"][name];
        let rule = router["rule"].as_str().unwrap();
        assert!(rule.starts_with(&format!("Host(`{NAME}`)")), "{rule}");
        assert_eq!(rule == format!("Host(`{NAME}`)"), root, "{rule}");
        assert!(root || rule.contains("Path(`/auth`)") && rule.contains("PathPrefix(`/auth/`)"), "{rule}");
        assert!(router["tls"].is_object(), "{router}");
        for middleware in router["middlewares"].as_array().unwrap() {
            assert!(http["middlewares"][middleware.as_str().unwrap()].is_object(), "{middleware}");
        }
        let service = router["service"].as_str().unwrap();
        let server = &http["services"][service]["loadBalancer"]["servers"][0]["url"];
        assert_eq!(server, &json!(format!("http://{name}:{port}")));
        assert!(NGINX.contains(&format!("server {name}:{port};")), "both files are of the same place");
    }
}

/// Reads on until this was told.
async fn told(live: &mut Response, text: &str) {
    let begun = Instant::now();
    let mut told = String::new();
    while !told.contains(text) {
        let left = AT_ONCE.saturating_sub(begun.elapsed());
        let more = tokio::time::timeout(left, live.chunk()).await;
        let more = more.unwrap_or_else(|_| panic!("{text:?} was not told at once, but this:\n{told}"));
        told.push_str(&String::from_utf8_lossy(&more.expect("it goes on").expect("it goes on")));
    }
}

/// A proxy, what is behind it, and a client that finds it under its name.
struct Place {
    scene: Scene,
    nginx: Running,
    /// Such as `https://llm.example:40123`.
    origin: String,
    litellm: tokio::task::JoinHandle<()>,
}

impl Place {
    /// By this file.
    async fn new(nginx: &str) -> Self {
        let provider = Provider::start();
        let home = Home::new().provider(&provider);
        let [outside, inside] = [free_port(), free_port()];
        let (beside, litellm) = litellm().await;
        let certificate = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let folder = home.path().join("nginx");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), certificate.signing_key.serialize_pem()).unwrap();
        let changes = [
            ("listen 443 ssl;", format!("listen 127.0.0.1:{outside} ssl;")),
            ("/etc/nginx/tls/", format!("{}/", folder.display())),
            ("server litellm:4000;", format!("server {beside};")),
            ("server tokenferry:4001;", format!("server 127.0.0.1:{inside};")),
        ];
        let site = changes.iter().fold(nginx.to_owned(), |site, (from, to)| {
            assert!(site.contains(from), "{from:?} should be in\n{site}");
            site.replace(from, to)
        });
        let nginx = serve_site(&home, &folder, &site).await;

        let origin = format!("https://{NAME}:{outside}");
        let (listen, url) = (format!("127.0.0.1:{inside}"), format!("{origin}/auth"));
        let words = ["--listen", &listen, "--behind-proxy", "--url", &url, "--base-path", "/auth"];
        let mut scene = Scene::over(provider, home, &words).await;
        let trusted = reqwest::Certificate::from_pem(certificate.cert.pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([trusted]).redirect(reqwest::redirect::Policy::none());
        scene.client = client.resolve(NAME, SocketAddr::from(([127, 0, 0, 1], outside))).build().unwrap();
        let place = Self { scene, nginx, origin, litellm };
        eventually("nginx answers", async || place.scene.asks("GET", "/health/ready").send().await.is_ok()).await;
        place
    }

    /// By a link's key, as a browser shows it.
    async fn comes_in(&self, key: &str) -> Person {
        let enter = self.scene.asks("POST", "/session").header(ORIGIN, &self.origin).json(&json!({"key": key}));
        let entered = enter.header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert_eq!(entered.status(), StatusCode::OK);
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        for word in ["; Path=/auth; ", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
            assert!(cookie.contains(word), "{word:?} is not in {cookie}");
        }
        let csrf = entered.json::<Value>().await.unwrap()["csrf_token"].as_str().unwrap().to_owned();
        Person { cookie: cookie.split(';').next().unwrap().to_owned(), csrf }
    }

    /// Follows what the page is told.
    async fn follows(&self, person: &Person) -> Response {
        let asked = person.looks(self.scene.asks("GET", "/api/live")).send();
        let live = tokio::time::timeout(AT_ONCE, asked).await.expect("it should begin at once").unwrap();
        assert_eq!(live.headers()["content-type"], "text/event-stream");
        live
    }

    async fn ends(self) {
        self.nginx.signal(Signal::TERM);
        self.nginx.finish().await.succeeds();
        self.litellm.abort();
        self.scene.ends().await;
    }
}

/// The real nginx with this site, as one process that ends with the test; it has nothing of the system's.
async fn serve_site(home: &Home, folder: &Path, site: &str) -> Running {
    let all = format!(
        "daemon off; master_process off; pid {here}/pid; error_log stderr info;\nevents {{}}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi; \
         uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;\n{site}}}\n",
        here = folder.display()
    );
    let configuration = folder.join("nginx.conf");
    std::fs::write(&configuration, all).unwrap();
    let mut places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].into_iter();
    let program = places.find(|path| Path::new(path).exists());
    let program = program.expect("nginx is missing. Run `setup/install proxy`.");
    let nginx = home.program(program, ["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(configuration);
    nginx.spawn()
}

/// What plays LiteLLM: it says which name it was asked under.
async fn litellm() -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let told = async |headers: axum::http::HeaderMap| {
        format!("LiteLLM at {}", headers[HOST.as_str()].to_str().unwrap_or_default())
    };
    let app = Router::new().fallback(told);
    (at, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

/// One that nobody has now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
