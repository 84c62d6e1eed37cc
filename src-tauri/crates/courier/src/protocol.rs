//! The words between host and courier, and their coding. Nothing here reads or writes a stream.
//!
//! Both directions carry *frames*: a length (`u32`) and a body of that many bytes, at most [`MAX_FRAME`]. Numbers are
//! little endian; a *text* is a `u16` length and that many bytes, *bytes* are a `u32` length and that many. The host
//! sends requests, as many as it likes without waiting; the courier answers each, in order. A frame of length 0, or the
//! end of the stream, is the farewell, upon which the courier ends. It ends too, without an answer, at a request that it
//! can't understand, and 60 seconds after its start.
//!
//! A **request** is the version (`u8`, [`VERSION`]), the operation (`u8`), the volume's mount point (text), the file's
//! path from there (text, names joined by `/`, none of them empty, `.` or `..`; empty for the mount point itself), then:
//!
//! | operation | fields |
//! |---|---|
//! | 1 look | none |
//! | 2 write | stamp expected; how names of stale temporary files begin (text); name of the temporary file (text); uid, gid, mode (`u32` each); content (bytes) |
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
        /// What was there when it was decided to write.
        expected: Stamp,
        /// How the names of temporary files begin that an earlier courier of the same sender may have left.
        stale: String,
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

const LOOK: u8 = 1;
const WRITE: u8 = 2;
const REMOVE: u8 = 3;
const HAND_OVER: u8 = 4;

impl Kind {
    const ALL: [Self; 5] = [Self::Nothing, Self::File, Self::Folder, Self::Link, Self::Other];
}

impl Step {
    const ALL: [Self; 9] = [
        Self::Root,
        Self::Parent,
        Self::Target,
        Self::Changed,
        Self::Create,
        Self::Fill,
        Self::Owner,
        Self::Rename,
        Self::Unlink,
    ];
}

impl Request {
    /// The whole frame, its length first.
    ///
    /// # Errors
    /// [`ProtocolError::TooLarge`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, ProtocolError> {
        let content = match &self.operation {
            Operation::Write { content, .. } if content.0.len() > MAX_CONTENT => return Err(ProtocolError::TooLarge),
            Operation::Write { content, .. } => content.0.len(),
            _ => 0,
        };
        // Room for all of it at once, so that no outgrown copy of a secret stays behind in memory.
        let mut frame = Encoder(Zeroizing::new(Vec::with_capacity(content + 1024)));
        frame.u32(0);
        frame.u8(VERSION);
        frame.u8(match self.operation {
            Operation::Look => LOOK,
            Operation::Write { .. } => WRITE,
            Operation::Remove { .. } => REMOVE,
            Operation::HandOver { .. } => HAND_OVER,
        });
        frame.text(&self.root)?;
        frame.text(&self.path)?;
        match &self.operation {
            Operation::Look => {}
            Operation::Write { expected, stale, temporary, attributes, content } => {
                frame.stamp(expected);
                frame.text(stale)?;
                frame.text(temporary)?;
                frame.u32(attributes.uid);
                frame.u32(attributes.gid);
                frame.u32(attributes.mode);
                frame.bytes(&content.0)?;
            }
            Operation::Remove { expected } => frame.stamp(expected),
            Operation::HandOver { uid, gid } => {
                frame.u32(*uid);
                frame.u32(*gid);
            }
        }
        frame.finish()
    }
}

impl Answer {
    /// Reads the body of a frame, its length not included.
    ///
    /// # Errors
    /// [`ProtocolError::Version`], [`ProtocolError::Garbled`].
    pub fn decode(body: &[u8]) -> Result<Self, ProtocolError> {
        let mut fields = Decoder { rest: body };
        if fields.u8()? != VERSION {
            return Err(ProtocolError::Version);
        }
        let answer = match fields.u8()? {
            0 => Self::Seen(fields.sight()?),
            step => Self::Failed(Failure {
                step: *Step::ALL.get(usize::from(step) - 1).ok_or(ProtocolError::Garbled)?,
                errno: fields.u32()?,
                depth: fields.u8()?,
                kind: fields.kind()?,
            }),
        };
        if fields.rest.is_empty() { Ok(answer) } else { Err(ProtocolError::Garbled) }
    }
}

struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) -> Result<(), ProtocolError> {
        let length = u16::try_from(text.len()).map_err(|_| ProtocolError::TooLarge)?;
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.u32(u32::try_from(bytes.len()).map_err(|_| ProtocolError::TooLarge)?);
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn stamp(&mut self, stamp: &Stamp) {
        self.u8(stamp.kind as u8);
        self.u64(stamp.inode);
        self.u64(stamp.size);
        self.u64(stamp.changed_seconds);
        self.u32(stamp.changed_nanoseconds);
    }

    fn finish(mut self) -> Result<Zeroizing<Vec<u8>>, ProtocolError> {
        let body = self.0.len() - LENGTH;
        let length = u32::try_from(body).ok().filter(|_| body <= MAX_FRAME).ok_or(ProtocolError::TooLarge)?;
        for (to, from) in self.0.iter_mut().zip(length.to_le_bytes()) {
            *to = from;
        }
        Ok(self.0)
    }
}

struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], ProtocolError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ProtocolError::Garbled)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, ProtocolError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, ProtocolError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ProtocolError> {
        self.array().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, ProtocolError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ProtocolError::Garbled),
        }
    }

    fn kind(&mut self) -> Result<Kind, ProtocolError> {
        let kind = self.u8()?;
        Kind::ALL.get(usize::from(kind)).copied().ok_or(ProtocolError::Garbled)
    }

    fn attributes(&mut self) -> Result<Attributes, ProtocolError> {
        Ok(Attributes { uid: self.u32()?, gid: self.u32()?, mode: self.u32()? })
    }

    fn stamp(&mut self) -> Result<Stamp, ProtocolError> {
        Ok(Stamp {
            kind: self.kind()?,
            inode: self.u64()?,
            size: self.u64()?,
            changed_seconds: self.u64()?,
            changed_nanoseconds: self.u32()?,
        })
    }

    fn content(&mut self) -> Result<Content, ProtocolError> {
        let length = self.u32()? as usize;
        let (content, rest) = self.rest.split_at_checked(length).ok_or(ProtocolError::Garbled)?;
        self.rest = rest;
        Ok(Content::from(content.to_vec()))
    }

    fn sight(&mut self) -> Result<Sight, ProtocolError> {
        let root = self.attributes()?;
        let file_system = self.u64()?;
        let read_only = self.flag()?;
        let entries = self.u16()?;
        let mut folders = Vec::new();
        while self.flag()? {
            folders.push(self.attributes()?);
        }
        let stamp = self.stamp()?;
        let file = match stamp.kind {
            Kind::Nothing => None,
            _ => Some(Found {
                attributes: self.attributes()?,
                content: if self.flag()? { Some(self.content()?) } else { None },
            }),
        };
        Ok(Sight { root, file_system, read_only, entries, folders, stamp, file })
    }
}
