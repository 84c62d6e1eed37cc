//! Two processes at work in one folder: each composes from what the other wrote, and nothing that was said to be
//! delivered is lost.

use std::fs;
use std::path::Path;

use engine::destinations::{Change, Outcome, OwnerChoice};
use engine::secret::SecretBytes;

use crate::parcels::{FILE, carry, child as program, in_memory, names, parcel};

/// Tells this test program to add lines to the file of a folder: the folder and a name.
const STEP: &str = "TOKENFERRY_TEST_WRITER";
const LINES: usize = 400;

#[tokio::test]
async fn two_writers_lose_nothing_of_each_other_s() {
    let folder = in_memory();
    let writers = ["one", "two"];
    let children = writers.map(|name| {
        let word = format!("{name} {}", folder.path().display());
        program("writers::child", STEP, &word).spawn().unwrap()
    });
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let found = fs::read_to_string(folder.path().join(FILE)).unwrap();
    for name in writers {
        let theirs: Vec<_> = found.lines().filter_map(|line| line.strip_prefix(name)).collect();
        let all: Vec<_> = (0..LINES).map(|number| format!(" {number}")).collect();
        assert_eq!(theirs, all, "{name}");
    }
    // Were one through before the other began, this would say nothing.
    let turns = found.lines().zip(found.lines().skip(1)).filter(|(line, next)| line[..3] != next[..3]).count();
    println!("{turns} turns changed hands");
    assert!(turns > 10, "they should have been at work at once: {turns}");
    assert_eq!(names(folder.path()), [FILE]);
}

#[tokio::test]
async fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let (name, folder) = step.split_once(' ').unwrap();
    for number in 0..LINES {
        let line = format!("{name} {number}\n");
        let adding = parcel(Path::new(folder), OwnerChoice::Auto, move |there| {
            // Said to be there, and so it is, should the answer to the rename have been overtaken.
            let there = there.unwrap_or_default();
            match there.windows(line.len()).any(|part| part == line.as_bytes()) {
                true => Change::Keep,
                false => Change::Write(SecretBytes::new([there, line.as_bytes()].concat())),
            }
        });
        let receipt = carry(adding).await.unwrap();
        assert!(matches!(receipt.files[0].outcome, Outcome::Written | Outcome::Kept));
    }
}
