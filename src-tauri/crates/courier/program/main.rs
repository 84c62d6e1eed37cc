//! The courier: a program without a standard library that runs in a container with the volumes mounted, and does in
//! them what its standard input asks for. The protocol is told in words in `../src/protocol.rs`.
//!
//! It works off one request after the other, each of them whole: a temporary file is renamed or removed before the
//! next byte is read. So when its input ends it can end at once, and nothing of it stays behind. As the first process
//! of its container it is safe from `SIGALRM`, so its lifetime is bound by a deadline at every wait for its streams.
//!
//! Built by `../build.sh` with rustc 1.63; `unsafe` is allowed in this program and nowhere else in the project.
#![no_std]
#![no_main]
// The functions that the compiler calls for copying are defined in `sys`: it must not turn them into calls of themselves.
#![no_builtins]

mod sys;
mod tree;
mod wire;

use tree::Failure;
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

// Pages of these that are never touched cost nothing.
static mut REQUEST: [u8; MAX_FRAME] = [0; MAX_FRAME];
static mut ANSWER: [u8; MAX_FRAME] = [0; MAX_FRAME];

/// Where `_start` jumps to, on an aligned stack.
#[no_mangle]
extern "C" fn courier() -> ! {
    // SAFETY: this function runs once, on the only thread, and these are the only references ever made.
    let (request, answer) = unsafe { (&mut *core::ptr::addr_of_mut!(REQUEST), &mut *core::ptr::addr_of_mut!(ANSWER)) };
    let deadline = sys::now() + LIFETIME_SECONDS;
    sys::clear_umask();
    loop {
        let length = match wire::receive(request, deadline) {
            Ok(0) => sys::exit(ENDED),
            Ok(length) => length,
            Err(_) => sys::exit(STREAM_BROKEN),
        };
        let body = match request.get(..length) {
            Some(body) => body,
            None => sys::exit(BAD_REQUEST),
        };
        let mut writer = Writer::new(answer);
        match obey(&mut Reader::new(body), &mut writer) {
            Some(Ok(())) => {}
            Some(Err(failure)) => {
                writer.restart();
                failure.tell(&mut writer);
            }
            None => sys::exit(BAD_REQUEST),
        }
        if wire::send(&mut writer, deadline).is_err() {
            sys::exit(STREAM_BROKEN);
        }
    }
}

/// Does what one request asks for; `None` if it can't be understood.
fn obey(request: &mut Reader, answer: &mut Writer) -> Option<Result<(), Failure>> {
    if request.u8()? != VERSION {
        return None;
    }
    let operation = request.u8()?;
    let root = request.text()?;
    let path = request.text()?;
    let place = match tree::Place::new(root, path) {
        Some(place) => place,
        None => return None,
    };
    Some(match operation {
        LOOK => {
            request.end()?;
            tree::look(&place, answer)
        }
        WRITE => {
            let order = tree::Order {
                expected: request.stamp()?,
                stale: request.text()?,
                temporary: request.text()?,
                uid: request.u32()?,
                gid: request.u32()?,
                mode: request.u32()?,
                content: request.bytes()?,
            };
            request.end()?;
            tree::write(&place, &order).and_then(|()| tree::look(&place, answer))
        }
        REMOVE => {
            let expected = request.stamp()?;
            request.end()?;
            tree::remove(&place, &expected).and_then(|()| tree::look(&place, answer))
        }
        HAND_OVER => {
            let (uid, gid) = (request.u32()?, request.u32()?);
            request.end()?;
            tree::hand_over(&place, uid, gid).and_then(|()| tree::look(&place, answer))
        }
        _ => return None,
    })
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    sys::exit(PANICKED)
}
