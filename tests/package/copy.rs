//! A copy of this system to install into: all that is written there goes into memory, and is gone with the test. It shares
//! nothing with the system but what is read from it, the network, and the devices.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const SCRIPT: &str = include_str!("copy.sh");
/// Beyond what any step takes on a busy machine.
const PATIENCE_SECONDS: &str = "120";
/// dpkg wants all of these.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Somebody who is not root, and whom the system need not know.
pub(crate) const ADA: &str = "4242";
pub(crate) const HOME: &str = "/tmp/ada";

pub(crate) struct Copy {
    // Everything in the copy ends with it, and the copy with that.
    holder: Child,
    inside: String,
    _ground: TempDir,
}

impl Copy {
    /// A fresh one, in which this folder is `/tmp/given`.
    pub(crate) fn of_this_system(given: &Path) -> Self {
        let ground = tempfile::tempdir().unwrap();
        let mut holder = as_root("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"])
            .args(["sh", "-c", SCRIPT, "copy"])
            .args([ground.path(), given])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare should start");
        let mut pid = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        if pid.is_empty() {
            let said = holder.wait_with_output().unwrap();
            panic!(
                "A copy of the system could not be made, so the package was not tried. It takes Linux, root (or sudo \
                 without a password) and the right to mount, which a container has with `--privileged`:\n{}",
                String::from_utf8_lossy(&said.stderr)
            );
        }
        let copy = Self { holder, inside: pid.trim().to_owned(), _ground: ground };
        copy.root(["install", "-d", "-m", "700", "-o", ADA, "-g", ADA, HOME, "/tmp/ada/run"]);
        copy
    }

    /// Runs a program in it as root, and gives what it printed.
    #[track_caller]
    pub(crate) fn root<I>(&self, words: I) -> String
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        done(self.command(&[]).args(words).output().unwrap())
    }

    /// Runs a line for the shell in it as somebody who is not root, and gives what it printed.
    #[track_caller]
    pub(crate) fn ada(&self, line: &str) -> String {
        done(self.of_ada(line).output().unwrap())
    }

    /// The same, to be started by the caller.
    pub(crate) fn of_ada(&self, line: &str) -> Command {
        let mut command = self.command(&["setpriv", "--reuid", ADA, "--regid", ADA, "--clear-groups"]);
        command.args(["sh", "-ec", line]);
        command
    }

    /// What differs from the system, by path, without what its packages' own tools note and without what is in memory.
    pub(crate) fn differences(&self) -> Vec<String> {
        let found = self.root(["find", "/tmp/changed", "-mindepth", "1", "!", "-type", "d", "-printf", "/%P\n"]);
        found.lines().filter(|path| !is_bookkeeping(path)).map(str::to_owned).collect()
    }

    fn command(&self, before: &[&str]) -> Command {
        let mut command = as_root("nsenter");
        command
            .args(["--target", &self.inside, "--mount", "--pid", "--"])
            .args(["env", "-i", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "MANPAGER=cat", "MANWIDTH=100"])
            // Where its state, keychain and engine would be, there is nothing of whoever runs the tests.
            .args(["TOKENFERRY_VAULT=file", "DOCKER_HOST=unix:///tmp/nowhere"])
            .args(["DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/nowhere", "XDG_RUNTIME_DIR=/tmp/ada/run"])
            .args([format!("PATH={PATH}"), format!("HOME={HOME}")])
            .args(["timeout", "--kill-after=5", PATIENCE_SECONDS])
            .args(before)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // The end of its input ends the holder, and that all that runs in the copy.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

#[track_caller]
fn done(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// As root, or by sudo where it asks nothing.
fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Written by dpkg and by what it starts when icons, menus or pages of the manual come and go, whatever package it is.
fn is_bookkeeping(path: &str) -> bool {
    ["/var/lib/dpkg/", "/var/log/", "/var/cache/", "/etc/ld.so.cache", "/usr/share/mime/"]
        .iter()
        .any(|place| path.starts_with(place))
        || ["/mimeinfo.cache", "/icon-theme.cache"].iter().any(|name| path.ends_with(name))
}
