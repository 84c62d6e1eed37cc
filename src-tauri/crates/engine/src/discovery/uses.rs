//! Where a container's programs look for Claude's credentials, and what is mounted there.

use crate::destinations::docker::survey::{Container, Mount, Source};

/// The variable that names the folder of the credentials alone.
pub const CREDENTIALS_VARIABLE: &str = "CLAUDE_SECURESTORAGE_CONFIG_DIR";
/// The variable that names the folder of everything, where the other one is not set.
pub const FOLDER_VARIABLE: &str = "CLAUDE_CONFIG_DIR";
/// The folder's name in a home, where neither is set.
const FOLDER: &str = ".claude";
/// The file in it.
const FILE: &str = ".credentials.json";

/// Something mounted where a container looks for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'a> {
    /// What is mounted.
    pub mount: &'a Mount,
    /// The folder in which the container looks, in the container.
    pub path: String,
    /// The same folder from the top of what is mounted; empty for the top itself.
    pub folder: String,
    /// The variable that names it; none if it is found in a home.
    pub variable: Option<&'static str>,
    /// Whether it is not the folder that is mounted but the one file in it.
    pub is_file: bool,
}

/// What a container has mounted where it looks for credentials. By a variable if one is set; else at `.claude` in a home,
/// whoever's: programs are often started as somebody else than the container's user.
pub fn uses(container: &Container) -> Vec<Use<'_>> {
    match by_variable(container) {
        Some((variable, path)) => mounted_over(container, &path, Some(variable)).into_iter().collect(),
        None => container.mounts.iter().filter_map(|mount| in_a_home(container, mount)).collect(),
    }
}

/// The folder that a variable names, as the official CLI goes by them.
fn by_variable(container: &Container) -> Option<(&'static str, String)> {
    let environment = &container.setup.as_ref()?.environment;
    [CREDENTIALS_VARIABLE, FOLDER_VARIABLE].into_iter().find_map(|name| Some((name, plain(environment.value(name)?))))
}

/// Of nested mounts the innermost counts.
fn mounted_over<'a>(container: &'a Container, path: &str, variable: Option<&'static str>) -> Option<Use<'a>> {
    let file = format!("{path}/{FILE}");
    if let Some(mount) = container.mounts.iter().find(|mount| plain(&mount.destination) == file) {
        return Some(Use { mount, path: path.to_owned(), folder: String::new(), variable, is_file: true });
    }
    let covering = container.mounts.iter().filter_map(|mount| Some((mount, below(&plain(&mount.destination), path)?)));
    let (mount, rest) = covering.min_by_key(|(_, rest)| rest.len())?;
    Some(Use { mount, path: path.to_owned(), folder: within(mount, &rest), variable, is_file: is_file(mount) })
}

fn in_a_home<'a>(container: &'a Container, mount: &'a Mount) -> Option<Use<'a>> {
    let destination = plain(&mount.destination);
    let (path, named) = match destination.strip_suffix(&format!("/{FILE}")) {
        Some(folder) => (folder.to_owned(), true),
        None => (destination, false),
    };
    let home = path.strip_suffix(&format!("/{FOLDER}"))?;
    let own = container.setup.as_ref().and_then(|setup| setup.home.as_deref()).map(plain);
    let is_home = own.as_deref() == Some(home)
        || home == "/root"
        || home.strip_prefix("/home/").is_some_and(|name| !name.is_empty() && !name.contains('/'));
    is_home.then(|| Use { mount, path, folder: within(mount, ""), variable: None, is_file: named || is_file(mount) })
}

/// The volume and the folder in it that a label on the container speaks of: where it looks for credentials, else the only
/// volume that it mounts.
pub(super) fn labelled_place(container: &Container) -> Option<(&str, String)> {
    let looked_for = uses(container).into_iter().find_map(|it| Some((it.mount.volume()?, it.folder)));
    looked_for.or_else(|| {
        let mut volumes = container.mounts.iter().filter_map(|mount| Some((mount.volume()?, within(mount, ""))));
        volumes.next().filter(|_| volumes.next().is_none())
    })
}

fn is_file(mount: &Mount) -> bool {
    matches!(mount.source, Source::Bind { is_file: Some(true), .. })
}

/// From the mount's own top to the volume's.
fn within(mount: &Mount, rest: &str) -> String {
    let subpath = match &mount.source {
        Source::Volume { subpath, .. } => subpath.as_deref().unwrap_or_default(),
        _ => "",
    };
    let parts = [subpath, rest].into_iter().flat_map(|path| path.split('/')).filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// What is left of `path` below `folder`, if it is there.
fn below(folder: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/') || folder == "/").then(|| rest.trim_start_matches('/').to_owned())
}

/// Without a slash at its end, and without two in a row.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bind, container, volume};
    use super::*;

    fn seen(container: &Container) -> Vec<(String, String, Option<&'static str>, bool)> {
        let seen = uses(container).into_iter();
        seen.map(|it| (it.mount.destination.clone(), it.folder, it.variable, it.is_file)).collect()
    }

    #[test]
    fn a_home_is_where_people_have_theirs() {
        for at in ["/root/.claude", "/home/node/.claude", "/home/node/.claude/"] {
            let found = seen(&container("web", &[volume("v", at)], &[]));
            assert_eq!(found, [(at.to_owned(), String::new(), None, false)]);
        }
        for at in ["/app/.claude", "/home/.claude", "/home/a/b/.claude", "/root", "/root/.claude2"] {
            assert_eq!(seen(&container("web", &[volume("v", at)], &[])), [], "{at}");
        }
        let elsewhere = container("web", &[volume("v", "/app/.claude")], &["HOME=/app"]);
        assert_eq!(seen(&elsewhere).len(), 1, "its own home");
    }

    #[test]
    fn a_variable_says_which_of_the_mounts_counts() {
        let mounts = [volume("home", "/root/.claude"), volume("outer", "/data"), volume("inner", "/data/claude")];
        let folder = |set: &str| seen(&container("web", &mounts, &[set]));
        let inner = |folder: &str| ("/data/claude".to_owned(), folder.to_owned(), Some(FOLDER_VARIABLE), false);
        assert_eq!(folder("CLAUDE_CONFIG_DIR=/data/claude/"), [inner("")]);
        assert_eq!(folder("CLAUDE_CONFIG_DIR=/data/claude/me/.claude"), [inner("me/.claude")]);
        assert_eq!(folder("CLAUDE_CONFIG_DIR=/data/claudette")[0].1, "claudette", "a name that begins alike");
        assert_eq!(folder("CLAUDE_CONFIG_DIR=/elsewhere"), []);
        let both = ["CLAUDE_CONFIG_DIR=/root/.claude", "CLAUDE_SECURESTORAGE_CONFIG_DIR=/data"];
        let both = seen(&container("web", &mounts, &both));
        assert_eq!(both, [("/data".to_owned(), String::new(), Some(CREDENTIALS_VARIABLE), false)]);
    }

    #[test]
    fn a_single_file_is_told_apart() {
        let file = "/root/.claude/.credentials.json";
        let found = seen(&container("web", &[bind("/me/.credentials.json", file)], &[]));
        assert_eq!(found, [(file.to_owned(), String::new(), None, true)]);
        let file = container("web", &[bind("/me/c", "/c/.credentials.json")], &["CLAUDE_CONFIG_DIR=/c"]);
        assert!(seen(&file)[0].3);
    }

    #[test]
    fn the_folder_counts_from_the_volumes_top() {
        let mut mount = volume("v", "/claude");
        mount.source = Source::Volume { name: "v".to_owned(), subpath: Some("ada/home/".to_owned()) };
        let found = container("web", &[mount], &["CLAUDE_CONFIG_DIR=/claude/.claude"]);
        assert_eq!(seen(&found)[0].1, "ada/home/.claude");
    }
}
