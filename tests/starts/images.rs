//! Images to start containers from, brought in as they would be from a registry.

use bed::TestEngine;
use tar::{Archive, Builder, EntryType, Header};

/// Where the images' applications look for their settings.
pub(crate) const SETTINGS: &str = "/home/node/.claude";

/// The practice app with a folder for settings that is empty and the user's.
pub(crate) async fn with_folder(engine: &TestEngine) -> String {
    with(engine, "with-folder", &[]).await
}

/// The practice app with a folder for settings that is the user's and has something in it.
pub(crate) async fn with_content(engine: &TestEngine) -> String {
    let items = [
        ("settings.json", EntryType::Regular, 0o644, &b"{\"theme\":\"dark\"}"[..]),
        ("commands/", EntryType::Directory, 0o700, b""),
        ("commands/greet.md", EntryType::Regular, 0o600, b"Say hello."),
        ("latest", EntryType::Symlink, 0o777, b"commands/greet.md"),
    ];
    with(engine, "with-content", &items).await
}

async fn with(engine: &TestEngine, name: &str, items: &[(&str, EntryType, u32, &[u8])]) -> String {
    let mut tar = Builder::new(Vec::new());
    let app = practice::app::image_tar().expect("the practice app is built");
    for entry in Archive::new(app.as_slice()).entries().unwrap() {
        let entry = entry.unwrap();
        let (mut header, path) = (entry.header().clone(), entry.path().unwrap().into_owned());
        tar.append_data(&mut header, path, entry).unwrap();
    }
    let folder = SETTINGS.trim_start_matches('/');
    for (path, kind, mode, content) in [("", EntryType::Directory, 0o750, &b""[..])].iter().chain(items) {
        let mut header = Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_uid(1000);
        header.set_gid(1000);
        header.set_mtime(1_700_000_000);
        header.set_size(0);
        let path = format!("{folder}/{path}");
        if *kind == EntryType::Symlink {
            tar.append_link(&mut header, path, std::str::from_utf8(content).unwrap()).unwrap();
        } else {
            header.set_size(content.len().try_into().unwrap());
            tar.append_data(&mut header, path, *content).unwrap();
        }
    }
    engine.import(&format!("tokenferry-bed/{name}"), tar.into_inner().unwrap()).await
}
