//! A server that keeps containers signed in while the laptop sleeps: what `docs/servers.md` and `docs/proxy.md` show. The
//! image is run by `tests/image`, and the proxy by `tests/serve`.

mod page;
mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file or folder of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files that the pages show, by their names, with what they hold.
fn files() -> BTreeMap<String, String> {
    let folder = std::fs::read_dir(checkout("setup/server")).expect("the folder should be there");
    let file = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_str().expect("a plain name").to_owned();
        (name, std::fs::read_to_string(path).expect("a text"))
    };
    folder.map(|entry| file(entry.expect("an entry").path())).collect()
}

/// One of them.
fn file(name: &str) -> String {
    files().remove(name).unwrap_or_else(|| panic!("setup/server has no {name}"))
}
