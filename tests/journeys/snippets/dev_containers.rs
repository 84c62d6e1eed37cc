//! The dev containers' own command, from the npm registry: fetched once by npm, checked against the hash that stands
//! here, and kept below the target folder. Where it can't be had, that is said to everybody's face, and nothing fails.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha512};
use tokio::task::spawn_blocking;

const PACKAGE: &str = "@devcontainers/cli@0.89.0";
/// How npm calls the archive.
const ARCHIVE: &str = "devcontainers-cli-0.89.0.tgz";
/// The archive's SHA-512.
const HASH: &str = "2f36a8386290fd9aa5e8fb226788552185596a0cd6903eb9686ff5a2ee7f2a5cb96353ed8cb835ca7eeabbe2d90b3568\
                    025e83659fe96f3f2a38ee112cd96a32";
/// Within one run of the tests, one failed attempt is enough.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// The program, for node; none, said loudly, where it can't be had.
pub(super) async fn program() -> Option<PathBuf> {
    match spawn_blocking(fetched).await.expect("no panic") {
        Ok(program) => Some(program),
        Err(why) => {
            // `eprintln!` would be caught by the test harness.
            let line = format!("\n!!! NOT TESTED WITH REAL DEV CONTAINERS ({PACKAGE}): {why}\n\n");
            let _ = io::stderr().write_all(line.as_bytes());
            None
        }
    }
}

fn fetched() -> Result<PathBuf, String> {
    // Cargo's own folder for what tests leave.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = kept.join(ARCHIVE.trim_end_matches(".tgz"));
    let program = folder.join("package/devcontainer.js");
    if program.is_file() {
        return Ok(program);
    }
    // For `make test`, which shows it at its very end.
    let note = kept.join("dev-containers.missing");
    if fs::metadata(&note).and_then(|it| it.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age < ASK_AGAIN)) {
        return fs::read_to_string(&note).map_err(|why| why.to_string()).and_then(Err);
    }
    let done = fetch(&folder);
    let _ = match &done {
        Ok(()) => fs::remove_file(note),
        Err(why) => fs::write(note, format!("{why}\n")),
    };
    done.map(|()| program)
}

/// Into a folder beside the final one, so that what is there is whole.
fn fetch(folder: &Path) -> Result<(), String> {
    let io = |why: io::Error| why.to_string();
    let half = tempfile::tempdir_in(folder.parent().expect("the target folder")).map_err(io)?;
    let within = ["--fetch-retries=1", "--fetch-timeout=60000", "--pack-destination"];
    said(Command::new("npm").args(["pack", "--silent", PACKAGE]).args(within).arg(half.path()))?;
    let archive = half.path().join(ARCHIVE);
    let mut digest = Sha512::new();
    io::copy(&mut File::open(&archive).map_err(io)?, &mut digest).map_err(io)?;
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found != HASH {
        return Err(format!("it is not what it should be: {found}"));
    }
    said(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(half.path()))?;
    fs::rename(half.keep(), folder).map_err(io)
}

fn said(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|why| format!("{name}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {}", said.trim())) }
}
