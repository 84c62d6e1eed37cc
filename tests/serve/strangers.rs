//! Those who shall not come in: other sites' pages, names bound to our address, guesses, floods, the slow and the silent.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scene::{Scene, problem};

/// Whoever sends no head is cut within this, and a machine's pause.
const CUT_WITHIN: Duration = Duration::from_secs(9);
/// After this, as many guesses are heard as in any other second.
const A_SECOND: Duration = Duration::from_secs(1);
/// An answer on loopback, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Speaks to the server as nobody's client would.
async fn raw(scene: &Scene) -> TcpStream {
    TcpStream::connect(scene.url.strip_prefix("http://").unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_name_bound_to_our_address_is_no_name_of_ours() {
    let scene = Scene::signed_in().await;
    let person = scene.person().await;
    let key = scene.grant("ci", &[]).await;
    for host in ["evil.example", "evil.example:4001", "127.0.0.1.evil.example", "10.0.0.1"] {
        let page = person.looks(scene.asks("GET", "/status")).header("host", host).send().await.unwrap();
        problem(page, 421, "foreign_host").await;
        let program = scene.asks("GET", "/v1/token").bearer_auth(&key).header("host", host).send().await.unwrap();
        problem(program, 421, "foreign_host").await;
        let open = scene.asks("GET", "/health").header("host", host).send().await.unwrap();
        problem(open, 421, "foreign_host").await;
    }
    let twice = scene.asks("GET", "/health").header("host", "localhost").header("host", "localhost");
    problem(twice.send().await.unwrap(), 421, "foreign_host").await;
    let mut none = raw(&scene).await;
    none.write_all(b"GET /health HTTP/1.1\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    none.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 421");
    scene.ends().await;
}

#[tokio::test]
async fn another_sites_page_has_no_say() {
    let scene = Scene::signed_in().await;
    let person = scene.person().await;
    let port = scene.url.rsplit_once(':').unwrap().1;
    let elsewhere = format!("http://localhost:{port}");
    for origin in ["https://evil.example", "http://127.0.0.1:8080", "null", &elsewhere] {
        let posted = person.changes(scene.asks("POST", "/auth/claude/oauth/refresh")).header("origin", origin);
        problem(posted.send().await.unwrap(), 403, "foreign_origin").await;
        let read = person.looks(scene.asks("GET", "/status")).header("origin", origin);
        let read = read.send().await.unwrap();
        assert!(!read.headers().contains_key("access-control-allow-origin"));
        problem(read, 403, "foreign_origin").await;
    }
    for site in ["cross-site", "same-site"] {
        let sent = person.changes(scene.asks("POST", "/auth/claude/oauth/refresh")).header("sec-fetch-site", site);
        problem(sent.send().await.unwrap(), 403, "foreign_origin").await;
    }
    // A form can't send JSON, nor what isn't said to be.
    let form = person.changes(scene.asks("POST", "/auth/claude/oauth/exchange"));
    let form = form.header("content-type", "text/plain").body(r#"{"code":"a","state":"b"}"#);
    problem(form.send().await.unwrap(), 415, "not_json").await;
    let own = person.changes(scene.asks("POST", "/auth/claude/oauth/refresh")).header("origin", &scene.url);
    assert_eq!(own.send().await.unwrap().status(), StatusCode::OK);
    scene.ends().await;
}

#[tokio::test]
async fn a_guess_is_refused_and_many_have_to_wait() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &[]).await;
    let asks = |key: &str| scene.asks("GET", "/v1/token").bearer_auth(key).send();
    let last = if key.ends_with('A') { "B" } else { "A" };
    let close = format!("{}{last}", &key[..key.len() - 1]);
    // Asking for the grant until it was known counts as well.
    tokio::time::sleep(A_SECOND).await;
    problem(asks(&close).await.unwrap(), 401, "no_grant").await;
    for guess in ["", "x", &key[4..], &key.to_uppercase()] {
        problem(asks(guess).await.unwrap(), 401, "no_grant").await;
    }
    let basic = scene.asks("GET", "/v1/token").basic_auth("ci", Some(&key)).send().await.unwrap();
    assert_eq!(basic.headers()["www-authenticate"], "Bearer realm=\"tokenferry\"");
    problem(basic, 401, "no_grant").await;
    let mut told_to_wait = false;
    for _ in 0..200 {
        let answer = asks(&close).await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers()["retry-after"], "1");
            told_to_wait = true;
            break;
        }
    }
    assert!(told_to_wait);
    // Who has a grant isn't kept out by that.
    assert_eq!(asks(&key).await.unwrap().status(), StatusCode::OK);
    scene.ends().await;
}

#[tokio::test]
async fn bodies_and_heads_have_bounds() {
    let scene = Scene::new().await;
    let person = scene.person().await;
    let large =
        person.changes(scene.asks("POST", "/auth/claude/oauth/exchange")).header("content-type", "application/json");
    problem(large.body(vec![b' '; 20_000]).send().await.unwrap(), 413, "too_large").await;
    // Without a length, told piece by piece.
    let mut endless = raw(&scene).await;
    let head = b"POST /session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    endless.write_all(head).await.unwrap();
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
    for _ in 0..8 {
        // The server may have hung up by then.
        if endless.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answered = [0; 12];
    endless.read_exact(&mut answered).await.unwrap();
    assert_eq!(&answered, b"HTTP/1.1 413");
    let long = scene.asks("GET", "/health").header("x-long", "x".repeat(40_000)).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    scene.ends().await;
}

#[tokio::test]
async fn the_slow_are_cut() {
    let scene = Scene::new().await;
    let drips = async |said: &'static [u8]| {
        let mut stream = raw(&scene).await;
        stream.write_all(said).await.unwrap();
        let begun = Instant::now();
        loop {
            // A byte now and then shall not help.
            let mut answer = Vec::new();
            match tokio::time::timeout(Duration::from_millis(500), stream.read_to_end(&mut answer)).await {
                Ok(_) => return (begun.elapsed(), String::from_utf8_lossy(&answer).into_owned()),
                Err(_) => drop(stream.write_all(b"a").await),
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is held open");
        }
    };
    let heads = drips(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    let silent = drips(b"");
    let bodies = drips(
        b"POST /session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{",
    );
    let (heads, silent, (body_cut, answer)) = tokio::join!(heads, silent, bodies);
    for (cut, _) in [heads, silent] {
        assert!(cut < CUT_WITHIN, "after {cut:?}");
    }
    assert!(body_cut < 2 * CUT_WITHIN && answer.starts_with("HTTP/1.1 408"), "after {body_cut:?}: {answer}");
    scene.ends().await;
}

#[tokio::test]
async fn a_thousand_who_say_nothing_keep_nobody_out() {
    let scene = Scene::signed_in().await;
    let key = scene.grant("ci", &[]).await;
    raise_the_limit();
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(raw(&scene).await);
    }
    for _ in 0..5 {
        let begun = Instant::now();
        // A connection of its own each time: the old ones may be among those that were cut.
        let answer =
            crate::scene::client().get(format!("{}/v1/token", scene.url)).bearer_auth(&key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(begun.elapsed() < AT_ONCE, "after {:?}", begun.elapsed());
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", scene.server.pid().as_raw_nonzero())).unwrap().count();
    assert!(open < 700, "{open} files are open");
    scene.ends().await;
}

/// A thousand sockets are more than a program may have open as a rule.
fn raise_the_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum }).unwrap();
}
