//! The words between host and courier, and their coding. Nothing here reads or writes a stream.
//!
//! Both directions carry *frames*: a length (`u32`) and a body of that many bytes, at most [`MAX_FRAME`]. Numbers are
//! little endian; a *text* is a `u16` length and that many bytes, *bytes* are a `u32` length and that many. The host
//! sends requests, as many as it likes without waiting; the courier answers each, in order, a write perhaps only when
//! the writes that follow it have come. A frame of length 0, or the
//! end of the stream, is the farewell, upon which the courier ends. It ends too, without an answer, at a request that it
//! can't understand, and 60 seconds after its start.
//!
//! A **request** is the version (`u8`, [`VERSION`]), the operation (`u8`), the volume's mount point (text), the file's
//! path from there (text, names joined by `/`, none of them empty, `.` or `..`; empty for the mount point itself), then:
//!
//! | operation | fields |
//! |---|---|
//! | 1 look | none |
//! | 2 write | 1 if the answer may wait for a following write, else 0 (`u8`); stamp expected; how names of temporary files begin that may be stale (text), and of those which this courier made and are not (text); name of the temporary file (text); uid, gid, mode (`u32` each); content (bytes) |
//! | 3 remove | stamp expected |
//! | 4 hand over the mount point | uid, gid (`u32` each) |
//!
//! An **answer** is the version (`u8`) and a step (`u8`). Step 0 says that all was done, and what is there *now*, freshly
//! looked at: the root's uid, gid, mode (`u32` each), its file system's magic number (`u64`), 1 if it is read-only (`u8`),
//! how many entries it has (`u16`, stops at 1000; neither `lost+found` nor our own temporary files); for each folder on
//! the way that exists a 1 (`u8`) and uid, gid, mode, then a 0; the file's stamp; if its kind is not 0, its uid, gid,
//! mode; and a 1 and its content (bytes), or a 0 if it is no file or too large.
//! Every other step is one that failed: errno (`u32`), at which name of the path (`u8`), what stood there (`u8`, a kind).
//!
//! A **stamp** is kind (`u8`: 0 nothing, 1 file, 2 folder, 3 link, 4 other), inode, size, seconds (`u64` each) and
//! nanoseconds (`u32`) of the last change. A write or removal that meets another stamp than expected does nothing and
//! fails with the step "changed".

mod coding;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

/// What the protocol is at.
pub const VERSION: u8 = 1;
/// The largest file that the courier reads or writes, in bytes.
pub const MAX_CONTENT: usize = 16 << 20;
/// The largest body of a frame, in bytes.
pub const MAX_FRAME: usize = MAX_CONTENT + (64 << 10);
/// How the names of all temporary files begin.
pub const TEMPORARY_PREFIX: &str = ".tokenferry-";
/// Bytes of a frame's length.
pub const LENGTH: usize = 4;
/// The longest path of a file from its mount point, in bytes.
pub const MAX_PATH: usize = 1024;
/// The frame that ends the conversation.
pub const FAREWELL: [u8; LENGTH] = [0; LENGTH];

/// A file's content. Doesn't print, and wipes its memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(pub Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nothing.
    #[default]
    Nothing,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, wherever it leads.
    Link,
    /// A named pipe, a socket, a device.
    Other,
}

/// What was seen of a file, to notice that it is another by now. The default is that of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// What it is.
    pub kind: Kind,
    /// Its number in its file system.
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// When content, owner or mode last changed, in seconds since 1970.
    pub changed_seconds: u64,
    /// And nanoseconds.
    pub changed_nanoseconds: u32,
}

/// Owner and permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
}

/// What the courier is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The volume's mount point.
    pub root: String,
    /// The file's path from there.
    pub path: String,
    /// What to do.
    pub operation: Operation,
}

/// What to do at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Tell what is there.
    Look,
    /// Put a file there in one step. Folders that are missing on the way are made, 0700, for the same owner.
    Write {
        /// Whether the answer may wait for a following write: many files get onto a disk together as fast as one.
        more_follows: bool,
        /// What was there when it was decided to write.
        expected: Stamp,
        /// How the names of temporary files begin that an earlier courier of the same sender may have left.
        stale: String,
        /// How the names of those begin that this courier makes.
        mine: String,
        /// A name of its own for the temporary file.
        temporary: String,
        /// Owner and mode of the file.
        attributes: Attributes,
        /// The file's content.
        content: Content,
    },
    /// Take the file or link away. What isn't there is no error.
    Remove {
        /// What was there when it was decided to remove.
        expected: Stamp,
    },
    /// Give the mount point itself to this user and group.
    HandOver {
        /// The user's number.
        uid: u32,
        /// The group's number.
        gid: u32,
    },
}

/// What the courier answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// All was done; this is there now.
    Seen(Sight),
    /// This step failed.
    Failed(Failure),
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The mount point's own.
    pub root: Attributes,
    /// The magic number of its file system, as in `statfs(2)`.
    pub file_system: u64,
    /// Whether it is mounted read-only.
    pub read_only: bool,
    /// How many entries the mount point has, up to 1000.
    pub entries: u16,
    /// The folders on the way, as far as they exist.
    pub folders: Vec<Attributes>,
    /// The file's stamp, or the default if there is nothing.
    pub stamp: Stamp,
    /// The file's own, if there is something.
    pub file: Option<Found>,
}

/// What stands under the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Owner and mode.
    pub attributes: Attributes,
    /// The content, if it is a file and not too large.
    pub content: Option<Content>,
}

/// A step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub step: Step,
    /// Linux's number for why.
    pub errno: u32,
    /// At which name of the path, from 0; for [`Step::Parent`] alone.
    pub depth: u8,
    /// What stood there; for [`Step::Parent`], [`Step::Target`], [`Step::Changed`] and [`Step::Unlink`].
    pub kind: Kind,
}

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opening the mount point.
    Root,
    /// Entering or making a folder on the way.
    Parent,
    /// Looking at what stands under the file's name.
    Target,
    /// It is not what was expected.
    Changed,
    /// Making the temporary file.
    Create,
    /// Writing it, or getting it onto the disk.
    Fill,
    /// Giving it, or the mount point, mode and owner.
    Owner,
    /// Renaming it.
    Rename,
    /// Removing the file.
    Unlink,
}

/// Bytes that are no answer of a courier of this version, or a request too large for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Another version's.
    #[error("the courier speaks another version of the protocol")]
    Version,
    /// Too short, too long, or with a number that means nothing.
    #[error("the courier's answer makes no sense")]
    Garbled,
    /// A path or content longer than a frame may hold.
    #[error("the file or its path is larger than the courier takes")]
    TooLarge,
}
