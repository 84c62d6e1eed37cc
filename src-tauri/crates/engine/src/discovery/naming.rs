//! Names for destinations that nobody has named yet.

use std::collections::BTreeSet;

use super::AUTH_VOLUME;
use crate::destinations::docker::survey::{COMPOSE_VOLUME_LABEL, PROJECT_LABEL, Volume};
use crate::settings::DestinationName;

/// The length in hexadecimal digits of the name that Docker gives to a volume without one.
const NAMELESS: usize = 64;

/// Whether a volume has no name of its own: each new container gets another one.
pub(super) fn is_nameless(volume: &str) -> bool {
    volume.len() == NAMELESS && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A name that is not taken yet: by what the volume belongs to, else by its own name, else by the container that uses it.
pub(super) fn name(
    volume: &Volume,
    folder: &str,
    container: Option<&str>,
    taken: &mut BTreeSet<DestinationName>,
) -> Option<DestinationName> {
    let mut wanted = match container {
        Some(container) if is_nameless(&volume.name) => container.to_owned(),
        _ => belonging(volume),
    };
    if let Some(owner) = folder.split('/').rev().find(|part| *part != ".claude" && !part.is_empty()) {
        wanted = format!("{wanted}-{owner}");
    }
    let wanted: String =
        wanted.chars().map(|c| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' }).collect();
    let name = free(wanted.trim_start_matches(['.', '_', '-']), taken)?;
    taken.insert(name.clone());
    Some(name)
}

fn belonging(volume: &Volume) -> String {
    let label = |name: &str| volume.labels.get(name).map(String::as_str);
    match (label(PROJECT_LABEL), label(COMPOSE_VOLUME_LABEL)) {
        (Some(project), Some(AUTH_VOLUME) | None) => project.to_owned(),
        (Some(project), Some(own)) => format!("{project}-{own}"),
        (None, _) => {
            let project = volume.name.strip_suffix(AUTH_VOLUME).and_then(|rest| rest.strip_suffix('_'));
            project.filter(|project| !project.is_empty()).unwrap_or(&volume.name).to_owned()
        }
    }
}

fn free(wanted: &str, taken: &BTreeSet<DestinationName>) -> Option<DestinationName> {
    // One more than there are taken names can't all be taken.
    (1..=taken.len() + 1).find_map(|count| {
        let suffix = if count == 1 { String::new() } else { format!("-{count}") };
        let room = DestinationName::LONGEST - suffix.len();
        let name = format!("{}{suffix}", wanted.get(..room).unwrap_or(wanted));
        name.parse().ok().filter(|name| !taken.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn volume(name: &str, labels: &[(&str, &str)]) -> Volume {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: BTreeMap<_, _> = labels.iter().map(owned).collect();
        Volume { name: name.to_owned(), labels, ..Volume::default() }
    }

    fn named(volume: &Volume, folder: &str, taken: &mut BTreeSet<DestinationName>) -> String {
        name(volume, folder, Some("web"), taken).unwrap().to_string()
    }

    #[test]
    fn a_name_says_what_the_volume_belongs_to() {
        let named = |volume: &Volume, folder: &str| named(volume, folder, &mut BTreeSet::new());
        assert_eq!(named(&volume("claude-auth", &[]), ""), "claude-auth");
        assert_eq!(named(&volume("shop_claude-auth", &[]), ""), "shop");
        let compose = [(PROJECT_LABEL, "shop"), (COMPOSE_VOLUME_LABEL, "claude-auth")];
        assert_eq!(named(&volume("shop_claude-auth", &compose), ""), "shop");
        let other = [(PROJECT_LABEL, "shop"), (COMPOSE_VOLUME_LABEL, "home")];
        assert_eq!(named(&volume("shop_home", &other), ""), "shop-home");
        assert_eq!(named(&volume("homes", &[]), "ada lovelace/.claude"), "homes-ada-lovelace");
        assert_eq!(named(&volume(&"0a".repeat(32), &[]), ""), "web");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut taken = BTreeSet::from(["shop".parse().unwrap()]);
        let long = "x".repeat(70);
        let names =
            ["shop_claude-auth", "shop_claude-auth", &long, &long].map(|it| named(&volume(it, &[]), "", &mut taken));
        assert_eq!(names, ["shop-2", "shop-3", &"x".repeat(64), &format!("{}-2", "x".repeat(62))]);
    }
}
