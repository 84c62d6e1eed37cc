//! Where a container's programs look for Claude's credentials, what is mounted there, and where in a container a folder of
//! a volume is.

use crate::destinations::docker::survey::{Container, Mount, Setup, Source};
use crate::formats::claude_code::{BELOW_HOME, CREDENTIALS, CREDENTIALS_VARIABLE, FOLDER_VARIABLE};
use crate::settings::VolumePlace;

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
    match container.setup.as_ref().and_then(by_variable) {
        Some((path, variable)) => mounted_over(container, &path, Some(variable)).into_iter().collect(),
        None => container.mounts.iter().filter_map(|mount| in_a_home(container, mount)).collect(),
    }
}

/// Whether a container looks for credentials in this place of its engine.
pub fn looks_at(container: &Container, place: &VolumePlace) -> bool {
    uses(container).iter().any(|it| it.mount.volume() == Some(place.volume.as_str()) && it.folder == place.folder())
}

/// Where the CLI in a container looks for credentials, and the variable that says so. None where the home of the
/// container's user is not known.
pub(crate) fn looks_in(setup: &Setup) -> Option<(String, &'static str)> {
    let at_home = || Some((plain(&format!("{}/{BELOW_HOME}", setup.home.as_ref()?)), "HOME"));
    by_variable(setup).or_else(at_home)
}

/// The folder that a variable names, as the official CLI goes by them.
fn by_variable(setup: &Setup) -> Option<(String, &'static str)> {
    let named = |name| Some((plain(setup.environment.value(name)?), name));
    named(CREDENTIALS_VARIABLE).or_else(|| named(FOLDER_VARIABLE))
}

/// Where in a container a folder of a volume is, by its path from the volume's top; none if it is not in what is mounted.
pub(crate) fn folder_at(mount: &Mount, folder: &str) -> Option<String> {
    let below = below(&plain(subpath(mount)?), &plain(folder))?;
    Some(plain(&format!("{}/{below}", mount.destination)))
}

/// Of nested mounts the innermost counts.
fn mounted_over<'a>(container: &'a Container, path: &str, variable: Option<&'static str>) -> Option<Use<'a>> {
    let file = format!("{path}/{CREDENTIALS}");
    if let Some(mount) = container.mounts.iter().find(|mount| plain(&mount.destination) == file) {
        return Some(Use { mount, path: path.to_owned(), folder: String::new(), variable, is_file: true });
    }
    let covering = container.mounts.iter().filter_map(|mount| Some((mount, below(&plain(&mount.destination), path)?)));
    let (mount, rest) = covering.min_by_key(|(_, rest)| rest.len())?;
    Some(Use { mount, path: path.to_owned(), folder: within(mount, &rest), variable, is_file: is_file(mount) })
}

fn in_a_home<'a>(container: &'a Container, mount: &'a Mount) -> Option<Use<'a>> {
    let destination = plain(&mount.destination);
    let (path, named) = match destination.strip_suffix(&format!("/{CREDENTIALS}")) {
        Some(folder) => (folder.to_owned(), true),
        None => (destination, false),
    };
    let home = path.strip_suffix(&format!("/{BELOW_HOME}"))?;
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

/// The folder of a volume that is mounted; empty for its top.
fn subpath(mount: &Mount) -> Option<&str> {
    match &mount.source {
        Source::Volume { subpath, .. } => Some(subpath.as_deref().unwrap_or_default()),
        _ => None,
    }
}

/// From the mount's own top to the volume's.
fn within(mount: &Mount, rest: &str) -> String {
    parts(&format!("{}/{rest}", subpath(mount).unwrap_or_default()))
}

/// What is left of `path` below `folder`, if it is there.
fn below(folder: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/') || folder == "/").then(|| rest.trim_start_matches('/').to_owned())
}

/// An absolute path without `.`, doubled and trailing slashes.
pub(crate) fn plain(path: &str) -> String {
    format!("/{}", parts(path))
}

fn parts(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bind, container, volume};
    use super::*;
    use crate::destinations::docker::survey::Variables;

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

    fn part_of_volume(subpath: &str, destination: &str) -> Mount {
        let source = Source::Volume { name: "v".to_owned(), subpath: Some(subpath.to_owned()) };
        Mount { source, ..volume("v", destination) }
    }

    #[test]
    fn the_folder_counts_from_the_volumes_top() {
        let mount = part_of_volume("ada/home/", "/claude");
        let found = container("web", &[mount], &["CLAUDE_CONFIG_DIR=/claude/.claude"]);
        assert_eq!(seen(&found)[0].1, "ada/home/.claude");
    }

    #[test]
    fn a_folder_is_where_the_mount_shows_it() {
        let at = "/home/node/.claude/";
        let (whole, part) = (volume("v", at), |subpath| part_of_volume(subpath, at));
        assert_eq!(folder_at(&whole, "").as_deref(), Some("/home/node/.claude"));
        assert_eq!(folder_at(&whole, "a/b").as_deref(), Some("/home/node/.claude/a/b"));
        assert_eq!(folder_at(&part("a"), "a/b").as_deref(), Some("/home/node/.claude/b"));
        assert_eq!(folder_at(&part("a/b/"), "a/b").as_deref(), Some("/home/node/.claude"));
        assert_eq!(folder_at(&part("a"), ""), None, "the top is not in what is mounted");
        assert_eq!(folder_at(&part("a/bc"), "a/b"), None);
        assert_eq!(folder_at(&bind("/a", at), ""), None, "no volume");
    }

    #[test]
    fn the_cli_looks_where_its_variables_say() {
        let looks = |lines: &[&str], home: Option<&str>| {
            let environment = Variables::read(lines.iter().copied());
            looks_in(&Setup { environment, home: home.map(str::to_owned), ..Setup::default() })
        };
        let at = |folder: &str, because| Some((folder.to_owned(), because));
        assert_eq!(looks(&[], Some("/root")), at("/root/.claude", "HOME"));
        assert_eq!(looks(&["CLAUDE_CONFIG_DIR=/c/"], Some("/root")), at("/c", FOLDER_VARIABLE));
        let both = ["CLAUDE_CONFIG_DIR=/c", "CLAUDE_SECURESTORAGE_CONFIG_DIR=/s"];
        assert_eq!(looks(&both, None), at("/s", CREDENTIALS_VARIABLE));
        assert_eq!(looks(&[], None), None);
    }
}
