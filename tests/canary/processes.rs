//! Watches the arguments and environments of the processes of a home, and of couriers, as everybody on the machine can.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Between two looks. A program of ours lives for some 20 ms at the least, and what it starts is looked at in each look.
const LOOK: Duration = Duration::from_millis(2);

/// What was seen of processes: each command line with its environment, once.
type Seen = BTreeSet<(Vec<u8>, Vec<u8>)>;

/// A watch over `/proc`. It ends on drop.
#[derive(Debug)]
pub(crate) struct Processes {
    seen: Arc<Mutex<Seen>>,
    over: Arc<AtomicBool>,
    watching: Option<JoinHandle<()>>,
}

impl Processes {
    /// Watches what belongs to this home: processes with its folder in their environment or arguments, and what is called
    /// `courier`.
    pub(crate) fn of(home: &Path) -> Self {
        let (seen, over) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let watching = thread::spawn({
            let (seen, over, home) =
                (Arc::clone(&seen), Arc::clone(&over), home.as_os_str().as_encoded_bytes().to_vec());
            move || {
                while !over.load(Ordering::Relaxed) {
                    look(&home, &seen);
                    thread::sleep(LOOK);
                }
            }
        });
        Self { seen, over, watching: Some(watching) }
    }

    /// How many different processes of this name were seen.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|(arguments, _)| is_called(arguments, name)).count()
    }

    /// All arguments and environments, one after the other.
    pub(crate) fn told(&self) -> Vec<u8> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .flat_map(|(arguments, environment)| [arguments.as_slice(), b"\n", environment, b"\n"].concat())
            .collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(watching) = self.watching.take() {
            let _ = watching.join();
        }
    }
}

fn look(home: &[u8], seen: &Mutex<Seen>) {
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !process.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let read = |what| fs::read(process.path().join(what)).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let ours = |bytes: &[u8]| bytes.windows(home.len()).any(|part| part == home);
        if is_called(&arguments, "courier") || ours(&environment) || ours(&arguments) {
            seen.lock().unwrap().insert((arguments, environment));
        }
    }
}

fn is_called(arguments: &[u8], name: &str) -> bool {
    let program = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
    program.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes())
}
