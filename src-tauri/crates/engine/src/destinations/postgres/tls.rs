//! TLS as libpq has it: which certificates are trusted, by which we are known, and what is checked at which `sslmode`
//! (PostgreSQL's manual, 34.19). Two things are stricter: the host has to be among the certificate's alternative names, as
//! its common name is not read, and a key is not opened by a passphrase.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::PostgresError;
use super::url::{Roots, TlsMode, TlsWishes};

/// Makes what connections are encrypted with. `usual` is the folder in which libpq looks for papers that are not named.
///
/// # Errors
/// [`PostgresError::TlsFile`] where one is missing, or can't be used.
pub(super) fn settings(
    wishes: &TlsWishes,
    usual: Option<&Path>,
    direct: bool,
) -> Result<Arc<ClientConfig>, PostgresError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier {
        trust: trust(wishes, usual)?,
        names_host: wishes.mode == TlsMode::VerifyFull,
        provider: provider.clone(),
    };
    let failed = |error: TlsError| PostgresError::Tls { shown: "any host".to_owned(), reason: reason(&error) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own_papers(wishes, usual)? {
        None => config.with_no_client_auth(),
        Some(Own { certificates, key, path }) => config
            .with_client_auth_cert(certificates, key)
            .map_err(|error| PostgresError::TlsFile { path, reason: error.to_string() })?,
    };
    if direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(Arc::new(config))
}

/// Whom to believe.
#[derive(Debug)]
struct Trust {
    roots: RootCertStore,
    /// The same, to know a certificate again that is its own root.
    certificates: Vec<CertificateDer<'static>>,
}

/// None where nothing is checked, as libpq does by default.
fn trust(wishes: &TlsWishes, usual: Option<&Path>) -> Result<Option<Trust>, PostgresError> {
    let certificates = match &wishes.roots {
        Some(Roots::System) => rustls_native_certs::load_native_certs().certs,
        Some(Roots::File(path)) => match certificates(path) {
            // A named file that is missing matters only to those modes that can't do without, as for libpq.
            Err(_) if !path.exists() && !must_check(wishes.mode) => return Ok(None),
            read => read?,
        },
        None => match usual.map(|folder| folder.join("root.crt")).filter(|path| path.exists()) {
            Some(path) => certificates(&path)?,
            None if must_check(wishes.mode) => {
                let path = usual.unwrap_or(Path::new("~/.postgresql")).join("root.crt");
                return Err(missing(&path, "sslmode asks for checks, and there are no roots to check with"));
            }
            None => return Ok(None),
        },
    };
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if taken == 0 {
        let path = match &wishes.roots {
            Some(Roots::File(path)) => path.clone(),
            _ => PathBuf::from("The system's list of certificates"),
        };
        return Err(missing(&path, "there is no certificate in it"));
    }
    Ok(Some(Trust { roots, certificates }))
}

fn must_check(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull)
}

/// A certificate by which the server knows us, and its key.
struct Own {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    path: PathBuf,
}

fn own_papers(wishes: &TlsWishes, usual: Option<&Path>) -> Result<Option<Own>, PostgresError> {
    let usual = |name: &str| usual.map(|folder| folder.join(name));
    let path = match &wishes.certificate {
        Some(path) => path.clone(),
        None => match usual("postgresql.crt").filter(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let certificates = certificates(&path)?;
    let key_path = wishes.key.clone().or_else(|| usual("postgresql.key"));
    let key_path = key_path.ok_or_else(|| missing(&path, "no sslkey goes with it"))?;
    if is_exposed(&key_path) {
        return Err(missing(&key_path, "others can read it, and it has to be for its owner alone"));
    }
    let key = PrivateKeyDer::from_pem_file(&key_path).map_err(|error| unreadable(&key_path, &error))?;
    Ok(Some(Own { certificates, key, path }))
}

/// As libpq has it: for its owner alone, or root's and for a group to read.
#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let allowed = |uid| if uid == 0 { 0o640 } else { 0o600 };
    path.metadata().is_ok_and(|about| about.mode() & 0o777 & !allowed(about.uid()) != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &Path) -> bool {
    false
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| unreadable(path, &error))?;
    if certificates.is_empty() { Err(missing(path, "there is no certificate in it")) } else { Ok(certificates) }
}

fn missing(path: &Path, reason: &str) -> PostgresError {
    PostgresError::TlsFile { path: path.to_owned(), reason: reason.to_owned() }
}

fn unreadable(path: &Path, error: &pem::Error) -> PostgresError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "what is needed is not in it, or is locked by a passphrase".to_owned(),
        // Others quote what they found.
        _ => "it is no PEM".to_owned(),
    };
    PostgresError::TlsFile { path: path.to_owned(), reason }
}

/// Checks a server's certificate as far as the mode asks for it.
#[derive(Debug)]
struct Verifier {
    trust: Option<Trust>,
    names_host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let verified =
            verify_server_cert_signed_by_trust_anchor(&certificate, &trust.roots, intermediates, now, algorithms);
        match verified {
            // "It is an authority's", which is said once it is known not to have ended: OpenSSL takes a server's own root.
            Err(TlsError::InvalidCertificate(CertificateError::Other(_)))
                if trust.certificates.iter().any(|root| root == end_entity) => {}
            verified => verified?,
        }
        if self.names_host {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What is wrong with an encrypted connection, as the end of a sentence.
pub(super) fn reason(error: &TlsError) -> String {
    use CertificateError as Bad;
    let reason = match error {
        TlsError::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "its certificate is not from an authority that sslrootcert names"
        }
        TlsError::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another host"
        }
        TlsError::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => "its certificate has ended",
        TlsError::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "its certificate is not valid yet"
        }
        TlsError::AlertReceived(alert) => return format!("the server ended it ({alert:?})"),
        other => return other.to_string(),
    };
    reason.to_owned()
}
