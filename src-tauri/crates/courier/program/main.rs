//! The courier: a program without a standard library that runs in a container with the volumes mounted, and does in
//! them what its standard input asks for. The protocol is told in words in `../src/protocol.rs`.
//!
//! It works off one request after the other, but for writes, which it gathers: getting 100 files onto a disk together
//! takes little longer than one. When its input ends it removes what it has not published, and ends. As the first
//! process of its container it is safe from `SIGALRM`, so a deadline at every wait for its streams bounds its lifetime.
//!
//! Built by `../build.sh` with rustc 1.63; `unsafe` is allowed in this program and nowhere else in the project.
#![no_std]
#![no_main]
// The functions that the compiler calls for copying are defined in `memory`: it must not turn them into calls of themselves.
#![no_builtins]

mod memory;
mod sync;
mod sys;
mod tree;
mod wire;

use sys::Errno;
use tree::{Failure, Order, Place, Staged};
use wire::{Reader, Writer};

/// What the protocol is at. The host says the same, or is refused.
const VERSION: u8 = 1;
/// The largest file that is read or written: some programs let their JSON grow to several megabytes.
const MAX_CONTENT: usize = 16 << 20;
/// A file and all that is said about it.
const MAX_FRAME: usize = MAX_CONTENT + (64 << 10);
/// No delivery takes this long; whoever asked is gone or stuck.
const LIFETIME_SECONDS: i64 = 60;

const LOOK: u8 = 1;
const WRITE: u8 = 2;
const REMOVE: u8 = 3;
const HAND_OVER: u8 = 4;

const ENDED: i32 = 0;
const BAD_REQUEST: i32 = 2;
const STREAM_BROKEN: i32 = 3;
const PANICKED: i32 = 4;

/// A write that waits for the others of its batch, or failed already.
struct Waiting {
    place: Place,
    staged: Result<Staged, Failure>,
}

const NOBODY: Option<Waiting> = None;

// Pages of these that are never touched cost nothing.
static mut REQUEST: [u8; MAX_FRAME] = [0; MAX_FRAME];
static mut ANSWER: [u8; MAX_FRAME] = [0; MAX_FRAME];

/// Where `_start` jumps to, on an aligned stack.
#[no_mangle]
extern "C" fn courier() -> ! {
    // SAFETY: this function runs once, on the only thread, and these are the only references ever made.
    let (request, answer) = unsafe { (&mut *core::ptr::addr_of_mut!(REQUEST), &mut *core::ptr::addr_of_mut!(ANSWER)) };
    sys::clear_umask();
    let mut batch = [NOBODY; sync::MOST];
    let deadline = sys::now() + LIFETIME_SECONDS;
    let code = Courier { answer, batch: &mut batch, waiting: 0, deadline }.serve(request);
    // Takes away what was not published.
    drop(batch);
    sys::exit(code)
}

struct Courier<'a> {
    answer: &'a mut [u8; MAX_FRAME],
    batch: &'a mut [Option<Waiting>; sync::MOST],
    /// How many of the batch's places are taken.
    waiting: usize,
    deadline: i64,
}

impl Courier<'_> {
    /// Works off requests, and answers with what code to end.
    fn serve(&mut self, request: &mut [u8]) -> i32 {
        loop {
            let length = match wire::receive(request, self.deadline) {
                Ok(0) => return ENDED,
                Ok(length) => length,
                Err(_) => return STREAM_BROKEN,
            };
            let body = request.get(..length).unwrap_or(&[]);
            match self.obey(&mut Reader::new(body)) {
                Some(Ok(())) => {}
                Some(Err(_)) => return STREAM_BROKEN,
                None => return BAD_REQUEST,
            }
        }
    }

    /// Does what one request asks for; `None` if it can't be understood. Fails only where answers can't be sent.
    fn obey(&mut self, request: &mut Reader) -> Option<Result<(), Errno>> {
        if request.u8()? != VERSION {
            return None;
        }
        let operation = request.u8()?;
        let place = Place::new(request.text()?, request.text()?)?;
        if operation == WRITE {
            let more = request.u8()? != 0;
            let order = Order {
                expected: request.stamp()?,
                stale: request.text()?,
                mine: request.text()?,
                temporary: request.text()?,
                uid: request.u32()?,
                gid: request.u32()?,
                mode: request.u32()?,
                content: request.bytes()?,
            };
            request.end()?;
            let staged = tree::stage(&place, &order);
            *self.batch.get_mut(self.waiting)? = Some(Waiting { place, staged });
            self.waiting += 1;
            return Some(if more && self.waiting < sync::MOST { Ok(()) } else { self.publish() });
        }
        // Answers come in the order of requests.
        if let Err(errno) = self.publish() {
            return Some(Err(errno));
        }
        let done = match operation {
            LOOK => Ok(()),
            REMOVE => tree::remove(&place, &request.stamp()?),
            HAND_OVER => tree::hand_over(&place, request.u32()?, request.u32()?),
            _ => return None,
        };
        request.end()?;
        Some(self.tell(&place, done))
    }

    /// Gets the batch onto the disk, each file in its place, and answers for each.
    fn publish(&mut self) -> Result<(), Errno> {
        let mut synced = [false; sync::MOST];
        // A single one is synced just as well by itself.
        if self.waiting > 1 {
            let staged = || self.batch.iter().flatten().flat_map(|waiting| &waiting.staged);
            sync::together(staged().map(Staged::file), |number| {
                if let Some(synced) = synced.get_mut(number) {
                    *synced = true;
                }
            });
        }
        let mut synced = synced.iter();
        for number in 0..self.waiting {
            let waiting = self.batch.get_mut(number).and_then(Option::take);
            if let Some(Waiting { place, staged }) = waiting {
                let done = staged.and_then(|staged| staged.publish(synced.next() == Some(&true)));
                self.tell(&place, done)?;
            }
        }
        self.waiting = 0;
        Ok(())
    }

    /// Answers with what is there now, or with the failure.
    fn tell(&mut self, place: &Place, done: Result<(), Failure>) -> Result<(), Errno> {
        let mut writer = Writer::new(self.answer);
        if let Err(failure) = done.and_then(|()| tree::look(place, &mut writer)) {
            writer.restart();
            failure.tell(&mut writer);
        }
        wire::send(&mut writer, self.deadline)
    }
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    sys::exit(PANICKED)
}
