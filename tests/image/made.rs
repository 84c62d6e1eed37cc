//! The image, made in two ways: its last stage built by the engine itself, over what the stages before it would have
//! made; and a tar that is imported, with all that this stage says of it.

use std::fs;
use std::path::{Path, PathBuf};

use bed::TestEngine;
use bed::programs::built_static;
use bollard::body_full;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt as _;
use tar::{Builder, EntryType, Header};

/// Where the Dockerfile has what it copies.
const PROGRAM: &str = "/src/target/release/tokenferry";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The name that the compose files have for it.
const NAME: (&str, &str) = ("tokenferry", "latest");

/// A file of `setup/server`.
pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/server").join(name);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The Dockerfile's last stage.
pub(crate) fn last_stage() -> String {
    let all = file("Dockerfile");
    let at = all.find("FROM scratch\n").expect("the last stage should begin with nothing");
    all[at..].to_owned()
}

/// Brings in an image that has what the stages before the last one make, under the name of the stage that it copies from.
pub(crate) async fn import_stage(engine: &TestEngine) {
    let made = [PROGRAM, CERTIFICATES].map(|path| (PathBuf::from(path), content(path)));
    import(engine, ("build", "latest"), &made, Vec::new()).await;
}

/// Brings the whole image in, with what the last stage says; its name.
pub(crate) async fn import_whole(engine: &TestEngine) -> String {
    let stage = last_stage();
    let (copied, said): (Vec<&str>, Vec<&str>) = stage.lines().skip(1).partition(|line| line.starts_with("COPY "));
    let files: Vec<_> = copied
        .into_iter()
        .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            ["COPY", "--from=build", from, folder] => {
                let name = Path::new(from).file_name().expect("a file");
                (Path::new(folder).join(name), content(from))
            }
            _ => panic!("this is not understood here: {line}"),
        })
        .collect();
    import(engine, NAME, &files, said.into_iter().map(str::to_owned).collect()).await;
    format!("{}:{}", NAME.0, NAME.1)
}

/// What lies there in the stage that is copied from.
fn content(path: &str) -> Vec<u8> {
    match path {
        PROGRAM => fs::read(built_static("tokenferry")).expect("the program should be readable"),
        // The practice provider is asked without TLS; but without any certificate nobody is asked anything.
        CERTIFICATES => rcgen::generate_simple_self_signed(["nobody.example".to_owned()])
            .expect("a certificate")
            .cert
            .pem()
            .into_bytes(),
        _ => panic!("{path} is not made here"),
    }
}

async fn import(engine: &TestEngine, (name, tag): (&str, &str), files: &[(PathBuf, Vec<u8>)], changes: Vec<String>) {
    let mut tar = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o755);
        header.set_size(content.len().try_into().expect("a size"));
        let path = path.strip_prefix("/").expect("an absolute path");
        tar.append_data(&mut header, path, content.as_slice()).expect("memory takes it");
    }
    let tar = tar.into_inner().expect("memory takes it");
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(name).tag(tag).changes(changes).build();
    let imported = engine.docker().create_image(Some(options), Some(body_full(tar.into())), None);
    imported.try_collect::<Vec<_>>().await.expect("the image should be imported");
}
