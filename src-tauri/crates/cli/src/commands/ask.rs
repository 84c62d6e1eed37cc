//! What is asked of a server: `token --from` asks one elsewhere for a token, with a grant; `serve --check` asks the one on
//! this machine whether it is well. Neither needs a state of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::secret::SecretString;
use reqwest::{ClientBuilder, RequestBuilder, redirect};
use serde_json::Value;
use url::Url;

use super::report;
use crate::args::Serve;
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Where the grant's file is named.
const GRANT_FILE: &str = "TOKENFERRY_GRANT_FILE";
/// Longer than a server waits for a renewal.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Health is told at once, or it is none.
const WELL_WITHIN: Duration = Duration::from_secs(5);
/// A key is far shorter.
const LARGEST_GRANT: u64 = 4096;

/// Prints the token, and nothing else: fit for an `apiKeyHelper`.
pub(super) async fn print(from: &Url, file: Option<PathBuf>, json: bool) -> Result<Outcome, Failure> {
    let file = file.or_else(|| std::env::var_os(GRANT_FILE).map(PathBuf::from)).ok_or_else(|| {
        refused("no_grant", "No grant is at hand.", "Name its file with --grant-file, or in TOKENFERRY_GRANT_FILE.")
    })?;
    let answer = ask(from, &read(&file)?).await?;
    if json {
        report(&answer)?;
    } else {
        let token = answer.get("access_token").and_then(Value::as_str).ok_or_else(|| strange(from))?;
        talk::data(format_args!("{token}"))?;
    }
    Ok(Outcome::Done)
}

/// Says whether the server that was started with these words is well: fit for the health check of a container.
pub(super) async fn check(serve: &Serve, json: bool) -> Result<Outcome, Failure> {
    let at = serve.seen_from_here();
    let at = at.parse().map_err(|_| refused("server_unreachable", format!("{at} is no address."), ""))?;
    // The certificate is for other names than this machine's own. Nothing is told here that needed it.
    let client = client(None).tls_danger_accept_invalid_certs(true).timeout(WELL_WITHIN);
    let health = client.build().map_err(|why| unreachable(&at, why))?.get(format!("{at}health/ready"));
    let health = answer(&at, health).await?;
    if json {
        report(&health)?;
    } else {
        talk::say(format_args!("It is well."));
    }
    Ok(Outcome::Done)
}

/// The key in the grant's file.
fn read(file: &Path) -> Result<SecretString, Failure> {
    let unreadable = |why: String| {
        let what = format!("The grant's file {} can't be read: {why}.", file.display());
        refused("grant_unreadable", what, "`tokenferry grant add NAME > FILE` writes one.")
    };
    let size = std::fs::metadata(file).map_err(|why| unreadable(why.to_string()))?.len();
    if size > LARGEST_GRANT {
        return Err(unreadable("it is too large for one".to_owned()));
    }
    let text = SecretString::new(std::fs::read_to_string(file).map_err(|why| unreadable(why.to_string()))?);
    Ok(SecretString::new(text.expose().trim()))
}

async fn ask(from: &Url, grant: &SecretString) -> Result<Value, Failure> {
    let socket = (from.scheme() == "unix").then(|| from.path());
    let address = match socket {
        Some(_) => "http://localhost/v1/token".to_owned(),
        None => format!("{}/v1/token", from.as_str().trim_end_matches('/')),
    };
    let client = client(socket).build().map_err(|why| unreachable(from, why))?;
    answer(from, client.get(address).bearer_auth(grant.expose())).await
}

/// One who asks, and goes nowhere else than where it is told to.
fn client(socket: Option<&str>) -> ClientBuilder {
    // An error means that another part of the program has chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tokenferry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .no_proxy()
        .redirect(redirect::Policy::none());
    match socket {
        #[cfg(unix)]
        Some(path) => builder.unix_socket(path),
        _ => builder,
    }
}

/// The answer of the server there, or the problem that it told.
async fn answer(from: &Url, request: RequestBuilder) -> Result<Value, Failure> {
    let answer = request.send().await.map_err(|why| unreachable(from, why))?;
    let is_given = answer.status().is_success();
    let answer: Value = answer.json().await.map_err(|_| strange(from))?;
    if is_given {
        return Ok(answer);
    }
    let word = |name: &str| answer.get(name).and_then(Value::as_str).map(plain);
    match (word("code"), word("detail")) {
        (Some(code), Some(what)) => Err(Failure::Refused { code, what, fix: word("fix").unwrap_or_default() }),
        _ => Err(strange(from)),
    }
}

fn unreachable(from: &Url, why: reqwest::Error) -> Failure {
    let why = without_chain(&why.without_url());
    let fix = "Check the address, and that `tokenferry serve` runs there.";
    refused("server_unreachable", format!("{} can't be reached ({why}).", shown(from)), fix)
}

fn refused(code: &str, what: impl Into<String>, fix: &str) -> Failure {
    Failure::Refused { code: code.to_owned(), what: what.into(), fix: fix.to_owned() }
}

fn strange(from: &Url) -> Failure {
    let what = format!("{} gave an answer that is none of Tokenferry's.", shown(from));
    refused("server_strange", what, "Check the address.")
}

/// The address without what may be a secret in it.
fn shown(from: &Url) -> String {
    match from.host_str() {
        Some(host) => {
            format!("{}://{host}{}", from.scheme(), from.port().map_or_else(String::new, |port| format!(":{port}")))
        }
        None => format!("{}:{}", from.scheme(), from.path()),
    }
}

/// A word from outside, fit to be shown.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What stood in the way, at the end of its chain of causes.
fn without_chain(why: &dyn std::error::Error) -> String {
    let mut last = why;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
