//! Encrypted connections, at each `sslmode`, with a certificate of an authority that openssl made for the test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bed::Cluster;
use bed::postgres::{LITELLM, PASSWORD};
use engine::destinations::postgres::{Environment, Postgres, PostgresError};

use crate::scene::database;

/// A server with a certificate for `localhost`, and the folder of all papers.
struct Guarded {
    cluster: Cluster,
    papers: tempfile::TempDir,
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output();
    let output = output.expect("there is no openssl. Run `setup/install postgres`, or `make test`.");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `NAME.crt` and `NAME.key` of a new authority.
fn make_authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -addext basicConstraints=critical,CA:TRUE \
             -keyout {name}.key -out {name}.crt"
        ),
    );
}

/// `NAME.crt` and `NAME.key` from an authority.
fn make_certificate(folder: &Path, authority: &str, name: &str, more: &str) {
    openssl(folder, &format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
    fs::write(folder.join("more"), more).unwrap();
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -days 2 \
             -extfile more -out {name}.crt"
        ),
    );
}

impl Guarded {
    fn start(more: &str) -> Self {
        let papers = tempfile::tempdir().unwrap();
        make_authority(papers.path(), "ours");
        make_authority(papers.path(), "others");
        make_certificate(papers.path(), "ours", "server", "subjectAltName=DNS:localhost");
        make_certificate(papers.path(), "ours", LITELLM, "extendedKeyUsage=clientAuth");
        let cluster = Cluster::start();
        let mut guarded = Self { cluster, papers };
        guarded.serve("server", more);
        guarded
    }

    fn serve(&mut self, certificate: &str, more: &str) {
        for (name, file) in [(format!("{certificate}.crt"), "server.crt"), (format!("{certificate}.key"), "server.key")]
        {
            self.cluster.put(file, &fs::read(self.papers.path().join(name)).unwrap());
        }
        self.cluster.put("root.crt", &fs::read(self.papers.path().join("ours.crt")).unwrap());
        self.cluster.restart_with(&format!("ssl = on\n{more}"));
    }

    fn paper(&self, name: &str) -> PathBuf {
        self.papers.path().join(name)
    }

    fn url(&self, host: &str, options: &str) -> String {
        format!("postgres://{LITELLM}:{PASSWORD}@{host}:{}/{LITELLM}?{options}", self.cluster.port())
    }

    async fn refusal(&self, host: &str, options: &str) -> PostgresError {
        database(&self.url(host, options)).ping().await.expect_err(options)
    }

    /// Connects, and says whether the server has seen an encrypted connection.
    async fn is_encrypted(&self, host: &str, options: &str) -> bool {
        let before = self.encrypted();
        database(&self.url(host, options)).ping().await.unwrap_or_else(|error| panic!("{options}: {error}"));
        self.encrypted() > before
    }

    /// How many encrypted connections the server's log tells of.
    fn encrypted(&self) -> usize {
        self.cluster.log().matches("SSL enabled").count()
    }
}

const TELL: &str = "log_connections = on\n";

#[tokio::test]
async fn each_mode_checks_what_libpq_checks() {
    let mut guarded = Guarded::start(TELL);
    let ours = format!("sslrootcert={}", guarded.paper("ours.crt").display());
    let others = format!("sslrootcert={}", guarded.paper("others.crt").display());
    assert!(guarded.is_encrypted("localhost", "").await, "the default prefers it");
    assert!(!guarded.is_encrypted("localhost", "sslmode=disable").await);
    assert!(!guarded.is_encrypted("localhost", "sslmode=allow").await);
    // Without roots nothing is checked, as libpq does it.
    assert!(guarded.is_encrypted("127.0.0.1", "sslmode=require").await);
    assert!(guarded.is_encrypted("127.0.0.1", &format!("sslmode=verify-ca&{ours}")).await, "whatever the name");
    assert!(guarded.is_encrypted("localhost", &format!("sslmode=verify-full&{ours}")).await);
    let by_address = format!("hostaddr=127.0.0.1&sslmode=verify-full&{ours}");
    assert!(guarded.is_encrypted("localhost", &by_address).await, "the name counts, not the address");
    assert!(
        !guarded.is_encrypted("localhost", &format!("sslmode=prefer&{others}")).await,
        "then without, as libpq does"
    );

    let wrong_name = guarded.refusal("127.0.0.1", &format!("sslmode=verify-full&{ours}")).await;
    assert_eq!(wrong_name.code(), "postgres_tls");
    assert!(wrong_name.to_string().contains("for another host"), "{wrong_name}");
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = guarded.refusal("localhost", &format!("sslmode={mode}&{others}")).await;
        assert_eq!(error.code(), "postgres_tls", "with roots, {mode} checks");
        assert!(error.to_string().contains("sslrootcert"), "{error}");
    }
    for mode in ["verify-ca", "verify-full"] {
        let rootless = guarded.refusal("localhost", &format!("sslmode={mode}")).await;
        assert_eq!(rootless.code(), "postgres_tls_file", "{rootless}");
        let nowhere = guarded.refusal("localhost", &format!("sslmode={mode}&sslrootcert=/nowhere/ca.crt")).await;
        assert!(nowhere.to_string().contains("/nowhere/ca.crt"), "{nowhere}");
    }
    let system = guarded.refusal("localhost", "sslrootcert=system").await;
    assert!(matches!(system.code(), "postgres_tls" | "postgres_tls_file"), "{system}");

    // By the socket nothing is encrypted, whatever the mode.
    database(&format!("{}&sslmode=require", guarded.cluster.by_socket())).ping().await.unwrap();
    // A server's own certificate as its root, as PostgreSQL's manual makes one.
    openssl(
        guarded.papers.path(),
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
         -keyout own.key -out own.crt",
    );
    guarded.serve("own", TELL);
    let own = format!("sslrootcert={}", guarded.paper("own.crt").display());
    assert!(guarded.is_encrypted("localhost", &format!("sslmode=verify-full&{own}")).await);
    assert_eq!(guarded.refusal("127.0.0.1", &format!("sslmode=verify-full&{own}")).await.code(), "postgres_tls");
    assert_eq!(guarded.refusal("localhost", &format!("sslmode=verify-full&{ours}")).await.code(), "postgres_tls");
    guarded.cluster.restart_with("ssl = off\n");
    assert_eq!(guarded.refusal("localhost", "sslmode=require").await.code(), "postgres_without_tls");
    assert!(!guarded.is_encrypted("localhost", "sslmode=prefer").await);
}

#[tokio::test]
async fn roots_and_papers_are_found_in_the_usual_folder() {
    let mut guarded = Guarded::start(&format!("ssl_ca_file = 'root.crt'\n{TELL}"));
    guarded.cluster.allow("hostssl all all 127.0.0.1/32 cert");
    let usual = tempfile::tempdir().unwrap();
    let environment = || Environment { papers: Some(usual.path().to_owned()), ..Environment::default() };
    let ping = async |options: &str| {
        let url = guarded.url("localhost", &format!("hostaddr=127.0.0.1&{options}")).parse().unwrap();
        Postgres::new(url, environment()).ping().await
    };
    let put = |from: &str, to: &str, mode| {
        fs::copy(guarded.paper(from), usual.path().join(to)).unwrap();
        fs::set_permissions(usual.path().join(to), fs::Permissions::from_mode(mode)).unwrap();
    };
    let nameless = ping("sslmode=require").await.unwrap_err();
    assert!(matches!(nameless.code(), "postgres_tls" | "postgres_not_let_in"), "{nameless}");
    put("litellm.crt", "postgresql.crt", 0o644);
    put("litellm.key", "postgresql.key", 0o600);
    put("ours.crt", "root.crt", 0o644);
    ping("sslmode=verify-full").await.unwrap();
    // pg_hba takes none without TLS, so these two come to it on their second way, or their first.
    ping("sslmode=allow").await.unwrap();
    ping("").await.unwrap();
    let named = format!(
        "sslmode=verify-ca&sslcert={}&sslkey={}",
        guarded.paper("litellm.crt").display(),
        guarded.paper("litellm.key").display()
    );
    fs::set_permissions(guarded.paper("litellm.key"), fs::Permissions::from_mode(0o600)).unwrap();
    ping(&named).await.unwrap();
    put("litellm.key", "postgresql.key", 0o644);
    let exposed = ping("sslmode=require").await.unwrap_err();
    assert_eq!(exposed.code(), "postgres_tls_file");
    assert!(exposed.to_string().contains("others can read it"), "{exposed}");
    put("others.crt", "root.crt", 0o644);
    assert_eq!(ping(&named.replace("verify-ca", "require")).await.unwrap_err().code(), "postgres_tls");
    fs::write(usual.path().join("root.crt"), "no certificate").unwrap();
    assert_eq!(ping(&named).await.unwrap_err().code(), "postgres_tls_file");
}
