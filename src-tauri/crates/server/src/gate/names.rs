//! Whether a request means this server and comes from its own page: against pages that bind their name to our address (DNS
//! rebinding), and against requests that another site has a browser make.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};

use crate::api::Problem;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names that this server goes by.
#[derive(Debug)]
pub(crate) struct Names {
    names: Vec<String>,
    /// Whether it is called by an address too. A page that binds its own name to that address still sends the name.
    addresses: bool,
    scheme: &'static str,
    /// The origin of the page, where a proxy shows it.
    origin: Option<String>,
}

impl Names {
    pub(crate) fn new(
        names: impl Iterator<Item = String>,
        addresses: bool,
        is_tls: bool,
        origin: Option<String>,
    ) -> Self {
        let names = names.map(|name| name.to_ascii_lowercase()).collect();
        Self { names, addresses, scheme: if is_tls { "https" } else { "http" }, origin }
    }

    /// Refuses what doesn't mean this server, or was sent by another site's page.
    pub(crate) fn check(&self, request: &Parts) -> Result<(), Problem> {
        let authority = authority(&request.uri, &request.headers).ok_or_else(Problem::bad_host)?;
        if !self.has(host_of(authority)) {
            return Err(Problem::bad_host());
        }
        let mut origins = request.headers.get_all(ORIGIN).iter();
        if let Some(origin) = origins.next() {
            let origin = origin.to_str().map_err(|_| Problem::bad_origin())?;
            if origins.next().is_some() || !self.is_own(origin, authority) {
                return Err(Problem::bad_origin());
            }
        }
        let said = |name: &HeaderName| request.headers.get(name).map(http::HeaderValue::as_bytes);
        match said(&FETCH_SITE) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            // A link from elsewhere may be followed; the cookie doesn't come along.
            Some(_)
                if request.method == Method::GET
                    && said(&FETCH_MODE) == Some(b"navigate")
                    && said(&FETCH_DEST) == Some(b"document") =>
            {
                Ok(())
            }
            Some(_) => Err(Problem::bad_origin()),
        }
    }

    fn has(&self, host: &str) -> bool {
        if host.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = match bracketed {
            Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6),
            None => host.parse::<Ipv4Addr>().map(IpAddr::V4),
        };
        if let Ok(address) = address {
            return self.addresses || address.is_loopback() || self.names.iter().any(|name| name == host);
        }
        self.names.iter().any(|name| is_name(name, host))
    }

    fn is_own(&self, origin: &str, authority: &str) -> bool {
        let direct = origin.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"));
        direct.is_some_and(|it| it.eq_ignore_ascii_case(authority)) || self.origin.as_deref() == Some(origin)
    }
}

/// Whether a name, as a certificate has it, is that of the host: `*.example` stands for one word and the rest.
fn is_name(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => {
            host.split_once('.').is_some_and(|(word, tail)| !word.is_empty() && tail.eq_ignore_ascii_case(rest))
        }
        None => name.eq_ignore_ascii_case(host),
    }
}

/// Whom the request means. `None` where it says so twice, or not at all.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    let agrees = uri.authority().is_none_or(|it| it.as_str() == host);
    (hosts.next().is_none() && agrees && !host.contains('@')).then_some(host)
}

/// The host without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(names: &Names, method: &str, headers: &[(&str, &str)]) -> Result<(), String> {
        let mut request = http::Request::builder().method(method).uri("/status");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        names.check(&request.body(()).unwrap().into_parts().0).map_err(|problem| problem.code.into_owned())
    }

    fn loopback() -> Names {
        Names::new(std::iter::empty(), false, false, None)
    }

    #[test]
    fn a_name_bound_to_our_address_is_refused() {
        let names = loopback();
        for good in ["127.0.0.1:4001", "localhost:4001", "localhost", "[::1]:4001", "LOCALHOST:1"] {
            assert_eq!(asks(&names, "GET", &[("host", good)]), Ok(()), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:4001",
            "localhost.evil.example",
            "192.168.1.5:4001",
            "x@localhost",
            "",
            "::1",
        ] {
            assert_eq!(asks(&names, "GET", &[("host", bad)]), Err("foreign_host".to_owned()), "{bad}");
        }
        assert_eq!(asks(&names, "GET", &[]), Err("foreign_host".to_owned()));
        assert_eq!(
            asks(&names, "GET", &[("host", "localhost"), ("host", "evil.example")]),
            Err("foreign_host".to_owned())
        );
    }

    #[test]
    fn other_names_are_those_that_were_given() {
        let names = Names::new(["*.llm.example", "Box"].map(str::to_owned).into_iter(), true, true, None);
        for good in ["a.llm.example:4001", "A.LLM.example", "box:4001", "192.168.1.5:4001", "[2001:db8::1]:4001"] {
            assert_eq!(asks(&names, "GET", &[("host", good)]), Ok(()), "{good}");
        }
        for bad in ["llm.example", "a.b.llm.example", "boxx", ".llm.example"] {
            assert_eq!(asks(&names, "GET", &[("host", bad)]), Err("foreign_host".to_owned()), "{bad}");
        }
    }

    #[test]
    fn another_site_has_no_say() {
        let names = loopback();
        let with = |name, value| asks(&names, "POST", &[("host", "localhost:4001"), (name, value)]);
        assert_eq!(with("origin", "http://localhost:4001"), Ok(()));
        for bad in [
            "http://localhost:8080",
            "https://localhost:4001",
            "http://evil.example",
            "null",
            "http://127.0.0.1:4001",
            "",
        ] {
            assert_eq!(with("origin", bad), Err("foreign_origin".to_owned()), "{bad}");
        }
        assert_eq!(with("sec-fetch-site", "same-origin"), Ok(()));
        assert_eq!(with("sec-fetch-site", "none"), Ok(()));
        for bad in ["cross-site", "same-site"] {
            assert_eq!(with("sec-fetch-site", bad), Err("foreign_origin".to_owned()), "{bad}");
        }
        let navigates =
            [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "cross-site")];
        let follows = |method| asks(&names, method, &[&[("host", "localhost")][..], &navigates].concat());
        assert_eq!(follows("GET"), Ok(()));
        assert_eq!(follows("POST"), Err("foreign_origin".to_owned()));
    }

    #[test]
    fn a_proxy_shows_another_origin() {
        let names =
            Names::new(["llm.example".to_owned()].into_iter(), true, false, Some("https://llm.example".to_owned()));
        let from = |origin| asks(&names, "POST", &[("host", "llm.example"), ("origin", origin)]);
        assert_eq!(from("https://llm.example"), Ok(()));
        assert_eq!(from("https://evil.example"), Err("foreign_origin".to_owned()));
    }
}
