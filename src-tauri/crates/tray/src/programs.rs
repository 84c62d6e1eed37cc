//! The programs that the resident starts: the window, and a sign-in in the browser where the window is not installed.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::click::Page;

const WINDOW: &str = "tokenferry-desktop";

/// Shows the window, at a page where one is named.
pub(crate) fn open_window(page: Option<Page>) -> io::Result<()> {
    let words = page.map_or_else(Vec::new, |page| vec!["--page", page.word()]);
    start(&window()?, words)
}

/// Begins a sign-in in the window; where there is none, in the browser.
pub(crate) fn sign_in(account: Option<&str>) -> io::Result<()> {
    match window() {
        Ok(window) => start(&window, std::iter::once("--sign-in").chain(account)),
        Err(_) => {
            let account = account.into_iter().flat_map(|name| ["--account", name]);
            start(&std::env::current_exe()?, std::iter::once("login").chain(account))
        }
    }
}

/// Beside this program, where both were built or installed; else by the search path.
fn window() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let beside = this.parent().map(|folder| folder.join(WINDOW));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(WINDOW));
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{WINDOW} is not installed"));
    beside.into_iter().chain(found).find(|program| program.is_file()).ok_or_else(missing)
}

/// It lives on by itself: in a group of its own, so that a Ctrl-C here is not meant for it. The runtime waits for its end.
fn start(program: &Path, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().map(drop)
}
