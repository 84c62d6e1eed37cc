//! Whose a delivered file shall be. Pure: what is to be known of the containers is asked for, and given.

use courier::protocol::{Attributes, Kind, Sight};

use crate::destinations::{Ids, OwnerChoice};

/// The user of a container that mounts the volume.
pub(super) type Users = [Ids];

/// Where the owner is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Here.
    Known(Ids),
    /// With the containers that use the volume; see [`from_users`].
    AskContainers,
}

impl From<Attributes> for Ids {
    fn from(attributes: Attributes) -> Self {
        Self { uid: attributes.uid, gid: attributes.gid }
    }
}

/// The owner as far as the volume itself tells: the existing file's, else that of the innermost folder, unless it is
/// root. A file of root's may well be ours, from before there was a container to ask; so root is asked about again.
pub(super) fn from_volume(choice: OwnerChoice, sight: &Sight) -> Ownership {
    if let OwnerChoice::Ids(ids) = choice {
        return Ownership::Known(ids);
    }
    let file = sight.file.as_ref().filter(|_| sight.stamp.kind == Kind::File).map(|file| file.attributes);
    let folders = sight.folders.iter().rev().copied().chain([sight.root]);
    match file.into_iter().chain(folders).find(|attributes| attributes.uid != 0) {
        Some(attributes) => Ownership::Known(attributes.into()),
        None => Ownership::AskContainers,
    }
}

/// The owner by the users of the containers: the one that all agree on, not counting root, who may read anything; else
/// whose the existing file or the root folder is.
pub(super) fn from_users(users: &Users, sight: &Sight) -> Ids {
    let mut others = users.iter().filter(|ids| ids.uid != 0);
    match others.next() {
        Some(first) if others.all(|other| other.uid == first.uid) => *first,
        _ => sight.file.as_ref().map_or(sight.root, |file| file.attributes).into(),
    }
}

/// Whether the root folder shall be given to the file's owner: it is root's, and in the volume is nothing but files of
/// ours that are root's too, from before there was an app. A volume with a file in it no longer gets its owner from the
/// image that is mounted over it, so the app could read there and not write.
pub(super) fn hands_over(owner: Ids, sight: &Sight, ours_at_top: usize) -> bool {
    let is_somebody_s = sight.file.as_ref().is_some_and(|file| file.attributes.uid != 0);
    owner.uid != 0 && sight.root.uid == 0 && !is_somebody_s && usize::from(sight.entries) == ours_at_top
}

#[cfg(test)]
mod tests {
    use super::*;
    use courier::protocol::{Found, Stamp};

    const APP: Ids = Ids { uid: 1000, gid: 1000 };
    const ROOT: Ids = Ids { uid: 0, gid: 0 };

    fn of(ids: Ids) -> Attributes {
        Attributes { uid: ids.uid, gid: ids.gid, mode: 0o755 }
    }

    fn sight(root: Ids, folders: &[Ids], file: Option<(Kind, Ids)>) -> Sight {
        Sight {
            root: of(root),
            file_system: 0,
            read_only: false,
            entries: 1,
            folders: folders.iter().copied().map(of).collect(),
            stamp: Stamp { kind: file.map_or(Kind::Nothing, |(kind, _)| kind), ..Stamp::default() },
            file: file.map(|(_, ids)| Found { attributes: of(ids), content: None }),
        }
    }

    #[test]
    fn the_volume_tells_in_order() {
        let other = Ids { uid: 7, gid: 8 };
        let auto = |sight: &Sight| from_volume(OwnerChoice::Auto, sight);
        assert_eq!(auto(&sight(other, &[], Some((Kind::File, APP)))), Ownership::Known(APP));
        assert_eq!(auto(&sight(other, &[APP], None)), Ownership::Known(APP));
        assert_eq!(auto(&sight(other, &[ROOT], None)), Ownership::Known(other));
        assert_eq!(auto(&sight(ROOT, &[], Some((Kind::File, ROOT)))), Ownership::AskContainers);
        assert_eq!(auto(&sight(ROOT, &[], Some((Kind::Link, APP)))), Ownership::AskContainers, "anybody's link");
        assert_eq!(from_volume(OwnerChoice::Ids(other), &sight(APP, &[], None)), Ownership::Known(other));
    }

    #[test]
    fn containers_decide_where_they_agree() {
        let empty = sight(ROOT, &[], None);
        let other = Ids { uid: 7, gid: 8 };
        assert_eq!(from_users(&[APP], &empty), APP);
        assert_eq!(from_users(&[ROOT, APP, APP], &empty), APP, "root reads anything");
        assert_eq!(from_users(&[other, APP], &empty), ROOT);
        assert_eq!(from_users(&[], &empty), ROOT);
        assert_eq!(from_users(&[], &sight(Ids { uid: 0, gid: 5 }, &[], None)).gid, 5);
    }

    #[test]
    fn only_a_volume_with_nothing_of_others_is_handed_over() {
        let with_entries = |entries| Sight { entries, ..sight(ROOT, &[], None) };
        assert!(hands_over(APP, &with_entries(0), 0));
        assert!(hands_over(APP, &with_entries(1), 1), "ours from before");
        assert!(!hands_over(APP, &with_entries(1), 0));
        assert!(!hands_over(APP, &Sight { entries: 1, ..sight(ROOT, &[], Some((Kind::File, APP))) }, 1), "settled");
        assert!(!hands_over(ROOT, &with_entries(0), 0));
        assert!(!hands_over(APP, &sight(APP, &[], None), 1), "somebody's already");
    }
}
