//! `snippet litellm`: the files of a LiteLLM proxy that reads a delivered token, printed or saved.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use engine::Engine;
use engine::snippets::litellm::{Setup, SetupFile};
use serde_json::json;

use super::report;
use crate::args::Litellm;
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Prints or saves it.
pub(super) fn print(engine: &Engine, destination: Option<&str>, wish: Litellm, json: bool) -> Result<Outcome, Failure> {
    let save = wish.save.clone();
    let setup = engine.litellm(destination, wish.into())?;
    match save {
        Some(folder) => save_in(&folder, &setup.files)?,
        None if json => {}
        None => print_all(&setup.files)?,
    }
    if json {
        report(&told(&setup))?;
        return Ok(Outcome::Done);
    }
    talk::say(format_args!("Start it in the files' folder: {}", setup.in_container.trim_end()));
    if let Some(line) = &setup.on_this_machine {
        talk::say(format_args!("Or without a container: {}", line.trim_end()));
    }
    for sentence in &setup.explanation {
        talk::say(format_args!("{sentence}"));
    }
    for warning in &setup.warnings {
        talk::say(format_args!("Warning: {warning} {}", warning.fix()));
    }
    Ok(Outcome::Done)
}

/// Each below its name, as a file of YAML or variables takes a comment.
fn print_all(files: &[SetupFile]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for file in files {
        writeln!(out, "# {}", file.name)?;
        out.write_all(file.text.expose().as_bytes())?;
        writeln!(out)?;
    }
    out.flush()
}

/// Where one of them is already, nothing is written: a key that is in use would be lost.
fn save_in(folder: &Path, files: &[SetupFile]) -> Result<(), Failure> {
    if let Some(taken) = files.iter().map(|file| folder.join(file.name)).find(|file| file.exists()) {
        let fix = "Choose another folder, or move what is there away.".to_owned();
        return Err(Failure::Declined { what: format!("{} is there already.", taken.display()), fix });
    }
    std::fs::create_dir_all(folder)?;
    for file in files {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, file.mode);
        options.open(folder.join(file.name))?.write_all(file.text.expose().as_bytes())?;
    }
    talk::say(format_args!("Saved {} files in {}.", files.len(), folder.display()));
    Ok(())
}

fn told(setup: &Setup) -> serde_json::Value {
    let files: Vec<_> = setup
        .files
        .iter()
        .map(|file| json!({"name": file.name, "mode": file.mode, "text": file.text.expose()}))
        .collect();
    json!({
        "files": files,
        "in_container": setup.in_container,
        "on_this_machine": setup.on_this_machine,
        "explanation": setup.explanation,
        "warnings": setup.warnings,
    })
}
