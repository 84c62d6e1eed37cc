//! Linux's system calls, as far as the courier needs them, on x86_64 and aarch64.
//!
//! A call answers `Ok(value)` or `Err(errno)`. A descriptor closes itself.

use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;

/// An error number of Linux.
pub type Errno = u32;

pub const ENOENT: Errno = 2;
pub const EINTR: Errno = 4;
pub const EAGAIN: Errno = 11;
pub const EEXIST: Errno = 17;
pub const EISDIR: Errno = 21;
pub const EINVAL: Errno = 22;
pub const ENOSYS: Errno = 38;
pub const EOPNOTSUPP: Errno = 95;
pub const ETIMEDOUT: Errno = 110;
pub const ESTALE: Errno = 116;

pub const STDIN: i32 = 0;
pub const STDOUT: i32 = 1;

const AT_FDCWD: usize = -100_isize as usize;
const AT_SYMLINK_NOFOLLOW: usize = 0x100;
const O_WRONLY: usize = 0o1;
const O_CREAT: usize = 0o100;
const O_EXCL: usize = 0o200;
const O_NONBLOCK: usize = 0o4000;
const O_CLOEXEC: usize = 0o2_000_000;
const POLLIN: i16 = 1;
const POLLOUT: i16 = 4;
const CLOCK_MONOTONIC: usize = 1;

#[cfg(target_arch = "x86_64")]
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const FSYNC: usize = 74;
    pub const FCHMOD: usize = 91;
    pub const FCHOWN: usize = 93;
    pub const UMASK: usize = 95;
    pub const FSTATFS: usize = 138;
    pub const IO_SETUP: usize = 206;
    pub const IO_GETEVENTS: usize = 208;
    pub const IO_SUBMIT: usize = 209;
    pub const GETDENTS64: usize = 217;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const MKDIRAT: usize = 258;
    pub const NEWFSTATAT: usize = 262;
    pub const UNLINKAT: usize = 263;
    pub const RENAMEAT: usize = 264;
    pub const PPOLL: usize = 271;

    pub const O_DIRECTORY: usize = 0o200_000;
    pub const O_NOFOLLOW: usize = 0o400_000;
}

#[cfg(target_arch = "aarch64")]
pub mod number {
    pub const IO_SETUP: usize = 0;
    pub const IO_SUBMIT: usize = 2;
    pub const IO_GETEVENTS: usize = 4;
    pub const MKDIRAT: usize = 34;
    pub const UNLINKAT: usize = 35;
    pub const RENAMEAT: usize = 38;
    pub const FSTATFS: usize = 44;
    pub const FCHMOD: usize = 52;
    pub const FCHOWN: usize = 55;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const GETDENTS64: usize = 61;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const PPOLL: usize = 73;
    pub const NEWFSTATAT: usize = 79;
    pub const FSTAT: usize = 80;
    pub const FSYNC: usize = 82;
    pub const EXIT_GROUP: usize = 94;
    pub const CLOCK_GETTIME: usize = 113;
    pub const UMASK: usize = 166;

    pub const O_DIRECTORY: usize = 0o40_000;
    pub const O_NOFOLLOW: usize = 0o100_000;
}

use number::{O_DIRECTORY, O_NOFOLLOW};

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call courier", "ud2");

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x30, #0", "bl courier", "brk #1");

/// One system call with up to five arguments.
///
/// # Safety
/// The arguments are what the call named by `number` takes: pointers valid for as many bytes as it reads or writes.
#[cfg(target_arch = "x86_64")]
pub unsafe fn raw(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    let result;
    asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
        in("r8") e, lateout("rcx") _, lateout("r11") _, options(nostack));
    result
}

/// One system call with up to five arguments.
///
/// # Safety
/// The arguments are what the call named by `number` takes: pointers valid for as many bytes as it reads or writes.
#[cfg(target_arch = "aarch64")]
pub unsafe fn raw(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    let result;
    asm!("svc #0", in("x8") number, inlateout("x0") a as isize => result, in("x1") b, in("x2") c, in("x3") d,
        in("x4") e, options(nostack));
    result
}

/// Linux answers errors as -1 to -4095.
pub fn checked(result: isize) -> Result<usize, Errno> {
    if (-4095..0).contains(&result) {
        Err(-result as Errno)
    } else {
        Ok(result as usize)
    }
}

/// Ends the program.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: takes no pointers, and doesn't return.
        unsafe { raw(number::EXIT_GROUP, code as usize, 0, 0, 0, 0) };
    }
}

/// Modes are set as asked for, whatever the engine's umask.
pub fn clear_umask() {
    // SAFETY: takes no pointers.
    unsafe { raw(number::UMASK, 0, 0, 0, 0, 0) };
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// Seconds of the clock that nobody sets.
pub fn now() -> i64 {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: `time` is the struct that the call fills.
    unsafe { raw(number::CLOCK_GETTIME, CLOCK_MONOTONIC, &mut time as *mut Timespec as usize, 0, 0, 0) };
    time.seconds
}

#[repr(C)]
struct PollFd {
    descriptor: i32,
    events: i16,
    returned: i16,
}

/// Waits until the stream takes or gives something; `ETIMEDOUT` at the deadline.
fn wait(descriptor: i32, events: i16, deadline: i64) -> Result<(), Errno> {
    loop {
        let left = Timespec { seconds: deadline - now(), nanoseconds: 0 };
        if left.seconds <= 0 {
            return Err(ETIMEDOUT);
        }
        let mut poll = PollFd { descriptor, events, returned: 0 };
        // SAFETY: one poll entry and a time, both alive during the call; no signal mask.
        let polled = checked(unsafe {
            raw(number::PPOLL, &mut poll as *mut PollFd as usize, 1, &left as *const Timespec as usize, 0, 0)
        });
        match polled {
            Ok(0) | Err(EINTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
}

/// Reads some bytes from a stream, none at its end.
pub fn receive(descriptor: i32, into: &mut [u8], deadline: i64) -> Result<usize, Errno> {
    loop {
        wait(descriptor, POLLIN, deadline)?;
        // SAFETY: the buffer is ours and as long as said.
        match checked(unsafe { raw(number::READ, descriptor as usize, into.as_mut_ptr() as usize, into.len(), 0, 0) }) {
            Err(EINTR) | Err(EAGAIN) => {}
            other => return other,
        }
    }
}

/// Writes some bytes to a stream.
pub fn send(descriptor: i32, bytes: &[u8], deadline: i64) -> Result<usize, Errno> {
    loop {
        wait(descriptor, POLLOUT, deadline)?;
        // SAFETY: the bytes are alive during the call.
        match checked(unsafe { raw(number::WRITE, descriptor as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0) }) {
            Err(EINTR) | Err(EAGAIN) => {}
            other => return other,
        }
    }
}

/// One name of a path, ended by a zero: never empty, `.`, `..` or with a slash in it.
pub struct Name {
    bytes: [u8; 256],
}

impl Name {
    /// Takes a name, unless no file could have it.
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name == b"." || name == b".." || name.iter().any(|&byte| byte == 0 || byte == b'/') {
            return None;
        }
        let mut bytes = [0; 256];
        // The last byte stays zero.
        crate::wire::copy(name, bytes.get_mut(..255)?)?;
        Some(Self { bytes })
    }

    fn pointer(&self) -> usize {
        self.bytes.as_ptr() as usize
    }
}

/// What the kernel says of a file. The fields' order differs between the two machines.
#[cfg(target_arch = "x86_64")]
#[repr(C)]
pub struct Stat {
    device: u64,
    pub inode: u64,
    links: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    padding: u32,
    represents: u64,
    pub size: i64,
    block: i64,
    blocks: i64,
    accessed: Timespec,
    modified: Timespec,
    changed: Timespec,
    reserved: [i64; 3],
}

/// What the kernel says of a file. The fields' order differs between the two machines.
#[cfg(target_arch = "aarch64")]
#[repr(C)]
pub struct Stat {
    device: u64,
    pub inode: u64,
    pub mode: u32,
    links: u32,
    pub uid: u32,
    pub gid: u32,
    represents: u64,
    padding: u64,
    pub size: i64,
    block: i32,
    padding2: i32,
    blocks: i64,
    accessed: Timespec,
    modified: Timespec,
    changed: Timespec,
    reserved: [u32; 2],
}

impl Stat {
    pub fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    pub fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// When content, owner, mode or name last changed: seconds and nanoseconds.
    pub fn changed(&self) -> (i64, i64) {
        (self.changed.seconds, self.changed.nanoseconds)
    }
}

/// What the kernel says of a file system; the same on both machines.
#[repr(C)]
pub struct StatFs {
    pub kind: u64,
    unused: [u64; 9],
    pub flags: u64,
    reserved: [u64; 4],
}

/// An open file or folder.
pub struct Fd(i32);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours, and nobody uses it from here on.
        unsafe { raw(number::CLOSE, self.0 as usize, 0, 0, 0, 0) };
    }
}

/// What to open a name for.
pub enum Open {
    /// A folder, and never through a link.
    Folder,
    /// A file to read, and never through a link; doesn't wait where it is a named pipe.
    File,
    /// A new file to write, only where there is nothing of the name.
    New,
}

/// Opens the folder at an absolute path that ends with a zero.
pub fn open_root(path: &[u8]) -> Result<Fd, Errno> {
    if path.last() != Some(&0) {
        return Err(EINVAL);
    }
    // SAFETY: the path ends with a zero, as was just seen.
    let opened =
        unsafe { raw(number::OPENAT, AT_FDCWD, path.as_ptr() as usize, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, 0) };
    checked(opened).map(|fd| Fd(fd as i32))
}

impl Fd {
    pub fn number(&self) -> usize {
        self.0 as usize
    }

    pub fn open(&self, name: &Name, how: Open) -> Result<Fd, Errno> {
        let flags = O_NOFOLLOW
            | O_CLOEXEC
            | match how {
                Open::Folder => O_DIRECTORY,
                Open::File => O_NONBLOCK,
                Open::New => O_WRONLY | O_CREAT | O_EXCL,
            };
        // SAFETY: a `Name` ends with a zero.
        let opened = unsafe { raw(number::OPENAT, self.number(), name.pointer(), flags, 0o600, 0) };
        checked(opened).map(|fd| Fd(fd as i32))
    }

    pub fn stat(&self) -> Result<Stat, Errno> {
        let mut stat = MaybeUninit::<Stat>::zeroed();
        // SAFETY: `stat` is the struct that the call fills, and all zeros are a valid one.
        unsafe {
            checked(raw(number::FSTAT, self.number(), stat.as_mut_ptr() as usize, 0, 0, 0))?;
            Ok(stat.assume_init())
        }
    }

    /// What is there under a name; of a link, the link itself.
    pub fn stat_of(&self, name: &Name) -> Result<Stat, Errno> {
        let mut stat = MaybeUninit::<Stat>::zeroed();
        // SAFETY: as in `stat`, and a `Name` ends with a zero.
        unsafe {
            let into = stat.as_mut_ptr() as usize;
            checked(raw(number::NEWFSTATAT, self.number(), name.pointer(), into, AT_SYMLINK_NOFOLLOW, 0))?;
            Ok(stat.assume_init())
        }
    }

    pub fn file_system(&self) -> Result<StatFs, Errno> {
        let mut stat = MaybeUninit::<StatFs>::zeroed();
        // SAFETY: as in `stat`.
        unsafe {
            checked(raw(number::FSTATFS, self.number(), stat.as_mut_ptr() as usize, 0, 0, 0))?;
            Ok(stat.assume_init())
        }
    }

    /// Reads some bytes, none at the end.
    pub fn read(&self, into: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: the buffer is ours and as long as said.
        checked(unsafe { raw(number::READ, self.number(), into.as_mut_ptr() as usize, into.len(), 0, 0) })
    }

    /// Writes some bytes.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        // SAFETY: the bytes are alive during the call.
        checked(unsafe { raw(number::WRITE, self.number(), bytes.as_ptr() as usize, bytes.len(), 0, 0) })
    }

    pub fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        // SAFETY: takes no pointers.
        checked(unsafe { raw(number::FCHMOD, self.number(), mode as usize, 0, 0, 0) }).map(drop)
    }

    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<(), Errno> {
        // SAFETY: takes no pointers.
        checked(unsafe { raw(number::FCHOWN, self.number(), uid as usize, gid as usize, 0, 0) }).map(drop)
    }

    pub fn sync(&self) -> Result<(), Errno> {
        // SAFETY: takes no pointers.
        checked(unsafe { raw(number::FSYNC, self.number(), 0, 0, 0, 0) }).map(drop)
    }

    pub fn make_folder(&self, name: &Name, mode: u32) -> Result<(), Errno> {
        // SAFETY: a `Name` ends with a zero.
        checked(unsafe { raw(number::MKDIRAT, self.number(), name.pointer(), mode as usize, 0, 0) }).map(drop)
    }

    /// Removes a file or a link, never a folder.
    pub fn unlink(&self, name: &Name) -> Result<(), Errno> {
        // SAFETY: a `Name` ends with a zero.
        checked(unsafe { raw(number::UNLINKAT, self.number(), name.pointer(), 0, 0, 0) }).map(drop)
    }

    /// Puts what is under one name under another, in one step; never over a folder.
    pub fn rename(&self, from: &Name, to: &Name) -> Result<(), Errno> {
        // SAFETY: a `Name` ends with a zero.
        let renamed = unsafe { raw(number::RENAMEAT, self.number(), from.pointer(), self.number(), to.pointer(), 0) };
        checked(renamed).map(drop)
    }

    /// Tells `each` the names in a folder, from where it was last read.
    pub fn names(&self, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
        // Entries are an inode, an offset (8 bytes each), the entry's length (2), a type (1), the name, a zero.
        const NAME_AT: usize = 19;
        let mut buffer = [0_u8; 4096];
        loop {
            // SAFETY: the buffer is ours and as long as said.
            let filled = checked(unsafe {
                raw(number::GETDENTS64, self.number(), buffer.as_mut_ptr() as usize, buffer.len(), 0, 0)
            })?;
            let mut entries = match buffer.get(..filled) {
                Some(entries) if filled > 0 => entries,
                _ => return Ok(()),
            };
            while let Some(&[low, high]) = entries.get(16..18) {
                let length = usize::from(u16::from_le_bytes([low, high]));
                let name = match entries.get(NAME_AT..length) {
                    Some(name) => name,
                    None => return Err(EINVAL),
                };
                let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
                let name = name.get(..end).unwrap_or(name);
                if name != b"." && name != b".." {
                    each(name);
                }
                entries = entries.get(length..).unwrap_or(&[]);
            }
        }
    }
}
