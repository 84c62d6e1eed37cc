//! Packages of the npm registry that tests try: fetched once, checked against the hash that the test knows, and kept below
//! the target folder. Where one can't be had, that is said to everybody's face, and nothing fails for that alone.

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::fetched;

/// Where npm looks unless it is told otherwise.
const REGISTRY: &str = "https://registry.npmjs.org";

/// To find out that there is no way to a registry.
const CONNECT: Duration = Duration::from_secs(10);
/// For 174 MB over a slow line; `make test` has other things to do meanwhile.
const FETCH: Duration = Duration::from_secs(300);

/// A package of one version.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// What is not tested without it: `THE REAL CLAUDE CODE CLI`.
    pub what: &'static str,
    /// The scope of its name, such as `@anthropic-ai`; empty where it has none.
    pub scope: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its name within the scope, and its integrity as the registry tells it (`sha512-…`); none where there is none for
    /// this machine.
    pub archive: Option<(&'static str, &'static str)>,
}

impl Package {
    /// The folder of its files, in Cargo's own for what tests leave; none, said loudly, where it can't be had.
    ///
    /// # Panics
    /// Where that folder can't be used.
    pub async fn files(&self, kept: &Path) -> Option<PathBuf> {
        fetched::once(self.what, self.version, kept, self.had(kept)).await
    }

    async fn had(&self, kept: &Path) -> Result<PathBuf, String> {
        let Self { scope, version, .. } = self;
        let (name, integrity) = self.archive.ok_or("there is none for this machine's architecture")?;
        let scoped = if scope.is_empty() { name.to_owned() } else { format!("{scope}/{name}") };
        let folder = kept.join(format!("{}-{version}", scoped.trim_start_matches('@').replace('/', "-")));
        // What npm's archives have at their top.
        let files = folder.join("package");
        if !files.is_dir() {
            let address = format!("{}/{scoped}/-/{name}-{version}.tgz", registry());
            let archive = download(&address).await;
            let archive = archive.map_err(|why| format!("{address} can't be fetched: {}", innermost(&why)))?;
            unpack(&archive, integrity, &folder).map_err(|why| format!("{address} can't be used: {why}"))?;
        }
        Ok(files)
    }
}

/// The reason that a person can act on.
fn innermost(why: &dyn Error) -> &dyn Error {
    why.source().map_or(why, innermost)
}

/// The registry that npm would use.
fn registry() -> String {
    let named = ["NPM_CONFIG_REGISTRY", "npm_config_registry"].into_iter().find_map(|name| env::var(name).ok());
    let configured = || {
        let npm = Command::new("npm").args(["config", "get", "registry"]).output().ok()?;
        Some(String::from_utf8_lossy(&npm.stdout).trim().to_owned())
    };
    let registry = named.or_else(configured).filter(|address| address.starts_with("http"));
    registry.unwrap_or_else(|| REGISTRY.to_owned()).trim_end_matches('/').to_owned()
}

async fn download(address: &str) -> reqwest::Result<Vec<u8>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().connect_timeout(CONNECT).timeout(FETCH).build()?;
    Ok(client.get(address).send().await?.error_for_status()?.bytes().await?.into())
}

/// Checks it, and unpacks it into a folder beside the final one, so that what is there is whole. The system's own programs
/// do the work: ours would take a minute for it, as tests are built.
fn unpack(archive: &[u8], integrity: &str, folder: &Path) -> io::Result<()> {
    let parent = folder.parent().expect("it lies in the target folder");
    let half = tempfile::tempdir_in(parent)?;
    let file = half.path().join("package.tgz");
    fs::write(&file, archive)?;
    let summed = carried_out(Command::new("sha512sum").arg(&file))?;
    let digest = BASE64_STANDARD.decode(integrity.trim_start_matches("sha512-")).expect("a hash of npm's");
    let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if summed.split_whitespace().next() != Some(&expected) {
        return Err(io::Error::other("it is not the package whose hash is known"));
    }
    carried_out(Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(half.path()))?;
    fs::remove_file(file)?;
    fs::rename(half.keep(), folder)
}

fn carried_out(command: &mut Command) -> io::Result<String> {
    let done = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(io::Error::other(text(&done.stderr))) }
}
