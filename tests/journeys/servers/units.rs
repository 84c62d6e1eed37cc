//! The units are understood by systemd, and the system's one is as closed as it says, also where it serves.

use std::fs;
use std::path::Path;

use bed::programs::built;
use bed::{Home, Output};

use super::file;

/// What systemd calls exposure, times ten: 15 in version 252, with some room for what other versions look at. A unit that
/// says nothing has 96.
const MOST_EXPOSED: &str = "--threshold=20";

#[tokio::test]
async fn systemd_understands_the_units() {
    for (name, manager, drop_in) in [
        ("tokenferry-user.service", "--user", None),
        ("tokenferry.service", "--system", None),
        ("tokenferry.service", "--system", Some("serve.conf")),
    ] {
        let (unit, more) = (file(name), drop_in.map(file).unwrap_or_default());
        let verify = ["verify", "--man=no", manager];
        let good = analyze(&verify, &unit, &more).await.succeeds();
        assert_eq!(good.stderr, "", "{name}");
        let wrong = |text: &str| text.replace("[Service]\n", "[Service]\nRestartSecs=1\n");
        let bad = if more.is_empty() { (wrong(&unit), more) } else { (unit, wrong(&more)) };
        let bad = analyze(&verify, &bad.0, &bad.1).await;
        assert!(bad.stderr.contains("RestartSecs"), "{name} is not looked at: {bad}");
    }
}

#[tokio::test]
async fn the_systems_unit_is_closed() {
    let judge = ["security", "--offline=true", MOST_EXPOSED];
    let (unit, serving) = (file("tokenferry.service"), file("serve.conf"));
    for more in ["", &serving] {
        analyze(&judge, &unit, more).await.succeeds();
    }
    let open: String = unit.lines().filter(|line| !line.starts_with("Protect")).flat_map(|line| [line, "\n"]).collect();
    analyze(&judge, &open, &serving).await.ends_with(1);
    // What is added is judged, too.
    let open = serving + "ProtectSystem=no\nPrivateDevices=no\nPrivateTmp=no\nSystemCallFilter=\n";
    analyze(&judge, &unit, &open).await.ends_with(1);
}

/// Asks systemd's own tool, which needs no systemd that runs, about a unit and what a drop-in makes of it. The unit's
/// program has to be there.
async fn analyze(words: &[&str], text: &str, more: &str) -> Output {
    let home = Home::new();
    let unit = home.path().join("tokenferry.service");
    let program = built("tokenferry").canonicalize().expect("it is there");
    let here = |text: &str| text.replace("/usr/local/bin/tokenferry", program.to_str().expect("a plain path"));
    fs::write(&unit, here(text)).unwrap();
    if !more.is_empty() {
        fs::create_dir(home.path().join("tokenferry.service.d")).unwrap();
        fs::write(home.path().join("tokenferry.service.d/serve.conf"), here(more)).unwrap();
    }
    let analyze = home.program("systemd-analyze", words).arg(unit).set("XDG_RUNTIME_DIR", home.path());
    assert!(Path::new("/usr/bin/systemd-analyze").exists(), "systemd-analyze is missing. Run `setup/install systemd`.");
    analyze.run().await
}
