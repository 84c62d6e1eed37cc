//! The desktop app: Tokenferry's window, and the window of a sign-in. All behaviour is the engine's; this is a face.
//!
//! On Linux it lives while a window is open, and the resident `tokenferry tray` does the standing work. On macOS and Windows
//! it is the resident itself.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod arguments;
mod browser;
mod commands;
mod display;
mod host;
mod life;
mod logging;
#[cfg(target_os = "linux")]
mod resident;
mod sign_in;
mod start_at_login;
mod tray;
mod watching;
mod windows;

use std::io::Write;
use std::process::ExitCode;

use crate::arguments::{Arguments, Misread};

/// Wrong usage, as all command lines have it.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())) {
        Ok(arguments) => arguments,
        Err(Misread::Help) => return tell(&mut std::io::stdout(), arguments::USAGE, 0),
        Err(Misread::Version) => {
            return tell(&mut std::io::stdout(), concat!("tokenferry-desktop ", env!("CARGO_PKG_VERSION")), 0);
        }
        Err(Misread::Mistake(what)) => {
            return tell(&mut std::io::stderr(), &format!("{what}\n{}", arguments::USAGE), WRONG_USAGE);
        }
    };
    if !display::is_there(|name| std::env::var_os(name)) {
        return tell(&mut std::io::stderr(), display::NO_DISPLAY, 1);
    }
    logging::begin();
    match life::live(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(why) => tell(&mut std::io::stderr(), &format!("The window could not be opened: {why}."), 1),
    }
}

fn tell(to: &mut impl Write, text: &str, code: u8) -> ExitCode {
    // Whoever closed it does not want to know.
    let _ = writeln!(to, "{text}");
    ExitCode::from(code)
}
