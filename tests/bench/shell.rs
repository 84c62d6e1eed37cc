//! An image with a shell, which delivering by hand takes: Debian's busybox, fetched as a package and unpacked below the
//! folder of the built programs. Nothing is installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bed::{TestEngine, programs::built};
use tar::{Builder, EntryType, Header};

/// Debian's package of one static file that is a shell and all the rest.
const PACKAGE: &str = "busybox-static";

/// The image's name; or why it can't be had, in a sentence.
pub(crate) async fn image(engine: &TestEngine) -> Result<String, String> {
    let program =
        busybox().map_err(|why| format!("The package {PACKAGE} could not be fetched and unpacked: {why}."))?;
    Ok(engine.import("tokenferry-bench/shell", archive(&program)).await)
}

/// The program's bytes, fetched where that was not done before.
fn busybox() -> Result<Vec<u8>, String> {
    let folder = built("tokenferry").with_file_name("bench-shell");
    let program = folder.join("bin/busybox");
    if !program.is_file() {
        fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        run(Command::new("apt-get").args(["download", PACKAGE]).current_dir(&folder))?;
        run(Command::new("dpkg-deb").arg("--extract").arg(package(&folder)?).arg(&folder))?;
    }
    fs::read(&program).map_err(|why| format!("{}: {why}", program.display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|why| format!("{name}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default().trim_end_matches('.');
    if output.status.success() { Ok(()) } else { Err(format!("{name} says \"{last}\"")) }
}

fn package(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|why| why.to_string())?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    paths.find(is_package).ok_or_else(|| "apt-get left no package".to_owned())
}

/// A root file system of the program, and of what it is called by.
fn archive(program: &[u8]) -> Vec<u8> {
    let header = |kind, size: usize| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_mtime(0);
        header.set_size(size as u64);
        header
    };
    let mut tar = Builder::new(Vec::new());
    tar.append_data(&mut header(EntryType::Regular, program.len()), "bin/busybox", program).expect("memory is patient");
    for name in ["bin/sh", "bin/cat"] {
        tar.append_link(&mut header(EntryType::Symlink, 0), name, "busybox").expect("memory is patient");
    }
    tar.into_inner().expect("memory is patient")
}
