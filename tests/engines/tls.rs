//! An engine with TLS on both sides, on the loopback: by a context, by docker's variables, and with papers that don't fit.

use std::fs;
use std::path::{Path, PathBuf};

use bed::Dockerd;
use engine::destinations::docker::{Docker, EngineChoice, Environment, resolve};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use sha2::{Digest as _, Sha256};

use crate::parcels::{FILE, carry, parcel, writing};

/// An engine that asks for a certificate, and the folder of all papers.
struct Guarded {
    dockerd: Dockerd,
    papers: tempfile::TempDir,
    address: String,
}

/// Who gives certificates out.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut wanted = CertificateParams::new([]).unwrap();
    wanted.distinguished_name.push(DnType::CommonName, name);
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(wanted, KeyPair::generate().unwrap()).unwrap()
}

/// A folder with `ca.pem`, `cert.pem` and `key.pem`, as docker expects it.
fn papers(folder: &Path, trusted: &Authority, giver: &Authority, names: &[&str], purpose: ExtendedKeyUsagePurpose) {
    fs::create_dir_all(folder).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    wanted.extended_key_usages = vec![purpose];
    let certificate = wanted.signed_by(&key, giver).unwrap();
    fs::write(folder.join("ca.pem"), trusted.pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

impl Guarded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (authority("ours"), authority("somebody else's"));
        let at = |name: &str| folder.path().join(name);
        papers(&at("server"), &ours, &ours, &["127.0.0.1", "localhost"], ExtendedKeyUsagePurpose::ServerAuth);
        papers(&at("client"), &ours, &ours, &["client"], ExtendedKeyUsagePurpose::ClientAuth);
        papers(&at("trusts-another"), &other, &ours, &["client"], ExtendedKeyUsagePurpose::ClientAuth);
        papers(&at("from-another"), &ours, &other, &["client"], ExtendedKeyUsagePurpose::ClientAuth);
        let mut dockerd = Dockerd::start().await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("tcp://127.0.0.1:{port}");
        let paper = |name: &str| at("server").join(name).into_os_string().into_string().unwrap();
        let options =
            ["--host", &address, "--tlsverify", "--tlscacert", &paper("ca.pem"), "--tlscert", &paper("cert.pem")];
        let options = options.into_iter().map(str::to_owned).chain(["--tlskey".to_owned(), paper("key.pem")]);
        dockerd.restart_with(options).await;
        Self { dockerd, papers: folder, address }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.papers.path().join(name)
    }

    /// By `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`.
    fn by_variables(&self, papers: &str) -> Docker {
        let environment = Environment {
            host: Some(self.address.clone()),
            verify: true,
            certificates: Some(self.folder(papers)),
            ..Environment::default()
        };
        Docker::new(resolve(&EngineChoice::FromEnvironment, &environment).unwrap(), "tls").unwrap()
    }

    /// By a context with files of its own.
    fn by_context(&self, papers: &str) -> Docker {
        let config = self.papers.path().join("config");
        let hash: String = Sha256::digest("guarded").iter().map(|byte| format!("{byte:02x}")).collect();
        let (meta, tls) =
            (config.join("contexts/meta").join(&hash), config.join("contexts/tls").join(&hash).join("docker"));
        fs::create_dir_all(&meta).unwrap();
        fs::create_dir_all(&tls).unwrap();
        let words = serde_json::json!({"Name": "guarded", "Endpoints": {"docker": {"Host": self.address}}});
        fs::write(meta.join("meta.json"), words.to_string()).unwrap();
        for name in ["ca.pem", "cert.pem", "key.pem"] {
            fs::copy(self.folder(papers).join(name), tls.join(name)).unwrap();
        }
        let environment = Environment { config: Some(config), ..Environment::default() };
        let reach = resolve(&EngineChoice::named("guarded"), &environment).unwrap();
        assert_eq!(reach.address(), self.address);
        Docker::new(reach, "tls").unwrap()
    }
}

#[tokio::test]
async fn a_delivery_goes_through_tls_and_papers_that_don_t_fit_are_refused() {
    let guarded = Guarded::start().await;
    let volume = guarded.dockerd.volume().await;
    for (docker, content) in
        [(guarded.by_context("client"), b"by context"), (guarded.by_variables("client"), b"by variab.")]
    {
        carry(&docker, parcel(volume.name(), [writing(FILE, content)])).await.unwrap();
        assert_eq!(volume.read(FILE).await.contents(), content);
    }
    for (papers, words) in [("trusts-another", "ca.pem"), ("from-another", "cert.pem")] {
        for docker in [guarded.by_context(papers), guarded.by_variables(papers)] {
            let error = docker.ping().await.unwrap_err();
            assert_eq!(error.code(), "engine_tls", "{papers}: {error}");
            assert!(error.to_string().contains(words), "{papers}: {error}");
        }
    }
    let plain = Environment { host: Some(guarded.address.clone()), ..Environment::default() };
    let plain = Docker::new(resolve(&EngineChoice::FromEnvironment, &plain).unwrap(), "tls").unwrap();
    assert_eq!(plain.ping().await.unwrap_err().code(), "engine_refused", "it asks for TLS");
}

#[tokio::test]
async fn papers_that_are_missing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment {
        host: Some("tcp://127.0.0.1:9".to_owned()),
        verify: true,
        certificates: Some(folder.path().to_owned()),
        ..Environment::default()
    };
    let error = Docker::new(resolve(&EngineChoice::FromEnvironment, &environment).unwrap(), "tls").unwrap_err();
    assert_eq!(error.code(), "engine_tls");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
}
