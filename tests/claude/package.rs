//! The CLI's package: fetched once from the npm registry, checked against the hash that stands here, and kept below the
//! target folder. Where it can't be had, the reason is said to everybody's face, and nothing fails for that alone.

use std::{
    env,
    error::Error,
    fs,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::task::spawn_blocking;

/// The version that the facts were measured with.
pub(crate) const VERSION: &str = "2.1.329";

/// The package for this machine, and its integrity as the registry tells it.
const PACKAGE: Option<(&str, &str)> = if cfg!(target_arch = "x86_64") {
    Some((
        "claude-code-linux-x64",
        "sha512-+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==",
    ))
} else if cfg!(target_arch = "aarch64") {
    Some((
        "claude-code-linux-arm64",
        "sha512-IiG5umFToSCVWqB1lEsxxwIxKgxPXyZ3DRU915v8J4Bz5Q3JpslM0ew1m5yaT+lFXBPvYxmsEgi0XI68XHND0A==",
    ))
} else {
    None
};

/// Where npm looks unless it is told otherwise.
const REGISTRY: &str = "https://registry.npmjs.org";

/// To find out that there is no way to a registry.
const CONNECT: Duration = Duration::from_secs(10);
/// For 174 MB over a slow line; `make test` has other things to do meanwhile.
const FETCH: Duration = Duration::from_secs(300);
/// Within one run of the tests, one failed attempt is enough for all.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// The program of the package, and its integrity.
pub(crate) struct Package {
    pub(crate) program: PathBuf,
    pub(crate) integrity: &'static str,
}

/// The package, or why it can't be had.
pub(crate) async fn package() -> Result<Package, String> {
    let (name, integrity) = PACKAGE.ok_or("there is no package for this machine's architecture")?;
    // Cargo's own folder for what tests leave.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = kept.join(format!("{name}-{VERSION}"));
    let program = folder.join("package/claude");
    // Test processes run side by side, and one fetches for all.
    let turn = File::create(kept.join("claude-code.lock")).map_err(|why| why.to_string())?;
    let turn = spawn_blocking(move || turn.lock().map(|()| turn)).await.expect("no panic");
    let _turn = turn.map_err(|why| why.to_string())?;
    if program.is_file() {
        return Ok(Package { program, integrity });
    }
    let note = kept.join("claude-code.missing");
    if let Some(why) = noted(&note) {
        return Err(why);
    }
    match fetch(name, integrity, &folder).await {
        Ok(()) => {
            let _ = fs::remove_file(note);
            Ok(Package { program, integrity })
        }
        Err(why) => {
            // For `make test`, which shows it at its very end.
            let _ = fs::write(note, format!("{why}\n"));
            Err(why)
        }
    }
}

/// Why another test of this run could not have it.
fn noted(note: &Path) -> Option<String> {
    let age = fs::metadata(note).ok()?.modified().ok()?.elapsed().ok()?;
    (age < ASK_AGAIN).then(|| fs::read_to_string(note).ok().map(|why| why.trim_end().to_owned()))?
}

async fn fetch(name: &str, integrity: &str, folder: &Path) -> Result<(), String> {
    let address = format!("{}/@anthropic-ai/{name}/-/{name}-{VERSION}.tgz", registry());
    let archive = download(&address).await.map_err(|why| format!("{address} can't be fetched: {}", innermost(&why)))?;
    unpack(&archive, integrity, folder).map_err(|why| format!("{address} can't be used: {why}"))
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
    let digest = BASE64_STANDARD.decode(integrity.trim_start_matches("sha512-")).expect("a hash stands above");
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

/// Tells everybody, also where a test's output is kept back, that the real CLI was left out.
pub(crate) fn shout(why: &str) {
    let line = format!("\n!!! NOT TESTED WITH THE REAL CLAUDE CODE CLI {VERSION}: {why}\n\n");
    // `eprintln!` would be caught by the test harness.
    let _ = io::stderr().write_all(line.as_bytes());
}
