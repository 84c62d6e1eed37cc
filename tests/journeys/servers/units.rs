//! The units are understood by systemd, and the system's one is as closed as it says.

use std::fs;
use std::path::Path;

use bed::programs::built;
use bed::{Home, Output};

use super::files;

/// What systemd calls exposure, times ten: 15 in version 252, with some room for what other versions look at. A unit that
/// says nothing has 96.
const MOST_EXPOSED: &str = "--threshold=20";

#[tokio::test]
async fn systemd_understands_the_units() {
    for (name, text) in files().into_iter().filter(|(name, _)| name.ends_with(".service")) {
        let manager = if name == "tokenferry-user.service" { "--user" } else { "--system" };
        let good = analyze(&["verify", "--man=no", manager], &text).await.succeeds();
        assert_eq!(good.stderr, "", "{name}");
        let bad = analyze(&["verify", "--man=no", manager], &text.replace("RestartSec=", "RestartSecs=")).await;
        assert!(bad.stderr.contains("RestartSecs"), "{name} is not looked at: {bad}");
    }
}

#[tokio::test]
async fn the_systems_unit_is_closed() {
    let (_, text) = files().into_iter().find(|(name, _)| name == "tokenferry.service").expect("the unit");
    let judge = ["security", "--offline=true", MOST_EXPOSED];
    analyze(&judge, &text).await.succeeds();
    let open: String = text.lines().filter(|line| !line.starts_with("Protect")).flat_map(|line| [line, "\n"]).collect();
    analyze(&judge, &open).await.ends_with(1);
}

/// Asks systemd's own tool, which needs no systemd that runs. The unit's program has to be there.
async fn analyze(words: &[&str], text: &str) -> Output {
    let home = Home::new();
    let unit = home.path().join("tokenferry.service");
    let program = built("tokenferry").canonicalize().expect("it is there");
    fs::write(&unit, text.replace("/usr/local/bin/tokenferry", program.to_str().expect("a plain path"))).unwrap();
    let analyze = home.program("systemd-analyze", words).arg(unit).set("XDG_RUNTIME_DIR", home.path());
    assert!(Path::new("/usr/bin/systemd-analyze").exists(), "systemd-analyze is missing. Run `setup/install systemd`.");
    analyze.run().await
}
