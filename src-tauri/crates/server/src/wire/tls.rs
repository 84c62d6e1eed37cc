//! The certificate of this server, read once when it starts.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::failed::Failed;
use crate::options::TlsFiles;

/// A certificate that can be shown.
pub(crate) struct Certificate {
    pub(crate) acceptor: TlsAcceptor,
    /// The names that it has.
    pub(crate) names: Vec<String>,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// [`Failed::Tls`]
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, Failed> {
        let unusable = |path: &Path, why: String| Failed::Tls(path.to_owned(), why);
        let of_certificate = |why: String| unusable(&files.certificate, why);
        let chain = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|why| of_certificate(why.to_string()))?;
        let first = chain.first().ok_or_else(|| of_certificate("there is no certificate in it".to_owned()))?;
        let names = webpki::EndEntityCert::try_from(first)
            .map_err(|why| of_certificate(why.to_string()))?
            .valid_dns_names()
            .map(str::to_owned)
            .collect();
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| unusable(&files.key, why.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| of_certificate(why.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|why| unusable(&files.key, why.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), names })
    }
}
