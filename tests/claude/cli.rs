//! The CLI as an image: the package's one program and the host's own C library, imported once per engine.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use bed::{TestEngine, claude_cli::PACKAGE};
use bollard::{body_full, query_parameters::CreateImageOptionsBuilder};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};
use tokio::task::spawn_blocking;

/// Where the CLI is in the image.
pub(crate) const PROGRAM: &str = "/usr/local/bin/claude";

/// What the C library loads only when a name is looked up, so that no program names it.
const LOADED_LATE: [&str; 3] = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/// The image's name with its tag; none, said loudly, where the package can't be had.
pub(crate) async fn image(engine: &TestEngine) -> Option<String> {
    let files = PACKAGE.files(Path::new(env!("CARGO_TARGET_TMPDIR"))).await?;
    Some(import(engine, &files.join("claude")).await)
}

/// Imports it, unless that was done before. The practice app's image is its base, which has users, a home and `/app`.
async fn import(engine: &TestEngine, program: &Path) -> String {
    let base = base(program);
    let (_, integrity) = PACKAGE.archive.expect("it is here");
    let mut digest = Sha256::new_with_prefix(integrity);
    digest.update(base.get_ref());
    let tag: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let (repository, tag) = ("tokenferry-bed/claude-code", format!("{}-{tag}", PACKAGE.version));
    let name = format!("{repository}:{tag}");

    let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("claude-code.lock")).expect("a lock file");
    let turn = spawn_blocking(move || turn.lock().map(|()| turn)).await.expect("no panic");
    let _turn = turn.expect("the lock should be had");
    if engine.docker().inspect_image(&name).await.is_err() {
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(repository).tag(&tag).build();
        let tar = with_program(base, program);
        let import = engine.docker().create_image(Some(options), Some(body_full(tar.into())), None);
        import.try_collect::<Vec<_>>().await.expect("the image should be imported");
    }
    name
}

/// All of the image but the CLI itself.
fn base(program: &Path) -> Builder<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let app = practice::app::image_tar().expect("this is Linux");
    let mut app = Archive::new(app.as_slice());
    for entry in app.entries().expect("an archive") {
        let mut entry = entry.expect("a whole archive");
        let (mut header, path) = (entry.header().clone(), entry.path().expect("a path").into_owned());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("a whole archive");
        tar.append_data(&mut header, path, content.as_slice()).expect("memory takes it");
    }
    let libraries = libraries(program);
    let files = libraries.iter().map(PathBuf::as_path).chain([Path::new(PROGRAM)]);
    let folders: BTreeSet<&Path> = files.flat_map(|file| file.ancestors().skip(1)).collect();
    for folder in folders.into_iter().filter(|folder| folder.parent().is_some()) {
        add(&mut tar, EntryType::Directory, folder, io::empty(), 0);
    }
    for library in &libraries {
        let content = fs::read(library).expect("the host's C library should be readable");
        add(&mut tar, EntryType::Regular, library, content.as_slice(), content.len());
    }
    tar
}

/// The host's own libraries that the program needs, by their paths: `ldd` asks the loader, which is one of them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let ldd = Command::new("ldd").arg(program).output().expect("ldd comes with every C library");
    let told = String::from_utf8_lossy(&ldd.stdout).into_owned();
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    let mut found: Vec<PathBuf> = told.lines().filter_map(path).collect();
    assert!(found.len() > 1, "the program's libraries should be here, but ldd says:\n{told}");
    let folder = found.iter().find(|path| path.ends_with("libc.so.6")).and_then(|path| path.parent());
    let late = folder.into_iter().flat_map(|folder| LOADED_LATE.map(|name| folder.join(name)));
    let late: Vec<PathBuf> = late.filter(|path| path.exists()).collect();
    found.extend(late);
    found
}

fn with_program(mut tar: Builder<Vec<u8>>, program: &Path) -> Vec<u8> {
    let file = File::open(program).expect("the program should be there");
    let size = file.metadata().expect("a file has a size").len();
    add(&mut tar, EntryType::Regular, Path::new(PROGRAM), file, size.try_into().expect("it fits into memory"));
    tar.into_inner().expect("memory takes it")
}

fn add(tar: &mut Builder<Vec<u8>>, kind: EntryType, path: &Path, content: impl Read, size: usize) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_mtime(0);
    header.set_size(size.try_into().expect("a size"));
    let path = path.strip_prefix("/").expect("an absolute path");
    tar.append_data(&mut header, path, content).expect("memory takes it");
}

/// Named and shown so that nobody overlooks whether the real CLI was there. See `.config/nextest.toml`.
#[tokio::test]
async fn the_real_claude_code_is_at_hand() {
    let begun = Instant::now();
    if let Some(image) = image(&TestEngine::get()).await {
        let (version, took) = (PACKAGE.version, begun.elapsed());
        let line = format!("The real Claude Code CLI {version} is at hand, as {image}, after {took:?}.\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
