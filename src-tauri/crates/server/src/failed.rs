//! Why nothing is served: what happened, what to do, and a stable code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What stands in the way of serving.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Others could listen in.
    #[error("{0} can be reached from other machines, where tokens would pass unprotected.")]
    Unprotected(SocketAddr),
    /// Nobody knows under which address people come.
    #[error("Behind a proxy, the address that people use is not known here.")]
    NoUrl,
    /// An address that can't be one.
    #[error("{0} can't be the address of the page.")]
    BadUrl(String),
    /// The certificate or its key can't be used.
    #[error("The TLS file {0} can't be used: {1}.")]
    Tls(PathBuf, String),
    /// The address can't be had.
    #[error("Nobody can be listened to at {0}: {1}.")]
    Address(SocketAddr, #[source] io::Error),
    /// The socket can't be had.
    #[error("Nobody can be listened to at the socket {0}: {1}.")]
    Socket(PathBuf, #[source] io::Error),
    /// No server was ever started here.
    #[error("The page was not served here yet, so there is no address for a link.")]
    NeverServed,
    /// The engine's.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

impl Failed {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unprotected(_) => "unprotected",
            Self::NoUrl => "no_url",
            Self::BadUrl(_) => "bad_url",
            Self::Tls(..) => "tls_unusable",
            Self::Address(..) => "address_unusable",
            Self::Socket(..) => "socket_unusable",
            Self::NeverServed => "never_served",
            Self::Engine(why) => why.code(),
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Unprotected(_) => {
                "Give it a certificate with --tls-cert and --tls-key, or say --behind-proxy where a proxy with TLS stands \
                 before it and nobody else can reach it; or listen on 127.0.0.1."
            }
            Self::NoUrl => "Say it with --url, such as --url https://llm.example/auth.",
            Self::BadUrl(_) => "Use one such as https://llm.example/auth.",
            Self::Tls(..) => "Give files in PEM: the certificate, those of its issuers after it, and its key.",
            Self::Address(_, why) if why.kind() == io::ErrorKind::AddrInUse => {
                "Something listens there already. Choose another with --listen."
            }
            Self::Address(..) => "Choose another with --listen.",
            Self::Socket(..) => "Choose another place with --socket, in a folder that is yours.",
            Self::NeverServed => "Start `tokenferry serve` first; it prints a link.",
            Self::Engine(why) => return why.fix(),
        }
        .to_owned()
    }
}
