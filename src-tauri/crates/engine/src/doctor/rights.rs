//! Whether the users of the containers can read what lies in a destination.

use super::finding::{Finding, Mend, Severity, Subject, Words};
use super::{Contents, Looked, Use};
use crate::destinations::{Ids, OwnerChoice};
use crate::settings::Destination;

const READ: u32 = 0o4;

pub(super) fn judge(destination: &Destination, contents: &Contents, uses: &[Use<'_>]) -> Vec<Finding> {
    let Some(file) = contents.file else { return Vec::new() };
    let users: Vec<(&Use<'_>, Ids)> = uses
        .iter()
        .filter(|it| it.destination == destination)
        .filter_map(|it| Some((it, it.container.setup.as_ref()?.ids?)))
        .collect();
    let shut_out = users.iter().filter(|(_, ids)| !can_read(*ids, file));
    shut_out.map(|(it, ids)| unreadable(it, *ids, file, &users)).collect()
}

/// As Linux decides it: the class that fits first is the one that counts. Root reads anything.
fn can_read(user: Ids, file: Looked) -> bool {
    let class = match (user.uid == file.owner.uid, user.gid == file.owner.gid) {
        _ if user.uid == 0 => return true,
        (true, _) => file.mode >> 6,
        (false, true) => file.mode >> 3,
        (false, false) => file.mode,
    };
    class & READ != 0
}

fn unreadable(it: &Use<'_>, ids: Ids, file: Looked, users: &[(&Use<'_>, Ids)]) -> Finding {
    let Destination { name, owner, .. } = it.destination;
    let mut people = users.iter().map(|(_, ids)| *ids).filter(|ids| ids.uid != 0);
    let agree = people.all(|other| other.uid == ids.uid);
    // A file of root's is from before there was a container to ask: a delivery looks again.
    let heals = agree && *owner == OwnerChoice::Auto && file.owner.uid == 0;
    let fix = if heals {
        format!("Deliver once more with `tokenferry sync {name}`: the file then goes to the containers' user.")
    } else if agree {
        format!(
            "Set `owner = \"{ids}\"` for destination {name} in config.toml, and deliver with `tokenferry sync {name}`."
        )
    } else {
        "The containers of this volume run as different users, and the file has one owner: let them run as the same \
         one, or give each its own volume and destination."
            .to_owned()
    };
    let words = Words {
        what: format!(
            "Container {} runs as {ids} and can't read the file of credentials, which belongs to {} with mode {:o}.",
            it.container.name, file.owner, file.mode
        ),
        why: if it.is_the_clis() {
            "To a CLI, a file that it can't read is none: it says \"Not logged in\".".to_owned()
        } else {
            format!("Whatever reads it there gets no token: it is for {}.", it.destination.format.readers())
        },
        fix,
    };
    let subject = Subject::destination(it.destination).container(&it.container.name);
    let finding = Finding::new(Severity::Problem, "file_unreadable", subject, words);
    if heals { finding.mended_by(Mend::Deliver(name.clone())) } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let ids = |uid, gid| Ids { uid, gid };
        let reads = |user, owner, mode| can_read(user, Looked { owner, mode });
        assert!(reads(ids(1000, 5), ids(1000, 1000), 0o600));
        assert!(!reads(ids(1001, 5), ids(1000, 1000), 0o600));
        assert!(reads(ids(0, 0), ids(1000, 1000), 0o600));
        assert!(reads(ids(1001, 1000), ids(1000, 1000), 0o640));
        assert!(!reads(ids(1001, 1000), ids(1000, 1000), 0o604), "the group is refused, whatever others may");
        assert!(!reads(ids(1000, 5), ids(1000, 1000), 0o044), "the owner too");
        assert!(reads(ids(7, 7), ids(1000, 1000), 0o644));
    }
}
