//! Many files onto the disk at once, by the kernel's asynchronous I/O.

use crate::sys::{self, checked, number, raw, Fd};

/// How many files [`together`] takes.
pub const MOST: usize = 128;

#[repr(C)]
#[derive(Clone, Copy)]
struct IoRequest {
    data: u64,
    key_and_flags: u64,
    operation: u16,
    priority: u16,
    descriptor: u32,
    unused: [u64; 5],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct IoEvent {
    data: u64,
    request: u64,
    result: i64,
    second_result: i64,
}

/// Asks the kernel to get many files onto the disk at once, which costs it little more than one, and calls `done` with
/// the place of each that is there. Those it isn't called for are left to [`Fd::sync`]: not every kernel or sandbox
/// knows this way.
pub fn together<'a>(files: impl Iterator<Item = &'a Fd>, mut done: impl FnMut(usize)) {
    const SYNC: u16 = 2;
    const NO_REQUEST: IoRequest =
        IoRequest { data: 0, key_and_flags: 0, operation: SYNC, priority: 0, descriptor: 0, unused: [0; 5] };
    let mut requests = [NO_REQUEST; MOST];
    let mut count = 0;
    for (request, file) in requests.iter_mut().zip(files) {
        request.data = count as u64;
        request.descriptor = file.number() as u32;
        count += 1;
    }
    let mut pointers = [0_usize; MOST];
    for (pointer, request) in pointers.iter_mut().zip(requests.iter()) {
        *pointer = request as *const IoRequest as usize;
    }
    let mut context = 0_usize;
    let mut events = [IoEvent { data: 0, request: 0, result: 0, second_result: 0 }; MOST];
    // SAFETY: the context is a number that the call fills; the pointers are to `count` requests, no more than there are;
    // the events are as many as said. All are alive until the last event has come, which is waited for. The context is
    // left to the end of the program.
    unsafe {
        if checked(raw(number::IO_SETUP, MOST, &mut context as *mut usize as usize, 0, 0, 0)).is_err() {
            return;
        }
        let submitted = match checked(raw(number::IO_SUBMIT, context, count, pointers.as_ptr() as usize, 0, 0)) {
            Ok(submitted) => submitted,
            Err(_) => return,
        };
        let mut left = submitted;
        while left > 0 {
            let into = events.as_mut_ptr() as usize;
            match checked(raw(number::IO_GETEVENTS, context, left, left, into, 0)) {
                Ok(got) => {
                    for event in events.iter().take(got).filter(|event| event.result == 0) {
                        done(event.data as usize);
                    }
                    left -= got.min(left);
                }
                Err(sys::EINTR) => {}
                // Can't happen with a good context, and the requests must not outlive this function.
                Err(_) => sys::exit(crate::STREAM_BROKEN),
            }
        }
    }
}
