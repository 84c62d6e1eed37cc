//! Requests to bytes, and bytes to answers.

use zeroize::Zeroizing;

use super::{
    Answer, Attributes, Content, Failure, Found, Kind, LENGTH, MAX_CONTENT, MAX_FRAME, MAX_PATH, Operation,
    ProtocolError, Request, Sight, Stamp, Step, VERSION,
};

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
        if self.path.len() > MAX_PATH {
            return Err(ProtocolError::TooLarge);
        }
        // Room for all of it at once, so that no outgrown copy of a secret stays behind in memory.
        let mut frame = Encoder(Zeroizing::new(Vec::with_capacity(content + 2 * MAX_PATH)));
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
            Operation::Write { more_follows, expected, stale, mine, temporary, attributes, content } => {
                frame.u8(u8::from(*more_follows));
                frame.stamp(expected);
                frame.text(stale)?;
                frame.text(mine)?;
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
