//! Engines by the name of the program that brings them: where each usually puts its socket on Linux and macOS, as their
//! own documentation has it. Older places come after newer ones.

use std::path::{Path, PathBuf};

use super::Environment;

/// Where a place is counted from.
#[derive(Clone, Copy)]
enum Base {
    Home,
    /// The user's own folder for sockets.
    Runtime,
    /// The folder for temporary files.
    Temporary,
    Root,
}

use Base::{Home, Root, Runtime, Temporary};

const PODMAN: &[(Base, &str)] = &[
    // Linux: systemd's podman.socket of the user, then of the system.
    (Runtime, "podman/podman.sock"),
    (Root, "run/podman/podman.sock"),
    // macOS: a machine's socket, by podman 5, then by 4.
    (Temporary, "podman/podman-machine-default-api.sock"),
    (Home, ".local/share/containers/podman/machine/podman.sock"),
];

/// Each program's name, and its places.
const KNOWN: [(&str, &[(Base, &str)]); 7] = [
    // macOS, then Linux.
    ("docker-desktop", &[(Home, ".docker/run/docker.sock"), (Home, ".docker/desktop/docker.sock")]),
    (
        "colima",
        // Since 0.4, where XDG_CONFIG_HOME is followed, and before.
        &[
            (Home, ".colima/default/docker.sock"),
            (Home, ".config/colima/default/docker.sock"),
            (Home, ".colima/docker.sock"),
        ],
    ),
    ("orbstack", &[(Home, ".orbstack/run/docker.sock")]),
    ("rancher-desktop", &[(Home, ".rd/docker.sock")]),
    ("podman", PODMAN),
    // It runs podman's machines, or shows the podman of the system.
    ("podman-desktop", PODMAN),
    // Without XDG_RUNTIME_DIR, dockerd-rootless.sh takes the folder below the home.
    ("rootless", &[(Runtime, "docker.sock"), (Home, ".docker/run/docker.sock")]),
];

/// The socket of the program of this name, or where it was looked for. None for a name that is no program's.
pub(super) fn look(name: &str, environment: &Environment) -> Option<Result<PathBuf, Vec<PathBuf>>> {
    let (_, places) = KNOWN.iter().find(|(known, _)| *known == name)?;
    let looked: Vec<PathBuf> =
        places.iter().filter_map(|(base, path)| Some(folder(*base, environment)?.join(path))).collect();
    Some(looked.iter().find(|path| is_socket(path)).cloned().ok_or(looked))
}

/// The names of the programs whose sockets are there, each socket by its first name.
pub(super) fn found(environment: &Environment) -> Vec<&'static str> {
    let mut seen: Vec<PathBuf> = Vec::new();
    let found = KNOWN.iter().filter_map(|(name, _)| {
        let socket = look(name, environment)?.ok()?;
        if seen.contains(&socket) {
            return None;
        }
        seen.push(socket);
        Some(*name)
    });
    found.collect()
}

fn folder(base: Base, environment: &Environment) -> Option<&Path> {
    match base {
        Home => environment.home.as_deref(),
        Runtime => environment.runtime.as_deref(),
        Temporary => environment.temporary.as_deref(),
        Root => Some(Path::new("/")),
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;

    // Through links: colima and podman's machines leave some.
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_socket(_: &Path) -> bool {
    false
}
