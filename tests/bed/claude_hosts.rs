//! Claude's hosts, as a program meets them that goes out by `HTTPS_PROXY`: a proxy that ends TLS with a certificate of its own,
//! and has the practice provider answer. Nothing leaves this machine; any other host is refused.

use std::{convert::Infallible, path::PathBuf, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::Provider;

/// Where the official CLI signs in, and what it asks then (facts: "OAuth").
const HOSTS: [&str; 3] = ["platform.claude.com", "claude.com", "api.anthropic.com"];
/// Of them, the one that has the page which shows a code.
const PAGES: &str = "https://platform.claude.com";

/// What the CLI tells of itself is larger than all else.
const LARGEST: usize = 16 << 20;

/// The hosts, while this lives.
#[derive(Debug)]
pub struct ClaudeHosts {
    proxy: String,
    practice: String,
    authority: PathBuf,
    _folder: TempDir,
    serving: JoinHandle<()>,
}

impl ClaudeHosts {
    /// In front of this provider.
    ///
    /// # Panics
    /// Where there is no port, or no certificate can be made.
    pub async fn start(provider: &Provider) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder should be made");
        let mut wanted = CertificateParams::new([]).expect("no names are good names");
        // Two certificates without names would look like one that has signed itself.
        wanted.distinguished_name.push(DnType::CommonName, "the bed's own");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(wanted, key).expect("a certificate");
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, issuer.pem()).expect("the folder takes a file");

        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(HOSTS.map(str::to_owned)).expect("good names");
        wanted.distinguished_name.push(DnType::CommonName, HOSTS[0]);
        let certificate = wanted.signed_by(&key, &issuer).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        let tls = TlsAcceptor::from(Arc::new(config.expect("they fit")));

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port should be free");
        let proxy = format!("http://{}", listener.local_addr().expect("it is bound"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client should build");
        let practice = provider.url();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tls.clone(), practice.clone(), client.clone()));
            }
        });
        Self { proxy, practice: provider.url(), authority, _folder: folder, serving }
    }

    /// By what the official CLI goes here, as its documentation has it for companies' networks.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        let authority = self.authority.to_str().expect("a plain path").to_owned();
        [("HTTPS_PROXY", self.proxy.clone()), ("NODE_EXTRA_CA_CERTS", authority)]
    }

    /// An address of Claude's, as the practice provider has it.
    ///
    /// # Panics
    /// Where it is none of Claude's.
    #[must_use]
    pub fn at_practice(&self, address: &str) -> String {
        let mut url = Url::parse(address).expect("an address");
        assert!(url.host_str().is_some_and(|host| HOSTS.contains(&host)), "{address} is none of Claude's");
        let here = Url::parse(&self.practice).expect("an address");
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(query.iter().map(|(name, value)| (name, value.replacen(PAGES, &self.practice, 1))));
        let path = url.path().trim_start_matches("/cai").to_owned();
        let mut there = here;
        there.set_path(&path);
        there.set_query(url.query());
        there.into()
    }
}

impl Drop for ClaudeHosts {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One connection: whither, then TLS, then what is asked there.
async fn serve(stream: TcpStream, tls: TlsAcceptor, practice: String, client: reqwest::Client) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next());
    if !host.is_some_and(|host| HOSTS.contains(&host)) {
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let stream = TokioIo::new(tls.accept(stream).await?);
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&practice, &client, request).await));
    // What ends early is the other side's own affair.
    let _ = http1::Builder::new().serve_connection(stream, service).await;
    Ok(())
}

async fn answer(url: &str, client: &reqwest::Client, request: Request<Incoming>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // A redirect is named in it, and has to be one of the practice provider's.
    let body = match std::str::from_utf8(&body) {
        Ok(text) => text.replace(PAGES, url).into(),
        Err(_) => body,
    };
    let mut headers = parts.headers;
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::ACCEPT_ENCODING] {
        headers.remove(name);
    }
    let to = format!("{url}{}", parts.uri.path_and_query().map_or("/", |it| it.as_str()));
    let answered = match client.request(parts.method, to).headers(headers).body(body).send().await {
        Ok(answered) => answered,
        Err(why) => return (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    };
    let (status, kind) = (answered.status(), answered.headers().get(header::CONTENT_TYPE).cloned());
    let body = answered.bytes().await.unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
    response
}
