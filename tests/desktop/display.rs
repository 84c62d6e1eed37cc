//! A private screen: an X server without a monitor, on a number that it chooses itself. It ends on drop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A screen that nobody sees, 1280 by 900.
#[derive(Debug)]
pub struct Display {
    server: Child,
    name: String,
}

impl Default for Display {
    fn default() -> Self {
        Self::start()
    }
}

impl Display {
    /// Starts one; returns when it takes windows.
    ///
    /// # Panics
    /// Where there is no Xvfb.
    #[must_use]
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb should start: `setup/install desktop` installs it");
        let mut number = String::new();
        // It says its number when it is ready, and ends its output where it fails.
        let said = BufReader::new(server.stdout.take().expect("it was piped")).read_line(&mut number);
        assert!(matches!(said, Ok(1..)), "Xvfb should name a screen");
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// As in `DISPLAY`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The titles of the windows that are shown.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        let tree = self.command("xwininfo").args(["-root", "-tree"]).output().expect("xwininfo should run");
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        tree.lines().filter_map(|line| Some(line.split_once('"')?.1.split_once("\": ")?.0.to_owned())).collect()
    }

    /// Closes the window with this in its title as a click on its cross does.
    pub fn close(&self, title: &str) {
        let done = self.command("xdotool").args(["search", "--name", title, "windowquit"]).output();
        assert!(done.is_ok_and(|it| it.status.success()), "a window {title} should be there: {:?}", self.titles());
    }

    /// Writes what is on the screen as PNG.
    pub fn shoot(&self, file: &Path) {
        let done = self.command("import").args(["-window", "root"]).arg(file).output().expect("import should run");
        assert!(done.status.success(), "the screen should be written: {done:?}");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name);
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
