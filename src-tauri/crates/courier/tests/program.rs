//! The courier's program by itself, over pipes, with temporary folders in place of volumes: natively, and the other
//! machine's under qemu. What needs root (owners, full and read-only file systems) is left out, loudly, without.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use courier::Architecture;
use courier::protocol::{
    Answer, Attributes, Content, FAREWELL, Failure, Kind, MAX_CONTENT, Operation, Request, Sight, Stamp, Step,
};

const ENOSPC: u32 = 28;
const EROFS: u32 = 30;

/// A running program.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Program {
    fn start(architecture: Architecture) -> Self {
        let name = match architecture {
            Architecture::X86_64 => "courier-x86_64",
            Architecture::Aarch64 => "courier-aarch64",
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin").join(name);
        let mut command = match emulator(architecture) {
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.arg(&file);
                command
            }
            None => Command::new(&file),
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self { input: child.stdin.take(), output: child.stdout.take().unwrap(), child }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn answer(&mut self) -> Answer {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        self.output.read_exact(&mut body).unwrap();
        Answer::decode(&body).unwrap()
    }

    fn ask(&mut self, request: &Request) -> Answer {
        self.send(&request.encode().unwrap());
        self.answer()
    }

    fn sight(&mut self, request: &Request) -> Sight {
        match self.ask(request) {
            Answer::Seen(sight) => sight,
            Answer::Failed(failure) => panic!("{failure:?}"),
        }
    }

    fn failure(&mut self, request: &Request) -> Failure {
        match self.ask(request) {
            Answer::Failed(failure) => failure,
            Answer::Seen(sight) => panic!("{sight:?}"),
        }
    }

    /// Ends its input, and answers with its code.
    fn end(mut self) -> i32 {
        drop(self.input.take());
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "nothing unasked for");
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn emulator(architecture: Architecture) -> Option<&'static str> {
    match (std::env::consts::ARCH, architecture) {
        ("x86_64", Architecture::X86_64) | ("aarch64", Architecture::Aarch64) => None,
        (_, Architecture::X86_64) => Some("qemu-x86_64-static"),
        (_, Architecture::Aarch64) => Some("qemu-aarch64-static"),
    }
}

/// Runs a test on each machine that can be had here.
fn on_each(test: impl Fn(Program, &Path)) {
    for architecture in [Architecture::X86_64, Architecture::Aarch64] {
        if let Some(emulator) = emulator(architecture)
            && Command::new(emulator).arg("--version").stdout(Stdio::null()).status().is_err()
        {
            eprintln!("NOT TESTED on {architecture:?}: there is no {emulator} (Debian: qemu-user-static)");
            continue;
        }
        let volume = tempfile::tempdir().unwrap();
        test(Program::start(architecture), volume.path());
    }
}

fn as_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("NOT TESTED without root: {what}");
    }
    root
}

fn request(volume: &Path, path: &str, operation: Operation) -> Request {
    Request { root: volume.to_str().unwrap().to_owned(), path: path.to_owned(), operation }
}

fn look(volume: &Path, path: &str) -> Request {
    request(volume, path, Operation::Look)
}

fn write(volume: &Path, path: &str, expected: Stamp, bytes: &[u8]) -> Request {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let operation = Operation::Write {
        more_follows: false,
        expected,
        stale: ".tokenferry-1-".to_owned(),
        mine: ".tokenferry-1-mine-".to_owned(),
        temporary: format!(".tokenferry-1-mine-{}", path.replace('/', "_")),
        attributes: Attributes { uid, gid, mode: 0o600 },
        content: Content::from(bytes.to_vec()),
    };
    request(volume, path, operation)
}

fn more_follows(mut request: Request) -> Request {
    if let Operation::Write { more_follows, .. } = &mut request.operation {
        *more_follows = true;
    }
    request
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn content(sight: &Sight) -> &[u8] {
    &sight.file.as_ref().unwrap().content.as_ref().unwrap().0
}

#[test]
fn a_file_is_written_read_back_replaced_and_removed() {
    on_each(|mut program, volume| {
        let empty = program.sight(&look(volume, "file"));
        assert_eq!((empty.entries, empty.stamp, empty.file), (0, Stamp::default(), None));
        let first = program.sight(&write(volume, "file", Stamp::default(), b"first"));
        assert_eq!((content(&first), first.entries), (&b"first"[..], 1));
        let second = program.sight(&write(volume, "file", first.stamp, b"second, and longer"));
        assert_eq!(content(&second), b"second, and longer");
        assert_ne!(first.stamp.inode, second.stamp.inode, "renamed, not written over");
        let meta = fs::metadata(volume.join("file")).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.ino()), (0o600, second.stamp.inode));
        let gone = program.sight(&request(volume, "file", Operation::Remove { expected: second.stamp }));
        assert_eq!(gone.stamp, Stamp::default());
        assert!(names(volume).is_empty());
        assert_eq!(program.end(), 0);
    });
}

#[test]
fn what_is_there_is_told_as_it_is() {
    on_each(|mut program, volume| {
        fs::create_dir(volume.join("folder")).unwrap();
        fs::write(volume.join("folder/file"), "content").unwrap();
        fs::set_permissions(volume.join("folder"), fs::Permissions::from_mode(0o710)).unwrap();
        fs::set_permissions(volume.join("folder/file"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("nowhere", volume.join("link")).unwrap();
        let sight = program.sight(&look(volume, "folder/file"));
        let (root, file) = (fs::metadata(volume).unwrap(), fs::metadata(volume.join("folder/file")).unwrap());
        assert_eq!((sight.root.uid, sight.root.mode), (root.uid(), root.mode() & 0o7777));
        assert_eq!(sight.folders.iter().map(|folder| folder.mode).collect::<Vec<_>>(), [0o710]);
        assert_eq!((content(&sight), sight.entries), (&b"content"[..], 2));
        let Stamp { inode, size, changed_seconds, changed_nanoseconds, .. } = sight.stamp;
        assert_eq!((inode, size), (file.ino(), 7));
        assert_eq!((changed_seconds as i64, i64::from(changed_nanoseconds)), (file.ctime(), file.ctime_nsec()));
        assert_eq!(sight.file.unwrap().attributes.mode, 0o640);
        assert_eq!(program.sight(&look(volume, "link")).stamp.kind, Kind::Link);
        assert_eq!(program.sight(&look(volume, "folder")).stamp.kind, Kind::Folder);
        assert_eq!(program.sight(&look(volume, "a/b")).folders, []);
    });
}

#[test]
fn a_link_in_place_of_the_file_is_replaced_and_not_followed() {
    on_each(|mut program, volume| {
        fs::write(volume.join("elsewhere"), "mine").unwrap();
        symlink("elsewhere", volume.join("file")).unwrap();
        let seen = program.sight(&look(volume, "file"));
        assert_eq!(seen.file.as_ref().unwrap().content, None);
        program.sight(&write(volume, "file", seen.stamp, b"new"));
        assert_eq!(fs::read(volume.join("elsewhere")).unwrap(), b"mine");
        assert!(fs::symlink_metadata(volume.join("file")).unwrap().is_file());
    });
}

#[test]
fn a_link_on_the_way_is_never_followed() {
    on_each(|mut program, volume| {
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(volume.join("a")).unwrap();
        symlink(outside.path(), volume.join("a/link")).unwrap();
        fs::write(volume.join("a/file"), "").unwrap();
        for request in [look(volume, "a/link/file"), write(volume, "a/link/file", Stamp::default(), b"x")] {
            let failure = program.failure(&request);
            assert_eq!((failure.step, failure.depth, failure.kind), (Step::Parent, 1, Kind::Link));
        }
        let failure = program.failure(&look(volume, "a/file/file"));
        assert_eq!((failure.step, failure.depth, failure.kind), (Step::Parent, 1, Kind::File));
        assert!(names(outside.path()).is_empty());
    });
}

#[test]
fn a_folder_in_place_of_the_file_is_never_touched() {
    on_each(|mut program, volume| {
        fs::create_dir(volume.join("file")).unwrap();
        let seen = program.sight(&look(volume, "file"));
        let failure = program.failure(&write(volume, "file", seen.stamp, b"x"));
        assert_eq!((failure.step, failure.kind), (Step::Target, Kind::Folder));
        let failure = program.failure(&request(volume, "file", Operation::Remove { expected: seen.stamp }));
        assert_eq!((failure.step, failure.kind), (Step::Unlink, Kind::Folder));
        assert_eq!(names(volume), ["file"]);
    });
}

#[test]
fn a_pipe_in_place_of_the_file_holds_nothing_up() {
    on_each(|mut program, volume| {
        let pipe = volume.join("file");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let seen = program.sight(&look(volume, "file"));
        assert_eq!(seen.stamp.kind, Kind::Other);
        assert_eq!(program.failure(&write(volume, "file", seen.stamp, b"x")).kind, Kind::Other);
    });
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    on_each(|mut program, volume| {
        fs::write(volume.join("file"), "one").unwrap();
        let seen = program.sight(&look(volume, "file"));
        fs::write(volume.join("file"), "other").unwrap();
        assert_eq!(program.failure(&write(volume, "file", seen.stamp, b"new")).step, Step::Changed);
        assert_eq!(program.failure(&write(volume, "file", Stamp::default(), b"new")).step, Step::Changed);
        let remove = request(volume, "file", Operation::Remove { expected: seen.stamp });
        assert_eq!(program.failure(&remove).step, Step::Changed);
        assert_eq!(fs::read(volume.join("file")).unwrap(), b"other");
        assert_eq!(names(volume), ["file"]);
    });
}

#[test]
fn missing_folders_are_made_for_the_owner_alone() {
    on_each(|mut program, volume| {
        let sight = program.sight(&write(volume, "a/b/file", Stamp::default(), b"x"));
        assert_eq!(sight.folders.iter().map(|folder| folder.mode).collect::<Vec<_>>(), [0o700, 0o700]);
    });
}

#[test]
fn leftovers_of_the_same_sender_are_cleared_away() {
    on_each(|mut program, volume| {
        fs::write(volume.join(".tokenferry-1-before"), "half").unwrap();
        fs::write(volume.join(".tokenferry-2-other"), "another installation's").unwrap();
        assert_eq!(program.sight(&look(volume, "file")).entries, 0, "nobody's content");
        program.sight(&write(volume, "file", Stamp::default(), b"x"));
        assert_eq!(names(volume), [".tokenferry-2-other", "file"]);
    });
}

#[test]
fn a_batch_is_answered_in_order_and_one_failure_holds_up_no_other() {
    on_each(|mut program, volume| {
        fs::create_dir(volume.join("50")).unwrap();
        let folder = program.sight(&look(volume, "50")).stamp;
        let mut input = program.input.take().unwrap();
        let sent = std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                for number in 0..150 {
                    let expected = if number == 50 { folder } else { Stamp::default() };
                    let path = number.to_string();
                    let request = write(volume, &path, expected, path.as_bytes());
                    let request = if number < 149 { more_follows(request) } else { request };
                    input.write_all(&request.encode().unwrap()).unwrap();
                }
                input
            });
            for number in 0..150 {
                match program.answer() {
                    Answer::Seen(sight) => assert_eq!(content(&sight), number.to_string().as_bytes()),
                    Answer::Failed(failure) => assert_eq!((number, failure.kind), (50, Kind::Folder)),
                }
            }
            sender.join().unwrap()
        });
        program.input = Some(sent);
        assert_eq!(names(volume).len(), 150, "and no temporary file");
        assert_eq!(program.end(), 0);
    });
}

#[test]
fn when_its_input_ends_nothing_unpublished_stays() {
    on_each(|mut program, volume| {
        fs::write(volume.join("file"), "old").unwrap();
        let seen = program.sight(&look(volume, "file"));
        program.send(&more_follows(write(volume, "file", seen.stamp, b"new")).encode().unwrap());
        // Half of a second request, which never becomes whole.
        let second = write(volume, "second", Stamp::default(), b"x").encode().unwrap();
        program.send(&second[..second.len() / 2]);
        assert_eq!(program.end(), 0);
        assert_eq!(names(volume), ["file"]);
        assert_eq!(fs::read(volume.join("file")).unwrap(), b"old");
    });
}

#[test]
fn a_farewell_ends_it() {
    on_each(|mut program, _| {
        program.send(&FAREWELL);
        assert_eq!(program.child.wait().unwrap().code(), Some(0));
    });
}

#[test]
fn what_it_can_t_understand_ends_it() {
    for bad in ["..", "a/../b", "/a", "a//b", "a/", &"n".repeat(256)] {
        on_each(|mut program, volume| {
            program.send(&look(volume, bad).encode().unwrap());
            assert_eq!(program.end(), 2, "{bad}");
        });
    }
    for (bytes, code) in [(&[2, 0, 0, 0, 9, 1][..], 2), (&[1, 0, 0, 0, 1], 2), (&[255, 255, 255, 255], 3)] {
        on_each(|mut program, _| {
            program.send(bytes);
            assert_eq!(program.end(), code);
        });
    }
}

#[test]
fn large_files_go_through_and_larger_ones_are_not_told() {
    on_each(|mut program, volume| {
        let large = vec![7; MAX_CONTENT];
        assert!(content(&program.sight(&write(volume, "file", Stamp::default(), &large))) == large);
        fs::write(volume.join("larger"), vec![7; MAX_CONTENT + 1]).unwrap();
        assert_eq!(program.sight(&look(volume, "larger")).file.unwrap().content, None);
    });
}

#[test]
fn a_reader_sees_the_old_file_or_the_new_one() {
    on_each(|mut program, volume| {
        let mut stamp = program.sight(&write(volume, "file", Stamp::default(), &[0; 3000])).stamp;
        let path = volume.join("file");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0_u32;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let bytes = fs::read(&path).expect("the file is always there");
                    assert_eq!(bytes.len(), 3000, "whole");
                    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "of one piece");
                    reads += 1;
                }
                reads
            });
            for number in 0..200_u8 {
                stamp = program.sight(&write(volume, "file", stamp, &[number; 3000])).stamp;
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(reader.join().unwrap() > 0);
        });
    });
}

/// A file system for a test, unmounted on drop.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path, options: &str) -> Self {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tokenferry-test"]).arg(at));
        Self(at)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[test]
fn a_full_disk_keeps_the_old_file() {
    if as_root("a full disk") {
        on_each(|mut program, volume| {
            let _mounted = Mounted::tmpfs(volume, "size=64k");
            let seen = program.sight(&write(volume, "file", Stamp::default(), b"old")).stamp;
            let failure = program.failure(&write(volume, "file", seen, &vec![1; 200_000]));
            assert_eq!((failure.step, failure.errno), (Step::Fill, ENOSPC));
            assert_eq!(names(volume), ["file"]);
            assert_eq!(fs::read(volume.join("file")).unwrap(), b"old");
        });
    }
}

#[test]
fn a_read_only_disk_is_told_and_left_alone() {
    if as_root("a read-only disk") {
        on_each(|mut program, volume| {
            let _mounted = Mounted::tmpfs(volume, "size=64k");
            fs::write(volume.join("file"), "old").unwrap();
            run(Command::new("mount").args(["-o", "remount,ro"]).arg(volume));
            let sight = program.sight(&look(volume, "file"));
            assert!(sight.read_only);
            assert_eq!(sight.file_system, 0x0102_1994, "tmpfs");
            let failure = program.failure(&write(volume, "file", sight.stamp, b"new"));
            assert_eq!((failure.step, failure.errno), (Step::Create, EROFS));
        });
    }
}

#[test]
fn owners_are_given_to_files_and_to_the_root_folder() {
    if as_root("owners") {
        on_each(|mut program, volume| {
            let mut request = write(volume, "a/file", Stamp::default(), b"x");
            if let Operation::Write { attributes, .. } = &mut request.operation {
                *attributes = Attributes { uid: 1234, gid: 567, mode: 0o640 };
            }
            let sight = program.sight(&request);
            assert_eq!(sight.file.unwrap().attributes, Attributes { uid: 1234, gid: 567, mode: 0o640 });
            assert_eq!((sight.folders[0].uid, sight.root.uid), (1234, 0));
            let hand_over = Operation::HandOver { uid: 1234, gid: 567 };
            let sight = program.sight(&self::request(volume, "", hand_over));
            assert_eq!((sight.root.uid, sight.root.gid), (1234, 567));
        });
    }
}

#[test]
fn it_ends_by_itself_after_a_minute() {
    on_each(|mut program, volume| {
        program.send(&more_follows(write(volume, "file", Stamp::default(), b"x")).encode().unwrap());
        assert_eq!(program.child.wait().unwrap().code(), Some(3));
        assert!(names(volume).is_empty());
    });
}
