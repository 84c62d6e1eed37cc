//! Where a provider is.

use std::net::IpAddr;

use url::{Host, Url};

/// The addresses of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// What names the provider in records and in `status`.
    pub name: String,
    /// Where a person says yes. RFC 6749 section 3.1.
    pub authorize: Url,
    /// Where codes and refresh tokens are traded. RFC 6749 section 3.2.
    pub token: Url,
    /// Where a sign-in is ended. RFC 7009.
    pub revoke: Url,
    /// The page that shows `code#state` to be pasted.
    pub paste_redirect: Url,
    /// Who an access token belongs to.
    pub profile: Url,
    /// How much of a plan is used.
    pub usage: Url,
    /// The models, which any good API key may list, for nothing.
    pub models: Url,
    /// How many tokens a prompt has: any token for inference may ask, for nothing.
    pub count_tokens: Url,
}

/// An address that can't be a provider's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "TOKENFERRY_PROVIDER names no provider: {0} Give an https address, or an http one on this machine (localhost)."
)]
pub struct BadProvider(String);

impl Endpoints {
    /// Claude, as its official CLI asks it.
    ///
    /// # Errors
    /// None in practice: the addresses are fixed.
    pub fn claude() -> Result<Self, BadProvider> {
        let at = |address: &str| parse(address);
        Ok(Self {
            name: "https://claude.com".to_owned(),
            authorize: at("https://claude.com/cai/oauth/authorize")?,
            token: at("https://platform.claude.com/v1/oauth/token")?,
            revoke: at("https://platform.claude.com/v1/oauth/token/revoke")?,
            paste_redirect: at("https://platform.claude.com/oauth/code/callback")?,
            profile: at("https://api.anthropic.com/api/oauth/profile")?,
            usage: at("https://api.anthropic.com/api/oauth/usage")?,
            models: at("https://api.anthropic.com/v1/models")?,
            count_tokens: at("https://api.anthropic.com/v1/messages/count_tokens")?,
        })
    }

    /// Another provider, with everything below one address.
    ///
    /// # Errors
    /// [`BadProvider`] where it is neither https nor http on this very machine: tokens never cross a network in the clear.
    pub fn below(address: &str) -> Result<Self, BadProvider> {
        let base = parse(address)?;
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(BadProvider("it holds a user, a password or a query.".to_owned()));
        }
        match base.scheme() {
            "https" => {}
            "http" if is_on_this_machine(&base) => {}
            "http" => return Err(BadProvider("http leaves this machine in the clear.".to_owned())),
            other => return Err(BadProvider(format!("{other} is no scheme for it."))),
        }
        let base = base.as_str().trim_end_matches('/').to_owned();
        let at = |path: &str| parse(&format!("{base}{path}"));
        Ok(Self {
            authorize: at("/oauth/authorize")?,
            token: at("/v1/oauth/token")?,
            revoke: at("/v1/oauth/token/revoke")?,
            paste_redirect: at("/oauth/code/callback")?,
            profile: at("/api/oauth/profile")?,
            usage: at("/api/oauth/usage")?,
            models: at("/v1/models")?,
            count_tokens: at("/v1/messages/count_tokens")?,
            name: base,
        })
    }

    /// Whether what is sent there stays on this very machine.
    pub(super) fn on_this_machine(&self) -> bool {
        is_on_this_machine(&self.token)
    }
}

fn parse(address: &str) -> Result<Url, BadProvider> {
    Url::parse(address).map_err(|why| BadProvider(format!("{why}.")))
}

/// Whether requests to this address never leave this machine.
pub(crate) fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_lies_below_the_named_address() {
        let endpoints = Endpoints::below("http://127.0.0.1:4321/").unwrap();
        assert_eq!(endpoints.token.as_str(), "http://127.0.0.1:4321/v1/oauth/token");
        assert_eq!(endpoints.name, "http://127.0.0.1:4321");
    }

    #[test]
    fn tokens_never_cross_a_network_in_the_clear() {
        for good in ["https://claude.example", "http://localhost:1", "http://[::1]:1", "http://127.0.0.9"] {
            Endpoints::below(good).unwrap();
        }
        for bad in
            ["http://claude.example", "http://10.0.0.1", "ftp://localhost", "x", "https://a:b@c", "https://c?d=e"]
        {
            Endpoints::below(bad).unwrap_err();
        }
    }
}
