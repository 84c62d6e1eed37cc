//! Words of the command line about serving over HTTP: where, how, and to whom.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use engine::account::AccountName;
use engine::grants::{GrantName, Scope};
use jiff::SignedDuration;
use server::{BasePath, Options, TlsFiles};
use url::Url;

/// Where and how to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen at; another than this machine's own needs TLS, or a proxy before it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4001")]
    listen: SocketAddr,
    /// A Unix socket to listen at too, for this user alone
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// What the page's paths begin with
    #[arg(long, value_name = "PATH", default_value = "")]
    base_path: BasePath,
    /// The certificate in PEM, with those of its issuers
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy with TLS stands before it, and nobody else can reach it
    #[arg(long)]
    behind_proxy: bool,
    /// The address that people use in their browsers, whole: scheme, name and base path
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Another name by which programs call this server, such as a container's
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Only print another link to the page that is served already
    #[arg(long)]
    pub(crate) link: bool,
    /// Only ask whether the server that was started with the same words is well; ends with 1 where it isn't
    #[arg(long, conflicts_with = "link")]
    pub(crate) check: bool,
}

impl Serve {
    /// Where a program on this machine reaches the server that is started with these words.
    pub(crate) fn seen_from_here(&self) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let mut at = self.listen;
        if at.ip().is_unspecified() {
            at.set_ip(if at.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("{scheme}://{at}")
    }
}

impl From<Serve> for Options {
    fn from(said: Serve) -> Self {
        let tls = said.tls_cert.zip(said.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        Self {
            listen: said.listen,
            socket: said.socket,
            base_path: said.base_path,
            tls,
            behind_proxy: said.behind_proxy,
            url: said.url,
            hosts: said.hosts,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Let a program ask for an account's token over HTTP; prints the key, which is shown this once
    Add {
        /// Your name for it
        name: GrantName,
        /// Whose; may be left out where there is one account
        #[arg(long, value_name = "NAME")]
        account: Option<AccountName>,
        /// What it may ask for
        #[arg(long, value_name = "WHAT", value_parser = scope, default_value = "token")]
        allow: Vec<Scope>,
        /// When it ends, such as 30d or 12h; without it never
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<Duration>,
        /// How many requests a second it is good for
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        per_second: u32,
        /// Agree beforehand that others than Anthropic's own programs get the token
        #[arg(long)]
        yes: bool,
    },
    /// Show every grant: whose, for what, until when, and how often it was used
    List,
    /// End a grant
    Revoke {
        /// Its name
        name: GrantName,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::ALL.into_iter().find(|it| it.word() == word).ok_or_else(|| "use token, status or sign-in".to_owned())
}

/// A time from now on: days are 24 hours.
fn lifetime(text: &str) -> Result<Duration, String> {
    const BAD: &str = "write it like 30d, 12h or 90m";
    /// jiff knows no days without a calendar.
    const HOURS: i64 = 24;
    let life = match text.strip_suffix('d') {
        Some(days) => {
            days.parse().ok().and_then(|days: i64| days.checked_mul(HOURS)).and_then(SignedDuration::try_from_hours)
        }
        None => text.parse().ok(),
    };
    let life = life.and_then(|life| Duration::try_from(life).ok()).filter(|life| !life.is_zero());
    life.ok_or_else(|| BAD.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_strictly() {
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(lifetime("90m"), Ok(Duration::from_secs(5400)));
        for bad in ["", "0d", "-1h", "30", "d", "1.5d", "9999999999999999999d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
