//! An image with a shell: Debian's static busybox, brought in as a tar.

use std::{fs, process::Command};

use bed::TestEngine;
use tar::{Builder, EntryType, Header};

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnode:x:1000:\n";

/// Imports it, and gives its name.
pub(super) async fn import(engine: &TestEngine) -> String {
    let program = fs::read("/bin/busybox").expect("busybox should be there: `setup/install compose`");
    let listed = Command::new("/bin/busybox").arg("--list").output().expect("busybox should run").stdout;
    let applets = String::from_utf8(listed).expect("a list");
    let mut tar = Builder::new(Vec::new());
    for folder in ["bin", "etc", "root", "tmp"] {
        tar.append_data(&mut entry(EntryType::Directory, 0), folder, &[][..]).expect("memory takes it");
    }
    for (path, contents) in
        [("bin/busybox", program.as_slice()), ("etc/passwd", PASSWD.as_bytes()), ("etc/group", GROUP.as_bytes())]
    {
        tar.append_data(&mut entry(EntryType::Regular, contents.len()), path, contents).expect("memory takes it");
    }
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        tar.append_link(&mut entry(EntryType::Symlink, 0), format!("bin/{applet}"), "busybox")
            .expect("memory takes it");
    }
    engine.import("tokenferry-bed/shell", tar.into_inner().expect("memory takes it")).await
}

fn entry(kind: EntryType, size: usize) -> Header {
    let mut entry = Header::new_gnu();
    entry.set_entry_type(kind);
    entry.set_mode(0o755);
    entry.set_size(size.try_into().expect("a small file"));
    entry
}
