//! A stand-in for the image that the server's is built on: this machine's own C library and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bed::TestEngine;
use bollard::query_parameters::TagImageOptionsBuilder;
use tar::{Builder, EntryType, Header};

/// Brings it in under this name, so that nothing is pulled.
pub(super) async fn import(engine: &TestEngine, (repository, tag): (&str, &str), program: &Path) {
    let libraries = libraries(program);
    let mut tar = Builder::new(Vec::new());
    let folders: BTreeSet<&Path> = libraries.iter().flat_map(|library| library.ancestors().skip(1)).collect();
    for folder in folders.into_iter().filter(|folder| folder.parent().is_some()) {
        add(&mut tar, EntryType::Directory, folder, &[]).expect("memory takes it");
    }
    for library in &libraries {
        let content = fs::read(library).expect("the C library should be readable");
        add(&mut tar, EntryType::Regular, library, &content).expect("memory takes it");
    }
    let imported = engine.import("tokenferry-bed/libraries", tar.into_inner().expect("memory takes it")).await;
    let named = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
    engine.docker().tag_image(&imported, Some(named)).await.expect("the image should be named");
}

/// The libraries that the program needs, and their loader, by their paths.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let ldd = Command::new("ldd").arg(program).output().expect("ldd comes with every C library");
    let told = String::from_utf8_lossy(&ldd.stdout).into_owned();
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    let found: Vec<PathBuf> = told.lines().filter_map(path).collect();
    assert!(found.len() > 1, "the program's libraries should be here, but ldd says:\n{told}");
    found
}

fn add(tar: &mut Builder<Vec<u8>>, kind: EntryType, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_mtime(0);
    header.set_size(content.len().try_into().expect("a size"));
    tar.append_data(&mut header, path.strip_prefix("/").expect("an absolute path"), content)
}
