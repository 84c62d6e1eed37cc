//! The .deb's whole life in a copy of this system.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bed::Display;
use tempfile::NamedTempFile;

use crate::VERSION;
use crate::copy::{Copy, HOME};
use crate::packed::Packed;

/// What dpkg knows of the system.
const DATABASE: &str = "/var/lib/dpkg";
const OURS: &str = "/usr/bin/tokenferry";
const AUTOSTART: &str = "/etc/xdg/autostart/tokenferry.desktop";
/// Images of systems for containers leave pages out; here they are what is looked at.
const DPKG: [&str; 3] = ["dpkg", "--path-include=/usr/share/man/*", "--path-include=/usr/share/doc/*"];
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

#[test]
fn it_is_installed_used_brought_up_to_date_and_removed() {
    let system = System::now();
    let packed = Packed::new();
    for version in ["0.0.9", VERSION] {
        packed.make("deb", version, ".");
    }
    let copy = Copy::of_this_system(&packed.packages());
    assert_eq!(copy.differences(), [""; 0], "a copy begins as the system is");

    assert_eq!(install(&copy, "0.0.9"), "0.0.9 ii ");
    everything_has_its_owner_and_mode(&copy);
    assert_eq!(copy.root(["dpkg", "--verify", "tokenferry"]), "");
    a_newer_one_takes_over_while_the_older_one_runs(&copy);
    programs_run(&copy);
    the_manual_is_read(&copy);
    shells_complete(&copy);
    the_window_opens(&copy);

    copy.ada("mkdir -p ~/.config/autostart; echo Hidden=true > ~/.config/autostart/tokenferry.desktop");
    copy.root(["dpkg", "--remove", "tokenferry"]);
    // A file of settings below /etc stays until it is purged, as Debian has it; it starts nothing without the program.
    assert_eq!(copy.differences(), [AUTOSTART]);
    copy.root(["dpkg", "--purge", "tokenferry"]);
    assert_eq!(copy.differences(), [""; 0], "the package left something behind");
    copy.ada("test -e ~/.config/autostart/tokenferry.desktop -a -d ~/.local/share/tokenferry");

    drop(copy);
    assert_eq!(System::now(), system, "the system itself was touched");
}

/// Installs this version, and gives what dpkg then says of it.
fn install(copy: &Copy, version: &str) -> String {
    copy.root(DPKG.iter().chain(&["-i", &format!("/tmp/given/{}", name_of(copy, version))]));
    copy.root(["dpkg-query", "--show", "--showformat", "${Version} ${db:Status-Abbrev}", "tokenferry"])
}

fn a_newer_one_takes_over_while_the_older_one_runs(copy: &Copy) {
    copy.root(["sed", "-i", "$ a Hidden=true", AUTOSTART]);
    let keeper = Keeper::start(copy);
    is_kept_fresh(copy, true);

    assert_eq!(install(copy, VERSION), format!("{VERSION} ii "));
    is_kept_fresh(copy, true);
    assert!(copy.root(["cat", AUTOSTART]).contains("Hidden=true"), "what the administrator chose was lost");
    assert_eq!(copy.root(["dpkg", "--verify", "tokenferry"]).trim(), format!("??5?????? c {AUTOSTART}"));
    copy.root(["pkill", "-TERM", "-x", "tokenferry"]);
    is_kept_fresh(copy, false);
    drop(keeper);
}

fn name_of(copy: &Copy, version: &str) -> String {
    format!("tokenferry_{version}_{}.deb", copy.root(["dpkg", "--print-architecture"]).trim())
}

fn everything_has_its_owner_and_mode(copy: &Copy) {
    let changed = copy.differences();
    for expected in [
        OURS,
        AUTOSTART,
        "/usr/bin/tokenferry-desktop",
        "/usr/share/applications/tokenferry-desktop.desktop",
        "/usr/share/metainfo/dev.tokenferry.desktop.metainfo.xml",
        "/usr/share/icons/hicolor/scalable/apps/tokenferry.svg",
        "/usr/share/icons/hicolor/128x128/apps/tokenferry.png",
        "/usr/share/man/man1/tokenferry.1.gz",
        "/usr/share/man/man1/tokenferry-destination-add.1.gz",
        "/usr/share/bash-completion/completions/tokenferry",
        "/usr/share/zsh/vendor-completions/_tokenferry",
        "/usr/share/fish/vendor_completions.d/tokenferry.fish",
        "/usr/share/doc/tokenferry/copyright",
        "/usr/share/doc/tokenferry/CHANGELOG.md",
        "/usr/share/man/man1/tokenferry-desktop.1.gz",
    ] {
        assert!(changed.iter().any(|path| path == expected), "{expected} is not installed: {changed:#?}");
    }
    for path in &changed {
        let mode = if path.starts_with("/usr/bin/") { "755" } else { "644" };
        assert_eq!(copy.root(["stat", "--format=%U:%G %a", path]), format!("root:root {mode}\n"), "{path}");
    }
    let listed = copy.root(["dpkg", "--listfiles", "tokenferry"]);
    for path in &changed {
        assert!(listed.lines().any(|line| line == path), "{path} belongs to no package");
    }
    let depends = copy.root(["dpkg-query", "--show", "--showformat", "${Depends}", "tokenferry"]);
    for library in ["libc6 (>= ", "libgtk-3-0 (>= ", "libwebkit2gtk-4.1-0 (>= "] {
        assert!(depends.contains(library), "{library} is not in {depends}");
    }
}

fn programs_run(copy: &Copy) {
    assert_eq!(copy.ada("tokenferry --version"), format!("tokenferry {VERSION}\n"));
    assert_eq!(copy.ada("tokenferry-desktop --version"), format!("tokenferry-desktop {VERSION}\n"));
    assert!(copy.ada("tokenferry status").contains("tokenferry login"));
}

fn the_manual_is_read(copy: &Copy) {
    let page = copy.ada("man tokenferry");
    for part in ["EXIT STATUS", "TOKENFERRY_HOME", "tokenferry-destination(1)"] {
        assert!(page.contains(part), "{page}\nlacks {part}");
    }
    assert!(copy.ada("man tokenferry-destination-add").contains("--volume"));
    // As makewhatis and apropos know it.
    assert!(copy.ada("man -f tokenferry || whatis -l tokenferry || man -w tokenferry").contains("tokenferry"));
}

fn shells_complete(copy: &Copy) {
    let completed = "COMP_WORDS=(tokenferry destination ad) COMP_CWORD=2; _tokenferry tokenferry ad destination; \
                     echo \"${COMPREPLY[@]}\"";
    let loaded = format!(". /usr/share/bash-completion/completions/tokenferry; {completed}");
    assert_eq!(copy.ada(&format!("bash -c '{loaded}'")), "add\n");
}

/// It is found by a menu, and its window by the entry.
fn the_window_opens(copy: &Copy) {
    let entry = copy.root(["cat", "/usr/share/applications/tokenferry-desktop.desktop"]);
    let value = |key: &str| {
        let key = format!("{key}=");
        entry
            .lines()
            .find_map(|line| line.strip_prefix(&key))
            .unwrap_or_else(|| panic!("no {key} in {entry}"))
            .to_owned()
    };
    let display = Display::start();
    // A resident would be started beside it, unless there is one.
    let held = "mkdir -p ~/.local/share/tokenferry/locks; exec flock ~/.local/share/tokenferry/locks/resident.lock";
    let drawn = "WEBKIT_DISABLE_COMPOSITING_MODE=1 LIBGL_ALWAYS_SOFTWARE=1 NO_AT_BRIDGE=1";
    let line = format!("{held} env DISPLAY={} {drawn} {}", display.name(), value("Exec"));
    let mut app = Ended(copy.of_ada(&line).stderr(Stdio::piped()).spawn().unwrap());
    let class = format!("(\"{}\"", value("StartupWMClass"));
    until("the window", || {
        assert!(app.0.try_wait().unwrap().is_none(), "the app ended");
        display.window("Tokenferry").is_some_and(|window| window.contains(&class))
    });
    display.close("Tokenferry");
    until("the app's end", || app.0.try_wait().unwrap().is_some());
}

fn is_kept_fresh(copy: &Copy, expected: bool) {
    until(&format!("kept fresh: {expected}"), || {
        let status: serde_json::Value = serde_json::from_str(&copy.ada("tokenferry status --json")).unwrap();
        status["kept_fresh"] == expected
    });
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

/// `tokenferry run`. What it said is shown where the test fails.
struct Keeper {
    _running: Ended,
    said: NamedTempFile,
}

impl Keeper {
    fn start(copy: &Copy) -> Self {
        let said = NamedTempFile::new().unwrap();
        let (out, err) = (said.reopen().unwrap(), said.reopen().unwrap());
        let running = copy.of_ada("exec tokenferry run").stdout(out).stderr(err).spawn().unwrap();
        Self { _running: Ended(running), said }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read_to_string(&self.said).unwrap_or_default();
            eprintln!("tokenferry run said:\n{said}");
        }
    }
}

/// Ended on drop; what it started ends with the copy.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the package would change in the system itself.
#[derive(Debug, PartialEq)]
struct System {
    status: Option<Vec<u8>>,
    known: Vec<String>,
    ours: [bool; 2],
}

impl System {
    fn now() -> Self {
        let names = std::fs::read_dir(Path::new(DATABASE).join("info")).into_iter().flatten();
        let mut known: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        known.sort();
        Self {
            status: std::fs::read(Path::new(DATABASE).join("status")).ok(),
            known,
            ours: [OURS, HOME].map(|path| Path::new(path).exists()),
        }
    }
}
