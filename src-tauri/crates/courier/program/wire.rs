//! Frames on the two streams, and the fields in them: little endian, nothing beyond what was announced.

use crate::sys::{self, Errno};
use crate::MAX_FRAME;

const LENGTH: usize = 4;

/// Reads one frame's body into `buffer` and answers its length; 0 for the farewell, or the end of the stream.
pub fn receive(buffer: &mut [u8], deadline: i64) -> Result<usize, Errno> {
    let mut length = [0; LENGTH];
    if !fill(&mut length, deadline)? {
        return Ok(0);
    }
    let length = u32::from_le_bytes(length) as usize;
    let body = match buffer.get_mut(..length) {
        Some(body) => body,
        None => return Err(sys::EINVAL),
    };
    // A stream that ends within a frame asks for nothing.
    if fill(body, deadline)? {
        Ok(length)
    } else {
        Ok(0)
    }
}

/// Fills `into` from standard input; `false` if it ends before that.
fn fill(into: &mut [u8], deadline: i64) -> Result<bool, Errno> {
    let mut rest = into;
    while !rest.is_empty() {
        let got = sys::receive(sys::STDIN, rest, deadline)?;
        if got == 0 {
            return Ok(false);
        }
        rest = rest.get_mut(got..).unwrap_or(&mut []);
    }
    Ok(true)
}

/// Writes the frame that `writer` holds to standard output.
pub fn send(writer: &mut Writer, deadline: i64) -> Result<(), Errno> {
    let mut rest = writer.frame();
    while !rest.is_empty() {
        let sent = sys::send(sys::STDOUT, rest, deadline)?;
        rest = rest.get(sent..).unwrap_or(&[]);
    }
    Ok(())
}

/// Puts bytes at the beginning of `room` and answers how many; `None` if they don't fit. Can't panic, unlike the
/// library's `copy_from_slice`, and so does without the machinery for saying so.
pub fn copy(bytes: &[u8], room: &mut [u8]) -> Option<usize> {
    for (to, from) in room.get_mut(..bytes.len())?.iter_mut().zip(bytes) {
        *to = *from;
    }
    Some(bytes.len())
}

/// What was seen of a file, to notice that it is another by now.
#[derive(Clone, Copy, PartialEq)]
pub struct Stamp {
    pub kind: u8,
    pub inode: u64,
    pub size: u64,
    pub changed_seconds: u64,
    pub changed_nanoseconds: u32,
}

/// Takes fields from a request; `None` where it ends too early.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest.get(..count)?;
        self.rest = self.rest.get(count..)?;
        Some(taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub fn stamp(&mut self) -> Option<Stamp> {
        Some(Stamp {
            kind: self.u8()?,
            inode: self.u64()?,
            size: self.u64()?,
            changed_seconds: self.u64()?,
            changed_nanoseconds: self.u32()?,
        })
    }

    /// Nothing may follow.
    pub fn end(&self) -> Option<()> {
        if self.rest.is_empty() {
            Some(())
        } else {
            None
        }
    }
}

/// Puts fields into an answer. What doesn't fit is left out; the buffer is as large as the largest answer.
pub struct Writer<'a> {
    buffer: &'a mut [u8; MAX_FRAME],
    at: usize,
}

impl<'a> Writer<'a> {
    pub fn new(buffer: &'a mut [u8; MAX_FRAME]) -> Self {
        Self { buffer, at: LENGTH }
    }

    /// Forgets what was put so far.
    pub fn restart(&mut self) {
        self.at = LENGTH;
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.buffer.get_mut(self.at..) {
            self.at += copy(bytes, room).unwrap_or(0);
        }
    }

    pub fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    pub fn stamp(&mut self, stamp: &Stamp) {
        self.u8(stamp.kind);
        self.u64(stamp.inode);
        self.u64(stamp.size);
        self.u64(stamp.changed_seconds);
        self.u32(stamp.changed_nanoseconds);
    }

    /// Room for content whose length is not known before it has been read.
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.at + LENGTH..).unwrap_or(&mut [])
    }

    /// Announces `length` bytes that were put into `room`.
    pub fn filled(&mut self, length: usize) {
        self.u32(length as u32);
        self.at += length;
    }

    fn frame(&mut self) -> &[u8] {
        let length = (self.at - LENGTH) as u32;
        let _ = copy(&length.to_le_bytes(), self.buffer);
        self.buffer.get(..self.at).unwrap_or(&[])
    }
}
