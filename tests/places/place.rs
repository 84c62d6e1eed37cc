//! A place of each kind, as a test has it: how it is named on the command line, and what lies in it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bed::{Cluster, TestEngine, Volume};
use engine::destinations::kubernetes::key_of;
use engine::formats::Taker;
use engine::settings;
use fernet::Fernet;
use tempfile::TempDir;

use crate::stand_in::StandIn;

/// Every kind of place: its option's name, and one of the kind, in the order of the README's table.
pub(crate) fn kinds() -> [(&'static str, settings::Place); 4] {
    let place = |words: &str| {
        let destination: settings::Destination = toml::from_str(&format!("name = \"it\"\n{words}")).unwrap();
        destination.place
    };
    [
        ("volume", place("volume = \"v\"")),
        ("directory", place("directory = \"/d\"")),
        ("postgres", place("postgres = \"postgres://db/d\"\nuser-id = \"u\"")),
        ("kubernetes", place("kubernetes = \"n/s\"")),
    ]
}

/// A place that is gone when this is dropped.
pub(crate) enum Place {
    Volume(Volume),
    Directory(TempDir),
    /// Ada's row, and the key that it is encrypted with.
    Postgres(Cluster, String),
    /// A Secret for each format.
    Kubernetes(Box<StandIn>),
}

/// The content of each file by its path, and its permission bits where a place has such.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, Option<u32>)>;

impl Place {
    /// One of this kind, empty. `key` is what rows are encrypted with.
    pub(crate) async fn of(kind: &str, engine: &TestEngine, key: &str) -> Self {
        match kind {
            "volume" => Self::Volume(engine.volume().await),
            "directory" => Self::Directory(tempfile::tempdir().unwrap()),
            "postgres" => {
                let cluster = Cluster::start();
                cluster.sql(r#"INSERT INTO "LiteLLM_UserTable" VALUES ('ada')"#);
                Self::Postgres(cluster, key.to_owned())
            }
            "kubernetes" => Self::Kubernetes(Box::new(StandIn::start().await)),
            other => panic!("say here how a {other} is made"),
        }
    }

    /// As `destination add` takes it.
    pub(crate) fn arguments(&self, taker: &dyn Taker) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Volume(volume) => &["--volume", volume.name()],
            Self::Directory(folder) => &["--directory", folder.path().to_str().unwrap()],
            Self::Postgres(cluster, _) => &["--postgres", &cluster.by_socket(), "--user-id", "ada"],
            Self::Kubernetes(_) => &["--kubernetes", &secret_of(taker)],
        };
        words.iter().copied().map(str::to_owned).collect()
    }

    /// What lies in it, of this taker's at least.
    pub(crate) async fn files(&self, taker: &dyn Taker) -> Files {
        match self {
            Self::Volume(volume) => {
                let all = volume.all().await.into_iter();
                all.filter(|(_, found)| found.is_file())
                    .map(|(path, found)| {
                        let (.., mode) = found.rights();
                        (path.to_str().unwrap().to_owned(), (found.contents().to_vec(), Some(mode)))
                    })
                    .collect()
            }
            Self::Directory(folder) => below(folder.path()),
            Self::Postgres(cluster, key) => {
                let row = r#"SELECT access_token_encrypted FROM "LiteLLM_ClaudeOAuthTokens" WHERE user_id = 'ada'"#;
                let rows = cluster.sql(row);
                let decrypted = rows.lines().map(|row| Fernet::new(key).unwrap().decrypt(row).unwrap());
                decrypted.map(|token| (taker.files()[0].path.to_owned(), (token, None))).collect()
            }
            Self::Kubernetes(cluster) => {
                let Some(secret) = cluster.secret(&secret_of(taker)) else { return Files::new() };
                let value = |path: &str| secret.value(&key_of(path).unwrap());
                let paths = taker.files().iter().map(|file| file.path.to_owned());
                paths.filter_map(|path| value(&path).map(|content| (path, (content, None)))).collect()
            }
        }
    }
}

fn secret_of(taker: &dyn Taker) -> String {
    format!("default/{}", taker.name())
}

fn below(top: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![top.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            let mode = path.symlink_metadata().unwrap().mode() & 0o777;
            files.insert(name, (std::fs::read(&path).unwrap(), Some(mode)));
        }
    }
    files
}
