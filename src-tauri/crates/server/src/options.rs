//! What a person chose, and whether that is safe: pure, but for the certificate that is read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::failed::Failed;
use crate::gate::Names;

/// Where to listen unless another address is chosen.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4001);

/// Where and how to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// A Unix socket to listen at too.
    pub socket: Option<PathBuf>,
    /// What the page's paths begin with.
    pub base_path: BasePath,
    /// The certificate, where this server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// A proxy stands before it, and nobody else can reach it.
    pub behind_proxy: bool,
    /// The address that people use, where that is not the one that is listened at.
    pub url: Option<Url>,
    /// Further names by which programs call this server.
    pub hosts: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            socket: None,
            base_path: BasePath::default(),
            tls: None,
            behind_proxy: false,
            url: None,
            hosts: Vec::new(),
        }
    }
}

/// A certificate with its key, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those of its issuers.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What the page's paths begin with: nothing, or such as `/auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// It as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the endpoints for programs begin with; they are at the root.
const TAKEN: [&str; 6] = ["/auth/claude", "/health", "/metrics", "/openapi.json", "/status", "/v1"];

/// A path that can't be a base path.
#[derive(Debug, thiserror::Error)]
#[error(
    "\"{0}\" can't be a base path. Use one such as /auth, of letters, digits, and . _ - /, and none of an endpoint"
)]
pub struct BadBasePath(String);

impl FromStr for BasePath {
    type Err = BadBasePath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.trim_end_matches('/');
        let fits = |segment: &str| {
            !segment.is_empty()
                && !segment.starts_with('.')
                && segment.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        match path.strip_prefix('/') {
            None if path.is_empty() => Ok(Self::default()),
            _ if TAKEN.iter().any(|taken| std::path::Path::new(path).starts_with(taken)) => {
                Err(BadBasePath(text.to_owned()))
            }
            Some(rest) if rest.split('/').all(fits) => Ok(Self(path.to_owned())),
            _ => Err(BadBasePath(text.to_owned())),
        }
    }
}

impl Options {
    /// Whether browsers come by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some() || self.url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Refuses what would send tokens over a network unprotected.
    ///
    /// # Errors
    /// [`Failed::Unprotected`], [`Failed::NoUrl`], [`Failed::BadUrl`]
    pub(crate) fn judge(&self) -> Result<(), Failed> {
        if !self.listen.ip().is_loopback() && self.tls.is_none() && !self.behind_proxy {
            return Err(Failed::Unprotected(self.listen));
        }
        match &self.url {
            None if self.behind_proxy => Err(Failed::NoUrl),
            Some(url) if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() => {
                Err(Failed::BadUrl(url.to_string()))
            }
            Some(url) if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() => {
                Err(Failed::BadUrl(url.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The names that this server goes by; `of_certificate` are those that its certificate has.
    pub(crate) fn names(&self, of_certificate: &[String]) -> Names {
        let origin = self.url.as_ref().map(|url| url.origin().ascii_serialization());
        let of_url = self.url.as_ref().and_then(|url| url.host_str().map(str::to_owned));
        let names = self.hosts.iter().cloned().chain(of_certificate.iter().cloned()).chain(of_url);
        Names::new(names, !self.listen.ip().is_loopback(), self.tls.is_some(), origin)
    }

    /// Where people find the page, with what was really bound in place of the port 0.
    pub(crate) fn page(&self, bound: SocketAddr, of_certificate: &[String]) -> String {
        if let Some(url) = &self.url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let named = of_certificate.iter().find(|name| !name.starts_with('*'));
        let authority = match named {
            Some(name) if !bound.ip().is_loopback() => format!("{name}:{}", bound.port()),
            _ => bound.to_string(),
        };
        format!("{scheme}://{authority}{}", self.base_path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Options {
        Options { listen: "0.0.0.0:4001".parse().unwrap(), ..Options::default() }
    }

    fn tls() -> Option<TlsFiles> {
        Some(TlsFiles { certificate: "c".into(), key: "k".into() })
    }

    #[test]
    fn only_the_loopback_is_open_without_protection() {
        for listen in ["127.0.0.1:4001", "127.9.9.9:1", "[::1]:4001"] {
            Options { listen: listen.parse().unwrap(), ..Options::default() }.judge().unwrap();
        }
        for listen in ["0.0.0.0:4001", "192.168.1.5:4001", "[::]:4001"] {
            let why = Options { listen: listen.parse().unwrap(), ..Options::default() }.judge().unwrap_err();
            assert_eq!(why.code(), "unprotected", "{listen}");
        }
        Options { tls: tls(), ..open() }.judge().unwrap();
    }

    #[test]
    fn behind_a_proxy_its_address_is_needed() {
        let behind = Options { behind_proxy: true, ..open() };
        assert_eq!(behind.judge().unwrap_err().code(), "no_url");
        let named = Options { url: Some("https://llm.example/auth/".parse().unwrap()), ..behind };
        named.judge().unwrap();
        assert!(named.is_secure());
        assert_eq!(named.page(named.listen, &[]), "https://llm.example/auth");
        for bad in ["ftp://llm.example", "https://llm.example/?x", "https://ada@llm.example/"] {
            let bad = Options { url: Some(bad.parse().unwrap()), ..named.clone() };
            assert_eq!(bad.judge().unwrap_err().code(), "bad_url");
        }
    }

    #[test]
    fn the_page_is_where_a_browser_finds_it() {
        let base_path = "/auth/".parse().unwrap();
        let here = Options { base_path, ..Options::default() };
        assert_eq!(here.page("127.0.0.1:5".parse().unwrap(), &[]), "http://127.0.0.1:5/auth");
        let names = ["*.example".to_owned(), "llm.example".to_owned()];
        let there = Options { tls: tls(), ..open() };
        assert_eq!(there.page(there.listen, &names), "https://llm.example:4001");
    }

    #[test]
    fn base_paths_are_plain() {
        for (text, path) in [("", ""), ("/", ""), ("/auth", "/auth"), ("/a/b-c/", "/a/b-c")] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), path);
        }
        for bad in ["auth", "/a//b", "/../x", "/a b", "/{x}", "/ä", "/health", "/auth/claude/x"] {
            assert!(bad.parse::<BasePath>().is_err(), "{bad}");
        }
    }
}
