//! That a reader sees the old file or the new one, whole, with the right owner and mode. The same look at a plain write
//! must find bad reads, or it would prove nothing.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::parcels::{FILE, carry, content, in_memory, names, on_disk, round_of, writing};

const PUBLISHES: usize = 10_000;
/// So many are enough to say what one costs on a disk.
const ON_DISK: usize = 100;
const LENGTH: usize = 4000;

#[derive(Debug, Default)]
struct Seen {
    reads: u64,
    missing: u64,
    unreadable: u64,
    torn: u64,
    wrong_rights: u64,
    /// How often an older content was read after a newer one.
    backwards: u64,
    rounds: HashSet<usize>,
}

impl Seen {
    fn bad(&self) -> u64 {
        self.missing + self.unreadable + self.torn + self.wrong_rights + self.backwards
    }
}

/// Reads in a tight loop, in a thread of its own.
struct Reader {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    fn start(file: PathBuf) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let thread = std::thread::spawn(move || {
            let (mut seen, mut last, mut found) = (Seen::default(), 0, Vec::new());
            while !until.load(Ordering::Relaxed) {
                read_once(&file, &mut seen, &mut last, &mut found);
            }
            seen
        });
        Self { over, thread }
    }

    fn ends(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn read_once(path: &Path, seen: &mut Seen, last: &mut usize, found: &mut Vec<u8>) {
    seen.reads += 1;
    found.clear();
    let read = File::open(path).and_then(|mut file| {
        file.read_to_end(found)?;
        file.metadata()
    });
    let metadata = match read {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return seen.missing += 1,
        Err(_) => return seen.unreadable += 1,
    };
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o7777 == 0o600;
    seen.wrong_rights += u64::from(!is_ours);
    match round_of(found, LENGTH) {
        Some(round) => {
            seen.backwards += u64::from(round < *last);
            *last = round;
            seen.rounds.insert(round);
        }
        None => seen.torn += 1,
    }
}

/// Publishes while a reader looks on.
async fn watched(folder: &Path, publishes: usize) -> Seen {
    carry(writing(folder, &content(0, LENGTH))).await.unwrap();
    let (reader, begun) = (Reader::start(folder.join(FILE)), Instant::now());
    for round in 1..=publishes {
        carry(writing(folder, &content(round, LENGTH))).await.unwrap();
    }
    let each = begun.elapsed() / u32::try_from(publishes).unwrap();
    let seen = reader.ends();
    println!(
        "{}: {publishes} publishes of {each:?} each; {} reads, {} contents seen, {} bad",
        folder.display(),
        seen.reads,
        seen.rounds.len(),
        seen.bad()
    );
    assert_eq!(names(folder), [FILE], "nothing of ours is left");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_no_bad_file_over_ten_thousand_publishes() {
    let (memory, disk) = (in_memory(), on_disk());
    for (folder, publishes) in [(&memory, PUBLISHES), (&disk, ON_DISK)] {
        let seen = watched(folder.path(), publishes).await;
        assert_eq!(seen.bad(), 0, "{seen:?}");
        assert!(seen.rounds.len() > publishes / 10, "the reader saw what was published: {}", seen.rounds.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_write_shows_bad_files_to_the_same_reader() {
    let folder = in_memory();
    let file = folder.path().join(FILE);
    carry(writing(folder.path(), &content(0, LENGTH))).await.unwrap();
    let reader = Reader::start(file.clone());
    let begun = Instant::now();
    for round in 1..=PUBLISHES {
        fs::write(&file, content(round, LENGTH)).unwrap();
    }
    let seen = reader.ends();
    println!("plain: {PUBLISHES} writes in {:?}; {} reads, {} torn", begun.elapsed(), seen.reads, seen.torn);
    assert!(seen.torn > 0, "the look at readers can't fail");
}
