//! What tells this installation from others on an engine that they share. No secret.

use std::io::{self, Write};
use std::path::Path;

use crate::error::Error;
use crate::home::HomeError;
use crate::unfinished;

const FILE: &str = "installation";
/// Hexadecimal digits of an id.
const LENGTH: usize = 16;

/// This installation's id, made at its first start.
pub(super) fn id(state: &Path) -> Result<String, Error> {
    let file = state.join(FILE);
    let unusable = |why| Error::Home(HomeError::Unusable(file.clone(), why));
    if let Some(id) = read(&file).map_err(unusable)? {
        return Ok(id);
    }
    make(state, &file).map_err(unusable)?;
    // Whoever was first has made it; all read the same.
    read(&file).map_err(unusable)?.ok_or_else(|| unusable(io::ErrorKind::InvalidData.into()))
}

fn read(file: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(id) if id.len() == LENGTH && id.chars().all(|c| c.is_ascii_hexdigit()) => Ok(Some(id)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no id; remove the file `installation`")),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

fn make(state: &Path, file: &Path) -> io::Result<()> {
    let mut bytes = [0_u8; LENGTH / 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut fresh = unfinished::file_in(state)?;
    fresh.write_all(id.as_bytes())?;
    match fresh.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why.error),
    }
}
