//! A private screen: an X server without a monitor, on a number that it chooses itself. It ends on drop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, MapState, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

/// Whether this machine can have one.
#[must_use]
pub fn is_at_hand() -> bool {
    Command::new("Xvfb").arg("-help").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

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

    /// The variables with which programs draw here, the same on every machine: without a graphics card.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("DISPLAY", self.name()),
            ("LANG", "C.UTF-8"),
            ("NO_AT_BRIDGE", "1"),
            ("WEBKIT_DISABLE_COMPOSITING_MODE", "1"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ]
    }

    /// The titles of the windows that are shown.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        let tree = self.command("xwininfo").args(["-root", "-tree"]).output().expect("xwininfo should run");
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        tree.lines().filter_map(|line| Some(line.split_once('"')?.1.split_once("\": ")?.0.to_owned())).collect()
    }

    /// What the screen says of the first window with this in its title: title, class, size and place.
    #[must_use]
    pub fn window(&self, title: &str) -> Option<String> {
        let tree = self.command("xwininfo").args(["-root", "-tree"]).output().expect("xwininfo should run");
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        tree.lines()
            .find(|line| line.split_once("\": ").is_some_and(|(name, _)| name.contains(title)))
            .map(str::to_owned)
    }

    /// Closes the window with this in its title as a click on its cross does: it is asked to close, and may.
    ///
    /// # Panics
    /// Where there is none.
    pub fn close(&self, title: &str) {
        let asked = self.ask_to_close(title).expect("the screen should answer");
        assert!(asked, "a window {title} should be there: {:?}", self.titles());
    }

    fn ask_to_close(&self, title: &str) -> Result<bool, Box<dyn std::error::Error>> {
        let (screen, number) = x11rb::connect(Some(&self.name))?;
        let atom = |name: &str| Ok::<_, ReplyOrIdError>(screen.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let (protocols, delete, name) = (atom("WM_PROTOCOLS")?, atom("WM_DELETE_WINDOW")?, atom("_NET_WM_NAME")?);
        let mut windows = vec![screen.setup().roots[number].root];
        while let Some(window) = windows.pop() {
            let called = screen.get_property(false, window, name, AtomEnum::ANY, 0, 1024)?.reply()?.value;
            if String::from_utf8_lossy(&called).contains(title) {
                let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
                screen.send_event(false, window, EventMask::NO_EVENT, message)?;
                screen.sync()?;
                return Ok(true);
            }
            windows.extend(screen.query_tree(window)?.reply()?.children);
        }
        Ok(false)
    }

    /// Covers all that is there with another window. It is gone when what is given back is dropped.
    ///
    /// # Panics
    /// Where the screen takes no window.
    #[must_use]
    pub fn cover(&self) -> impl Sized {
        let (screen, number) = x11rb::connect(Some(&self.name)).expect("the screen should answer");
        let (root, window) = (screen.setup().roots[number].root, screen.generate_id().expect("an id"));
        let (class, looks) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new().background_pixel(0));
        screen
            .create_window(x11rb::COPY_DEPTH_FROM_PARENT, window, root, 0, 0, 1280, 900, 0, class, 0, &looks)
            .and_then(|_| screen.map_window(window))
            .expect("a window should be made");
        screen.sync().expect("the screen should answer");
        screen
    }

    /// What is called the window that lies above all others. None where that has no name.
    #[must_use]
    pub fn top(&self) -> Option<String> {
        let look = || -> Result<Option<String>, Box<dyn std::error::Error>> {
            let (screen, number) = x11rb::connect(Some(&self.name))?;
            let name = screen.intern_atom(false, b"_NET_WM_NAME")?.reply()?.atom;
            for window in screen.query_tree(screen.setup().roots[number].root)?.reply()?.children.into_iter().rev() {
                if screen.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE {
                    let called = screen.get_property(false, window, name, AtomEnum::ANY, 0, 1024)?.reply()?.value;
                    return Ok(Some(String::from_utf8_lossy(&called).into_owned()).filter(|it| !it.is_empty()));
                }
            }
            Ok(None)
        };
        look().expect("the screen should answer")
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
