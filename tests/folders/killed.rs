//! That a process which is killed at any moment leaves the old file or the new one, whole, and nothing of its own after
//! the next delivery.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use engine::destinations::{Change, OwnerChoice};

use crate::parcels::{FILE, carry, child as program, content, names, on_disk, parcel, round_of, writing};

/// Tells this test program to deliver into a folder until it is killed.
const STEP: &str = "TOKENFERRY_TEST_FOLDER";
const KILLS: usize = 60;
/// Longer than one write, so that a half one would show, and that it takes its time.
const LENGTH: usize = 300_000;

fn random() -> f64 {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).unwrap();
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// How long a delivery takes here.
async fn takes(folder: &Path) -> Duration {
    let begun = Instant::now();
    for round in 0..10 {
        carry(writing(folder, &content(round, LENGTH))).await.unwrap();
    }
    begun.elapsed() / 10
}

#[tokio::test]
async fn killed_at_any_moment_it_leaves_one_whole_file_and_nothing_else() {
    let folder = on_disk();
    let folder = folder.path();
    let takes = takes(folder).await;
    let (mut before, mut left) = (9, 0);
    let mut advanced = 0;
    for _ in 0..KILLS {
        let mut child = program("killed::child", STEP, folder.to_str().unwrap()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("delivering")), "the child should come to deliver");
        let moment = takes.mul_f64(3.0 * random());
        tokio::time::sleep(moment).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let found = fs::read(folder.join(FILE)).unwrap();
        let round = round_of(&found, LENGTH).unwrap_or_else(|| panic!("after {moment:?}: {} bytes", found.len()));
        assert!(round >= before, "after {moment:?}: {round}, and before {before}");
        advanced += round - before;
        left += usize::from(names(folder).len() > 1);
        // Also where the file is as it should be, or is to go.
        let changes = [|_: Option<&[u8]>| Change::Keep, |_: Option<&[u8]>| Change::Settle];
        carry(parcel(folder, OwnerChoice::Auto, changes[round % 2])).await.unwrap();
        assert_eq!(names(folder), [FILE], "after {moment:?}");
        before = round;
    }
    println!(
        "{}: a delivery takes {takes:?}; of {KILLS} kills, {left} left a temporary file; {advanced} arrived",
        folder.display()
    );
    assert!(left > 0 && advanced > 0, "a kill should meet a delivery at work: {left} {advanced}");
}

#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(STEP) else { return };
    let folder = Path::new(&folder);
    let mut round = round_of(&fs::read(folder.join(FILE)).unwrap(), LENGTH).unwrap();
    println!("\ndelivering");
    loop {
        round += 1;
        let _ = carry(writing(folder, &content(round, LENGTH))).await;
    }
}
