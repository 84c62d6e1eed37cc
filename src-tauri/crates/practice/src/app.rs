//! The practice app as an image: one static file that plays an application in a container. What it can do is told at
//! the top of `app/main.rs`.

/// The program, where there is one.
#[cfg(target_os = "linux")]
const PROGRAM: Option<&[u8]> = Some(include_bytes!(concat!(env!("OUT_DIR"), "/practice-app")));
#[cfg(not(target_os = "linux"))]
const PROGRAM: Option<&[u8]> = None;

/// The user id and group id of the image's user `node`, as in the official Node images.
pub const NODE: u32 = 1000;

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/sbin/nologin\nnode:x:1000:1000:node:/home/node:/sbin/nologin\n";
const GROUP: &[u8] = b"root:x:0:\nnode:x:1000:\n";

/// A file or folder of the image, as `(path, mode, owner, content)`; a folder has no content.
type Item = (&'static str, u32, u32, Option<&'static [u8]>);

/// The image's files as a tar for `POST /images/create?fromSrc=-`: the program as `/app`, a user `node` with the id
/// 1000 and a home without `.claude`, and `/tmp`. The image has no entry point: name `/app` and its arguments.
///
/// None on systems other than Linux.
#[must_use]
pub fn image_tar() -> Option<Vec<u8>> {
    let program = PROGRAM?;
    let items: [Item; 8] = [
        ("app", 0o755, 0, Some(program)),
        ("etc/", 0o755, 0, None),
        ("etc/passwd", 0o644, 0, Some(PASSWD)),
        ("etc/group", 0o644, 0, Some(GROUP)),
        ("home/", 0o755, 0, None),
        ("home/node/", 0o755, NODE, None),
        ("root/", 0o700, 0, None),
        ("tmp/", 0o1777, 0, None),
    ];
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, owner, content) in items {
        let data = content.unwrap_or_default();
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(if content.is_some() { tar::EntryType::Regular } else { tar::EntryType::Directory });
        header.set_mode(mode);
        header.set_uid(owner.into());
        header.set_gid(owner.into());
        header.set_mtime(0);
        header.set_size(u64::try_from(data.len()).ok()?);
        // Writing into memory does not fail, and the paths fit.
        tar.append_data(&mut header, path, data).ok()?;
    }
    tar.into_inner().ok()
}

/// The program itself, to be run outside a container. None on systems other than Linux.
#[must_use]
pub fn program() -> Option<&'static [u8]> {
    PROGRAM
}
