//! The manual's pages, made from the words of the command line, for packages to bring.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What the words of the command line don't say: exit codes, files, variables.
const FURTHER: &str = include_str!("man.roff");

/// Writes `tokenferry.1`, and a page of its own for each command that is shown, such as `tokenferry-destination-add.1`.
///
/// # Errors
/// The folder can't be made or written to.
pub(super) fn write(command: clap::Command, folder: &Path) -> io::Result<()> {
    let first = folder.join(format!("{}.1", command.get_name()));
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    OpenOptions::new().append(true).open(first)?.write_all(FURTHER.as_bytes())
}
