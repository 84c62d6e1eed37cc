//! Which addresses may be opened for a person, and which never leave this machine.

use url::{Host, Url};

/// Whether an address may be opened in the browser.
pub fn is_for_the_browser(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_on_this_machine(url))
}

/// Whether requests to this address never leave this machine.
pub fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_is_for_the_browser_and_nothing_in_the_clear() {
        for good in ["https://claude.com/", "http://localhost:1/", "http://127.0.0.1:8/x", "http://[::1]/"] {
            assert!(is_for_the_browser(&good.parse().unwrap()), "{good}");
        }
        for bad in ["http://claude.com/", "http://localhost.example/", "file:///etc/passwd", "javascript:0", "data:,"] {
            assert!(!is_for_the_browser(&bad.parse().unwrap()), "{bad}");
        }
    }
}
