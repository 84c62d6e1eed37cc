//! Which containers use a destination, where it appears in them, and where the CLI there looks.

use crate::destinations::docker::survey::{Container, Mount, Setup, Source, Survey};
use crate::discovery::{CREDENTIALS_VARIABLE, FOLDER_VARIABLE};
use crate::settings::Destination;

/// The folder below `HOME` where nothing else is named.
pub(super) const BELOW_HOME: &str = ".claude";

/// A container that mounts a destination's folder.
#[derive(Debug)]
pub struct Use<'a> {
    /// The destination.
    pub destination: &'a Destination,
    /// The container.
    pub container: &'a Container,
    /// How it mounts the volume.
    pub mount: &'a Mount,
    /// Where in the container the destination's folder is.
    pub folder: String,
}

/// All uses of these destinations.
pub fn uses<'a>(destinations: &'a [Destination], survey: &'a Survey) -> Vec<Use<'a>> {
    let of_one = |destination: &'a Destination| {
        survey.users_of(destination.volume.as_str()).filter_map(move |(container, mount)| {
            Some(Use { destination, container, mount, folder: folder_in(mount, destination)? })
        })
    };
    destinations.iter().flat_map(of_one).collect()
}

/// Where a destination's folder appears, if it is in what is mounted.
fn folder_in(mount: &Mount, destination: &Destination) -> Option<String> {
    let inside = destination.folder.as_ref().map_or("", |folder| folder.as_str());
    let subpath = match &mount.source {
        Source::Volume { subpath, .. } => subpath.as_deref().unwrap_or_default(),
        _ => return None,
    };
    let (inside, subpath) = (normal(inside), normal(subpath));
    let below = match subpath.as_str() {
        "/" => inside.as_str(),
        _ if inside == subpath => "",
        _ => inside.strip_prefix(&format!("{subpath}/"))?,
    };
    Some(normal(&format!("{}/{below}", mount.destination)))
}

/// Where the CLI in a container looks for the file of credentials, and which variable says so. None where the home of the
/// container's user is not known.
pub(super) fn looks_in(setup: &Setup) -> Option<(String, &'static str)> {
    let named = |name: &'static str| Some((normal(setup.environment.value(name)?), name));
    let at_home = || Some((normal(&format!("{}/{BELOW_HOME}", setup.home.as_ref()?)), "HOME"));
    named(CREDENTIALS_VARIABLE).or_else(|| named(FOLDER_VARIABLE)).or_else(at_home)
}

/// An absolute path without `.`, doubled and trailing slashes.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::docker::survey::Variables;
    use crate::settings::samples::destination;

    fn mount(subpath: Option<&str>) -> Mount {
        let source = Source::Volume { name: "v".to_owned(), subpath: subpath.map(str::to_owned) };
        Mount { source, destination: "/home/node/.claude/".to_owned(), read_only: false }
    }

    #[test]
    fn a_folder_is_where_the_mount_shows_it() {
        let top = destination("web", "v");
        let deep = Destination { folder: Some("a/b".parse().unwrap()), ..top.clone() };
        assert_eq!(folder_in(&mount(None), &top).as_deref(), Some("/home/node/.claude"));
        assert_eq!(folder_in(&mount(None), &deep).as_deref(), Some("/home/node/.claude/a/b"));
        assert_eq!(folder_in(&mount(Some("a")), &deep).as_deref(), Some("/home/node/.claude/b"));
        assert_eq!(folder_in(&mount(Some("a/b/")), &deep).as_deref(), Some("/home/node/.claude"));
        assert_eq!(folder_in(&mount(Some("a")), &top), None, "the top is not in what is mounted");
        assert_eq!(folder_in(&mount(Some("a/bc")), &deep), None);
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
