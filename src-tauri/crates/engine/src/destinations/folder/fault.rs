//! What goes wrong in a folder of this machine, in sentences for people.

use std::io::{self, ErrorKind};

use crate::destinations::error::Attempt;
use crate::destinations::{ComposeError, Ids, NextStep};

/// Why a folder can't be delivered into. `Display` says what happened, [`fix`](Self::fix) what to do. Paths of folders and
/// files are whole ones; nothing of a file's content is in any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// The folder's path is not a whole one, or goes up again.
    #[error("\"{folder}\" can't be the path of a folder to deliver into.")]
    BadRoot {
        /// As given.
        folder: String,
    },
    /// The path can't be one of a file in a folder.
    #[error("\"{path}\" can't be the path of a file in a folder.")]
    BadPath {
        /// As given, from the folder.
        path: String,
    },
    /// There is no such folder; it was not made.
    #[error("There is no folder \"{folder}\".")]
    Missing {
        /// The folder.
        folder: String,
    },
    /// There is something else.
    #[error("\"{folder}\" is no folder.")]
    NoFolder {
        /// The would-be folder.
        folder: String,
    },
    /// The folder is a symbolic link.
    #[error("\"{folder}\" is a symbolic link{}, and those are not followed.", leading_to(leads.as_deref()))]
    FolderIsLink {
        /// The link.
        folder: String,
        /// The folder that it leads to, if it leads to one.
        leads: Option<String>,
    },
    /// A folder on the way to the file is a symbolic link.
    #[error("The folder \"{folder}\" is a symbolic link{}, and those are not followed.", leading_to(leads.as_deref()))]
    LinkInTheWay {
        /// The link.
        folder: String,
        /// What it leads to, if that is there.
        leads: Option<String>,
    },
    /// What should be a folder on the way to the file is none.
    #[error("\"{folder}\" is no folder.")]
    FileInTheWay {
        /// The would-be folder.
        folder: String,
    },
    /// The file is a symbolic link. It was not touched, and neither was what it leads to.
    #[error("\"{file}\" is a symbolic link{}, and those are not followed.", leading_to(leads.as_deref()))]
    FileIsLink {
        /// The link.
        file: String,
        /// What it leads to, if that is there.
        leads: Option<String>,
    },
    /// There is a folder where the file should go. It was not touched.
    #[error("\"{file}\" is a folder.")]
    FolderInPlace {
        /// The file.
        file: String,
    },
    /// There is a named pipe, a socket or a device where the file should go. It was not touched.
    #[error("\"{file}\" is no ordinary file.")]
    NoFileInPlace {
        /// The file.
        file: String,
    },
    /// Every user of the machine may put files into the folder.
    #[error("Everybody on this machine may put files into \"{folder}\".")]
    OpenToAll {
        /// The folder.
        folder: String,
        /// Whether each may take away only what is theirs, as in `/tmp`.
        sticky: bool,
    },
    /// The folder belongs to a user who is neither us, nor root, nor the one whose the file shall be.
    #[error("\"{folder}\" belongs to another user ({owner}), who could put something else in the file's place.")]
    OfAnother {
        /// The folder.
        folder: String,
        /// Its owner.
        owner: Ids,
    },
    /// The file system doesn't keep owners or permissions, so others may be able to read what is put there.
    #[error("The file system of \"{folder}\" does not keep the owner and permissions of a file.")]
    WithoutRights {
        /// The folder.
        folder: String,
    },
    /// One file can't be put in another's place in one step.
    #[error("\"{file}\" can't be replaced in one step.")]
    WithoutRename {
        /// The file.
        file: String,
    },
    /// The folder is mounted read-only.
    #[error("The folder \"{folder}\" is read-only.")]
    ReadOnly {
        /// The folder.
        folder: String,
    },
    /// No room. What was there before is still there.
    #[error("There is no room left in the folder \"{folder}\".")]
    Full {
        /// The folder.
        folder: String,
    },
    /// We may not.
    #[error("In the folder \"{folder}\", you may not do this: {attempt}.")]
    Forbidden {
        /// The folder.
        folder: String,
        /// What was tried.
        attempt: Attempt,
    },
    /// The file that is there can't be worked with. It was not touched.
    #[error("\"{file}\" can't be changed safely: {reason}.")]
    NotUnderstood {
        /// The file.
        file: String,
        /// Why.
        reason: ComposeError,
    },
    /// The file that is there, or shall be, is larger than what is handled.
    #[error("\"{file}\" is larger than 16 MiB.")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// Somebody else wrote to the file each time, between looking and writing.
    #[error("\"{file}\" keeps changing.")]
    KeepsChanging {
        /// The file.
        file: String,
    },
    /// It was written, but something else was read back.
    #[error("\"{file}\" was written, but what lies there now is something else.")]
    NotAsWritten {
        /// The file.
        file: String,
    },
    /// No answer within 60 s.
    #[error("The folder \"{folder}\" does not answer.")]
    Hangs {
        /// The folder.
        folder: String,
    },
    /// An error of the file system that has no sentence of its own.
    #[error("The folder \"{folder}\" failed at {attempt}: {}.", said_of(*errno))]
    FileSystem {
        /// The folder.
        folder: String,
        /// What was tried.
        attempt: Attempt,
        /// The system's number for it; 0 where it has none.
        errno: i32,
    },
}

fn leading_to(leads: Option<&str>) -> String {
    leads.map(|leads| format!(" to \"{leads}\"")).unwrap_or_default()
}

impl FolderError {
    /// The class of an error of the system's, by what was tried in which folder.
    pub(super) fn of(folder: &str, attempt: Attempt, error: &io::Error) -> Self {
        let owning = matches!(attempt, Attempt::Own(_));
        let folder = folder.to_owned();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { folder },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { folder },
            ErrorKind::PermissionDenied => Self::Forbidden { folder, attempt },
            // File systems without owners say this where others say that it is not permitted.
            ErrorKind::InvalidInput | ErrorKind::Unsupported if owning => Self::Forbidden { folder, attempt },
            _ => Self::FileSystem { folder, attempt, errno: error.raw_os_error().unwrap_or_default() },
        }
    }

    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRoot { .. } => "folder_path_bad",
            Self::BadPath { .. } => "bad_path",
            Self::Missing { .. } => "folder_missing",
            Self::NoFolder { .. } => "not_a_folder",
            Self::FolderIsLink { .. } => "folder_is_link",
            Self::LinkInTheWay { .. } => "link_in_the_way",
            Self::FileInTheWay { .. } => "file_in_the_way",
            Self::FileIsLink { .. } => "file_is_link",
            Self::FolderInPlace { .. } => "folder_in_place",
            Self::NoFileInPlace { .. } => "no_file_in_place",
            Self::OpenToAll { .. } => "folder_open_to_all",
            Self::OfAnother { .. } => "folder_of_another",
            Self::WithoutRights { .. } => "folder_without_rights",
            Self::WithoutRename { .. } => "folder_without_rename",
            Self::ReadOnly { .. } => "folder_read_only",
            Self::Full { .. } => "folder_full",
            Self::Forbidden { .. } => "folder_forbids",
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => "foreign",
            Self::NotUnderstood { .. } => "file_not_understood",
            Self::TooLarge { .. } => "file_too_large",
            Self::KeepsChanging { .. } => "file_keeps_changing",
            Self::NotAsWritten { .. } => "not_as_written",
            Self::Hangs { .. } => "folder_hangs",
            Self::FileSystem { .. } => "folder_failed",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            // Fills and empties, comes and goes, without anybody telling us.
            Self::Full { .. }
            | Self::KeepsChanging { .. }
            | Self::NotAsWritten { .. }
            | Self::Hangs { .. }
            | Self::FileSystem { .. } => NextStep::TryAgain,
            Self::BadRoot { .. }
            | Self::BadPath { .. }
            | Self::Missing { .. }
            | Self::NoFolder { .. }
            | Self::FolderIsLink { .. }
            | Self::LinkInTheWay { .. }
            | Self::FileInTheWay { .. }
            | Self::FileIsLink { .. }
            | Self::FolderInPlace { .. }
            | Self::NoFileInPlace { .. }
            | Self::OpenToAll { .. }
            | Self::OfAnother { .. }
            | Self::WithoutRights { .. }
            | Self::WithoutRename { .. }
            | Self::ReadOnly { .. }
            | Self::Forbidden { .. }
            | Self::NotUnderstood { .. }
            | Self::TooLarge { .. } => NextStep::AskUser,
        }
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::BadRoot { .. } => "Give the whole path, from the root of the disk, without \"..\".".to_owned(),
            Self::BadPath { .. } => "Give a path from the folder, such as \"claude/token\", without \"..\".".to_owned(),
            Self::Missing { folder } => {
                format!("Make it with \"mkdir -p -m 700 {folder}\", or mount what brings it; it is not made for you.")
            }
            Self::NoFolder { .. } => "Give the folder that the file shall lie in.".to_owned(),
            Self::FolderIsLink { leads: Some(leads), .. } => format!("Give the path {leads} itself."),
            Self::FolderIsLink { leads: None, .. } => "Put a real folder in its place.".to_owned(),
            Self::LinkInTheWay { .. } => {
                "Give the path without the link, or put a real folder in its place.".to_owned()
            }
            Self::FileInTheWay { .. } => "Move it away, or choose another path.".to_owned(),
            Self::FileIsLink { .. } => {
                "Deliver to where the file really is, or move the link away; it was left alone.".to_owned()
            }
            Self::FolderInPlace { .. } | Self::NoFileInPlace { .. } => {
                "Move it away if nothing needs it, or choose another path; it was left alone.".to_owned()
            }
            Self::OpenToAll { folder, sticky: true } => {
                format!("Make a folder of your own in it, with \"mkdir -m 700 {folder}/NAME\", and give that one.")
            }
            Self::OpenToAll { folder, sticky: false } => {
                format!("Close it with \"chmod o-w {folder}\", or choose a folder that only you can write to.")
            }
            Self::OfAnother { owner, .. } => format!(
                "Choose a folder of your own; or, as root, say that the file shall be that user's, with --owner {owner}."
            ),
            Self::WithoutRights { .. } => {
                "Choose a folder on a disk of this machine, where only you can read your files.".to_owned()
            }
            Self::WithoutRename { .. } => {
                "Choose another folder; if it is the file that is mounted there, mount its folder instead.".to_owned()
            }
            Self::ReadOnly { .. } => "Make it writable, or choose another folder.".to_owned(),
            Self::Full { .. } => "Make room; what was there before is still whole.".to_owned(),
            Self::Forbidden { attempt: Attempt::Own(_), .. } => {
                "Leave the owner out, so that the file is yours, or run Tokenferry as root.".to_owned()
            }
            Self::Forbidden { .. } => "Choose a folder of your own, or let its owner give you the right.".to_owned(),
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => {
                "If it may go, deliver with `tokenferry sync NAME --replace`; it was left alone.".to_owned()
            }
            Self::NotUnderstood { .. } => "Mend the file, or move it away; it was left alone.".to_owned(),
            Self::TooLarge { .. } => "Make it smaller, or move it away; it was left alone.".to_owned(),
            Self::KeepsChanging { .. } => "There is nothing to do: it is tried again.".to_owned(),
            Self::NotAsWritten { .. } => "See what else writes to this file; it is tried again.".to_owned(),
            Self::Hangs { .. } => "Look at the disk or the server that the folder is on; it is tried again.".to_owned(),
            Self::FileSystem { .. } => "Look at the disk that the folder is on; it is tried again.".to_owned(),
        }
    }

    /// Whether it says that no copy of ours lies there, so that nothing is left to take away: the folder has gone, or what
    /// stands in the file's place is not what is delivered. Behind a link one may lie, to where somebody moved it.
    pub fn is_without_copy(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::NoFolder { .. }
                | Self::FileInTheWay { .. }
                | Self::FolderInPlace { .. }
                | Self::NoFileInPlace { .. }
                | Self::NotUnderstood { .. }
        )
    }
}

/// What the system says, without its number and its full stop.
fn said_of(errno: i32) -> String {
    if errno == 0 {
        return "the system does not say why".to_owned();
    }
    let text = io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ErrorKind, attempt: Attempt) -> FolderError {
        FolderError::of("/srv/claude", attempt, &kind.into())
    }

    #[test]
    fn errors_of_the_system_get_their_sentences() {
        let write = || Attempt::Write("token".to_owned());
        assert_eq!(of(ErrorKind::StorageFull, write()).code(), "folder_full");
        assert_eq!(of(ErrorKind::QuotaExceeded, write()).code(), "folder_full");
        assert_eq!(of(ErrorKind::ReadOnlyFilesystem, write()).code(), "folder_read_only");
        assert_eq!(of(ErrorKind::InvalidInput, write()).code(), "folder_failed");
        let own = Attempt::Own(Ids { uid: 1000, gid: 1000 });
        let forbidden = of(ErrorKind::InvalidInput, own);
        assert_eq!(
            forbidden.to_string(),
            "In the folder \"/srv/claude\", you may not do this: giving a file to the user 1000:1000."
        );
        assert!(forbidden.fix().contains("run Tokenferry as root"));
        let disk = FolderError::of("/srv/claude", write(), &io::Error::from_raw_os_error(5));
        let said = disk.to_string();
        assert!(said.starts_with("The folder \"/srv/claude\" failed at writing \"token\": "), "{said}");
        assert!(!said.contains("os error") && said.ends_with('.'), "{said}");
    }

    #[test]
    fn a_link_says_where_it_leads() {
        let link = |leads: Option<&str>| FolderError::FolderIsLink {
            folder: "/a".to_owned(),
            leads: leads.map(ToOwned::to_owned),
        };
        assert_eq!(link(Some("/b")).to_string(), "\"/a\" is a symbolic link to \"/b\", and those are not followed.");
        assert_eq!(link(Some("/b")).fix(), "Give the path /b itself.");
        assert_eq!(link(None).to_string(), "\"/a\" is a symbolic link, and those are not followed.");
    }

    #[test]
    fn a_copy_behind_a_link_may_still_be_there() {
        let (folder, file) = (|| "/a".to_owned(), || "/a/b".to_owned());
        assert!(FolderError::Missing { folder: folder() }.is_without_copy());
        assert!(FolderError::FolderInPlace { file: file() }.is_without_copy());
        assert!(!FolderError::FileIsLink { file: file(), leads: None }.is_without_copy());
        assert!(!FolderError::Hangs { folder: folder() }.is_without_copy());
        assert!(!FolderError::ReadOnly { folder: folder() }.is_without_copy());
    }
}
