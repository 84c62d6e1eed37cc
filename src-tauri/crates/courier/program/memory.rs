//! What the compiler itself calls for copying, filling and comparing, and a name that it looks for. Byte by byte: the
//! largest thing that is ever copied is a path.

/// # Safety
/// As in C.
#[no_mangle]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    let mut at = 0;
    while at < count {
        *to.add(at) = *from.add(at);
        at += 1;
    }
    to
}

/// # Safety
/// As in C.
#[no_mangle]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    let mut at = 0;
    while at < count {
        *to.add(at) = byte as u8;
        at += 1;
    }
    to
}

/// # Safety
/// As in C.
#[no_mangle]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut at = 0;
    while at < count {
        let (a, b) = (*left.add(at), *right.add(at));
        if a != b {
            return i32::from(a) - i32::from(b);
        }
        at += 1;
    }
    0
}

/// # Safety
/// As in C.
#[no_mangle]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    memcmp(left, right, count)
}

/// Named by the tables for unwinding that come with the compiler's `core`; nothing here unwinds.
#[no_mangle]
pub extern "C" fn rust_eh_personality() {}
