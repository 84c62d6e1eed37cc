//! A server that keeps containers signed in while the laptop sleeps: what `docs/servers.md` shows, used as it stands
//! there.

mod base;
mod container;
mod page;
mod units;

use std::path::{Path, PathBuf};

/// A file or folder of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files that the page shows, by their names, with what they hold.
fn files() -> Vec<(String, String)> {
    let folder = std::fs::read_dir(checkout("setup/server")).expect("the folder should be there");
    let file = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_str().expect("a plain name").to_owned();
        (name, std::fs::read_to_string(path).expect("a text"))
    };
    folder.map(|entry| file(entry.expect("an entry").path())).collect()
}
