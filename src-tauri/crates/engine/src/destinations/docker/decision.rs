//! What to do with one file, from what the courier saw; and what its answer means. Pure.

use courier::protocol::{
    Answer, Attributes, Content, Failure, Found, Kind, MAX_CONTENT, MAX_PATH, Operation, Sight, Stamp, Step,
};

use crate::destinations::error::Attempt;
use crate::destinations::{Change, DeliveryError, Ids, Outcome, ParcelFile};

// Linux's error numbers that call for a sentence of their own. They are the engine's, whatever system we run on.
const EPERM: u32 = 1;
const ENOENT: u32 = 2;
const EACCES: u32 = 13;
const EINVAL: u32 = 22;
const ENOSPC: u32 = 28;
const EROFS: u32 = 30;
const ENAMETOOLONG: u32 = 36;
const ESTALE: u32 = 116;
const EDQUOT: u32 = 122;

/// The longest name of a file on Linux.
const MAX_NAME: usize = 255;

/// Where a file is, as sentences name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) volume: &'a str,
    pub(super) path: &'a str,
}

/// What to do with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing; it is as it should be.
    Leave(Outcome),
    /// Write this.
    Write(Content),
    /// This is there already: write it again only where owner or mode are not as they should be.
    Settle(Content),
    /// Remove what is there.
    Remove,
}

/// How temporary files are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemporaryNames {
    /// How the names of all of this installation begin.
    pub(super) stale: String,
    /// How the names of this courier begin.
    pub(super) mine: String,
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there as it should be.
    Done(Sight),
    /// It changed in between: look and decide again.
    Again,
}

/// Whether a path can be one of a file in a volume.
pub(super) fn is_path(path: &str) -> bool {
    path.len() <= MAX_PATH
        && path
            .split('/')
            .all(|name| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME && !name.contains('\0'))
}

/// Decides about one file.
pub(super) fn decide(file: &ParcelFile, place: Place<'_>, sight: &Sight) -> Result<Decision, DeliveryError> {
    let (volume, path) = (place.volume.to_owned(), place.path.to_owned());
    let existing = match (sight.stamp.kind, &sight.file) {
        (Kind::Folder, _) => return Err(DeliveryError::FolderInPlace { volume, path }),
        (Kind::Other, _) => return Err(DeliveryError::NoFileInPlace { volume, path }),
        (Kind::File, Some(Found { content: Some(content), .. })) => Some(content.0.as_slice()),
        (Kind::File, _) => return Err(DeliveryError::TooLarge { volume, path }),
        (Kind::Nothing | Kind::Link, _) => None,
    };
    let is_there = sight.stamp.kind != Kind::Nothing;
    let decision = match (file.compose)(existing) {
        Ok(Change::Keep | Change::Settle | Change::Remove) if !is_there => {
            return Ok(Decision::Leave(Outcome::Absent));
        }
        Ok(Change::Keep) => return Ok(Decision::Leave(Outcome::Kept)),
        Ok(Change::Settle) => return Ok(settle(sight)),
        Ok(Change::Remove) => Decision::Remove,
        Ok(Change::Write(content)) if content.expose().len() > MAX_CONTENT => {
            return Err(DeliveryError::TooLarge { volume, path });
        }
        Ok(Change::Write(content)) => Decision::Write(Content::from(content.expose().to_vec())),
        Err(reason) => return Err(DeliveryError::NotUnderstood { volume, path, reason }),
    };
    if sight.read_only { Err(DeliveryError::ReadOnly { volume }) } else { Ok(decision) }
}

/// Whose it shall be is found out as for a file that is written.
fn settle(sight: &Sight) -> Decision {
    match &sight.file {
        Some(Found { content: Some(content), .. }) if !sight.read_only => Decision::Settle(content.clone()),
        _ => Decision::Leave(Outcome::Kept),
    }
}

impl Decision {
    /// What to ask the courier for. The temporary file's name begins with `stale`, by which leftovers of this
    /// installation are known, and then with `mine`, by which this courier knows its own.
    pub(super) fn ask(
        self,
        file: &ParcelFile,
        sight: &Sight,
        owner: Ids,
        names: &TemporaryNames,
        number: usize,
    ) -> Operation {
        let expected = sight.stamp;
        let attributes = Attributes { uid: owner.uid, gid: owner.gid, mode: file.mode & 0o777 };
        match self {
            Self::Settle(_) if sight.file.as_ref().is_some_and(|found| found.attributes == attributes) => {
                Operation::Look
            }
            Self::Write(content) | Self::Settle(content) => Operation::Write {
                more_follows: true,
                expected,
                stale: names.stale.clone(),
                mine: names.mine.clone(),
                temporary: format!("{}{number}", names.mine),
                attributes,
                content,
            },
            Self::Remove => Operation::Remove { expected },
            Self::Leave(_) => Operation::Look,
        }
    }
}

/// What was done when this was asked for and done.
pub(super) fn outcome(operation: &Operation) -> Outcome {
    match operation {
        Operation::Write { .. } => Outcome::Written,
        Operation::Remove { .. } => Outcome::Removed,
        Operation::Look | Operation::HandOver { .. } => Outcome::Kept,
    }
}

/// Holds the courier's answer against what it was asked for.
pub(super) fn judge(asked: &Operation, place: Place<'_>, answer: Answer) -> Result<Verdict, DeliveryError> {
    let sight = match answer {
        Answer::Seen(sight) => sight,
        Answer::Failed(failure) if asks_again(failure) => return Ok(Verdict::Again),
        Answer::Failed(failure) => return Err(explain(failure, asked, place)),
    };
    let as_asked = match (asked, &sight.file) {
        (Operation::Write { attributes, content, .. }, Some(found)) => {
            sight.stamp.kind == Kind::File && found.attributes == *attributes && found.content.as_ref() == Some(content)
        }
        (Operation::Write { .. }, None) => false,
        (Operation::Remove { .. }, _) => sight.stamp == Stamp::default(),
        (Operation::HandOver { uid, gid }, _) => (sight.root.uid, sight.root.gid) == (*uid, *gid),
        (Operation::Look, _) => true,
    };
    if as_asked {
        Ok(Verdict::Done(sight))
    } else {
        Err(DeliveryError::NotAsWritten { volume: place.volume.to_owned(), path: place.path.to_owned() })
    }
}

/// Whether somebody else was there in between; also if another courier took our temporary file for a stale one.
fn asks_again(failure: Failure) -> bool {
    failure.step == Step::Changed
        || (failure.step == Step::Rename && failure.errno == ENOENT)
        || (failure.step == Step::Target && failure.errno == ENOENT)
        || (failure.step == Step::Parent && failure.errno == ESTALE)
}

/// The sentence for a step that failed.
pub(super) fn explain(failure: Failure, asked: &Operation, place: Place<'_>) -> DeliveryError {
    let (volume, path) = (place.volume.to_owned(), place.path.to_owned());
    let folder = || {
        let end = path.match_indices('/').nth(usize::from(failure.depth)).map_or(path.len(), |(at, _)| at);
        path.get(..end).unwrap_or(&path).to_owned()
    };
    match (failure.step, failure.errno, failure.kind) {
        (Step::Parent, _, Kind::Link) => return DeliveryError::LinkInTheWay { volume, folder: folder() },
        (Step::Parent, _, Kind::File | Kind::Other) => return DeliveryError::FileInTheWay { volume, folder: folder() },
        (Step::Target | Step::Unlink, _, Kind::Folder) => return DeliveryError::FolderInPlace { volume, path },
        (Step::Target, _, Kind::Other) => return DeliveryError::NoFileInPlace { volume, path },
        (_, EROFS, _) => return DeliveryError::ReadOnly { volume },
        (_, ENOSPC | EDQUOT, _) => return DeliveryError::Full { volume },
        (_, ENAMETOOLONG, _) => return DeliveryError::BadPath { path },
        _ => {}
    }
    let attempt = match (failure.step, asked) {
        (Step::Root, _) => Attempt::Open,
        (Step::Parent, _) => Attempt::Folder(folder()),
        (Step::Owner, Operation::Write { attributes, .. }) => Attempt::Own((*attributes).into()),
        (Step::Owner, Operation::HandOver { uid, gid }) => Attempt::Own(Ids { uid: *uid, gid: *gid }),
        (Step::Unlink, _) | (_, Operation::Remove { .. }) => Attempt::Remove(path),
        (Step::Create | Step::Fill | Step::Rename | Step::Owner, _) => Attempt::Write(path),
        (Step::Target | Step::Changed, _) => Attempt::Read(path),
    };
    // File systems without owners say EINVAL where others say EPERM.
    match failure.errno {
        EPERM | EACCES => DeliveryError::Forbidden { volume, attempt },
        EINVAL if matches!(attempt, Attempt::Own(_)) => DeliveryError::Forbidden { volume, attempt },
        errno => DeliveryError::FileSystem { volume, attempt, errno },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::ComposeError;
    use crate::secret::SecretBytes;

    const PLACE: Place<'static> = Place { volume: "claude-auth", path: "a/b/file" };
    const OWNER: Ids = Ids { uid: 1000, gid: 100 };
    const ROOT: Attributes = Attributes { uid: 0, gid: 0, mode: 0o755 };

    fn sight(kind: Kind, content: Option<&[u8]>) -> Sight {
        let file = (kind != Kind::Nothing).then(|| Found {
            attributes: Attributes { uid: 1000, gid: 100, mode: 0o600 },
            content: content.map(|bytes| Content::from(bytes.to_vec())),
        });
        let stamp = Stamp { kind, ..Stamp::default() };
        Sight { root: ROOT, file_system: 0, read_only: false, entries: 1, folders: vec![], stamp, file }
    }

    fn file(change: impl Fn(Option<&[u8]>) -> Result<Change, ComposeError> + Send + Sync + 'static) -> ParcelFile {
        ParcelFile { path: PLACE.path.to_owned(), mode: 0o600, compose: Box::new(change) }
    }

    fn write(bytes: &'static [u8]) -> ParcelFile {
        file(|_| Ok(Change::Write(SecretBytes::new(bytes.to_vec()))))
    }

    fn decided(file: &ParcelFile, sight: &Sight) -> Result<Decision, &'static str> {
        decide(file, PLACE, sight).map_err(|error| error.code())
    }

    fn asked(bytes: &[u8]) -> Operation {
        Operation::Write {
            more_follows: false,
            expected: Stamp::default(),
            stale: String::new(),
            mine: String::new(),
            temporary: String::new(),
            attributes: Attributes { uid: OWNER.uid, gid: OWNER.gid, mode: 0o600 },
            content: Content::from(bytes.to_vec()),
        }
    }

    #[test]
    fn compose_sees_a_file_s_bytes_and_nothing_of_a_link() {
        let seen = |sight: &Sight, expected: Option<&'static [u8]>| {
            let compose = file(move |existing| {
                assert_eq!(existing, expected);
                Ok(Change::Keep)
            });
            decided(&compose, sight)
        };
        assert_eq!(seen(&sight(Kind::File, Some(b"{}")), Some(b"{}")), Ok(Decision::Leave(Outcome::Kept)));
        assert_eq!(seen(&sight(Kind::Link, None), None), Ok(Decision::Leave(Outcome::Kept)));
        assert_eq!(seen(&sight(Kind::Nothing, None), None), Ok(Decision::Leave(Outcome::Absent)));
    }

    #[test]
    fn what_stands_in_place_of_the_file_is_never_touched() {
        assert_eq!(decided(&write(b"x"), &sight(Kind::Folder, None)), Err("folder_in_place"));
        assert_eq!(decided(&write(b"x"), &sight(Kind::Other, None)), Err("no_file_in_place"));
        assert_eq!(decided(&write(b"x"), &sight(Kind::File, None)), Err("file_too_large"));
        let puzzled = file(|_| Err(ComposeError::NotUnderstood("it is not JSON".to_owned())));
        assert_eq!(decided(&puzzled, &sight(Kind::File, Some(b"{"))), Err("file_not_understood"));
    }

    #[test]
    fn a_read_only_volume_is_fine_where_nothing_is_to_do() {
        let sight = Sight { read_only: true, ..sight(Kind::File, Some(b"x")) };
        assert_eq!(decided(&write(b"x"), &sight), Err("volume_read_only"));
        assert_eq!(decided(&file(|_| Ok(Change::Keep)), &sight), Ok(Decision::Leave(Outcome::Kept)));
    }

    #[test]
    fn what_is_settled_is_written_again_only_for_its_owner_or_mode() {
        let settled = file(|_| Ok(Change::Settle));
        let names = TemporaryNames { stale: String::new(), mine: String::new() };
        let asked = |sight: &Sight, owner| match decided(&settled, sight).unwrap() {
            Decision::Leave(outcome) => {
                assert_eq!(outcome, Outcome::Kept);
                false
            }
            decision => matches!(decision.ask(&settled, sight, owner, &names, 0), Operation::Write { .. }),
        };
        let of = |uid, mode| {
            let mut sight = sight(Kind::File, Some(b"x"));
            sight.file.as_mut().unwrap().attributes = Attributes { uid, gid: uid, mode };
            sight
        };
        let ids = |uid| Ids { uid, gid: uid };
        assert!(!asked(&of(1000, 0o600), ids(1000)), "as it should be");
        assert!(!asked(&of(0, 0o600), ids(0)), "root's, as nobody else wants it");
        assert!(asked(&of(0, 0o600), ids(1000)));
        assert!(asked(&of(1000, 0o644), ids(1000)));
        assert!(!asked(&Sight { read_only: true, ..of(0, 0o644) }, ids(1000)), "it can't be");
        assert_eq!(decided(&settled, &sight(Kind::Nothing, None)), Ok(Decision::Leave(Outcome::Absent)));
    }

    #[test]
    fn a_write_is_done_when_the_same_was_read_back() {
        let asked = asked(b"new");
        let judged = |answer| judge(&asked, PLACE, answer).map_err(|error| error.code());
        let good = sight(Kind::File, Some(b"new"));
        assert!(matches!(judged(Answer::Seen(good.clone())), Ok(Verdict::Done(_))));
        assert_eq!(judged(Answer::Seen(sight(Kind::File, Some(b"old")))), Err("not_as_written"));
        assert_eq!(judged(Answer::Seen(sight(Kind::Nothing, None))), Err("not_as_written"));
        let mut foreign = good;
        foreign.file.as_mut().unwrap().attributes.uid = 0;
        assert_eq!(judged(Answer::Seen(foreign)), Err("not_as_written"));
    }

    #[test]
    fn a_removal_is_done_when_nothing_is_left() {
        let remove = file(|_| Ok(Change::Remove));
        assert_eq!(decided(&remove, &sight(Kind::Link, None)), Ok(Decision::Remove));
        assert_eq!(decided(&remove, &sight(Kind::Nothing, None)), Ok(Decision::Leave(Outcome::Absent)));
        let asked = Operation::Remove { expected: Stamp::default() };
        assert!(matches!(judge(&asked, PLACE, Answer::Seen(sight(Kind::Nothing, None))), Ok(Verdict::Done(_))));
        assert!(judge(&asked, PLACE, Answer::Seen(sight(Kind::File, Some(b"")))).is_err());
    }

    #[test]
    fn each_failure_has_its_sentence() {
        let asked = asked(b"x");
        let explained = |step, errno, depth, kind| explain(Failure { step, errno, depth, kind }, &asked, PLACE);
        let code = |step, errno, kind| explained(step, errno, 0, kind).code();
        assert_eq!(
            explained(Step::Parent, 20, 1, Kind::Link),
            DeliveryError::LinkInTheWay { volume: "claude-auth".to_owned(), folder: "a/b".to_owned() }
        );
        assert_eq!(code(Step::Parent, 20, Kind::File), "file_in_the_way");
        assert_eq!(code(Step::Target, 21, Kind::Folder), "folder_in_place");
        assert_eq!(code(Step::Create, EROFS, Kind::Nothing), "volume_read_only");
        assert_eq!(code(Step::Fill, ENOSPC, Kind::Nothing), "volume_full");
        assert_eq!(code(Step::Owner, EPERM, Kind::Nothing), "volume_forbids");
        assert_eq!(code(Step::Fill, 5, Kind::Nothing), "volume_failed");
        assert_eq!(
            explained(Step::Owner, EINVAL, 0, Kind::Nothing).to_string(),
            "The volume \"claude-auth\" does not allow giving a file to the user 1000:100."
        );
        let changed = Answer::Failed(Failure { step: Step::Changed, errno: ESTALE, depth: 0, kind: Kind::File });
        assert_eq!(judge(&asked, PLACE, changed), Ok(Verdict::Again));
    }

    #[test]
    fn paths_stay_within_the_volume() {
        for good in [".credentials.json", "a/b", ".claude/x"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0b"] {
            assert!(!is_path(bad), "{bad}");
        }
        assert!(!is_path(&"a".repeat(256)) && !is_path(&"a/".repeat(2048)));
    }
}
