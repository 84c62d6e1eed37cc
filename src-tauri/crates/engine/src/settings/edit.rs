//! Changes to the file of settings that keep what a person wrote there: comments, order, blank lines.

use std::io::{self, Write};
use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError};

use super::{Destination, Settings, SettingsError};
use crate::unfinished;

/// Adds a destination at the end.
///
/// # Errors
/// [`SettingsError`]; `Taken` and `SamePlace` where it would clash.
pub fn add_destination(file: &Path, destination: &Destination) -> Result<(), SettingsError> {
    let settings = Settings::read(file)?;
    if settings.destinations.iter().any(|it| it.name == destination.name) {
        return Err(SettingsError::Taken(destination.name.clone()));
    }
    if let Some(other) = settings.destinations.iter().find(|it| it.spot() == destination.spot()) {
        return Err(SettingsError::SamePlace(other.name.clone()));
    }
    change(file, |document| {
        let entry = toml_edit::ser::to_document(destination).map_err(io::Error::other)?;
        let list = document.entry("destination").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match list.as_array_of_tables_mut() {
            Some(list) => list.push(entry.iter().map(|(key, value)| (key.replace('_', "-"), value.clone())).collect()),
            None => return Err(io::Error::other("`destination` is not written as [[destination]]")),
        }
        Ok(())
    })
}

/// Takes a destination out.
///
/// # Errors
/// [`SettingsError`]; `NoDestination` where there is none of this name.
pub fn remove_destination(file: &Path, name: &str) -> Result<(), SettingsError> {
    Settings::read(file)?.destination(name)?;
    change(file, |document| {
        let is_it = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
        if let Some(list) = document.get_mut("destination").and_then(Item::as_array_of_tables_mut) {
            list.retain(|table| !is_it(table));
        }
        Ok(())
    })
}

/// What a person turns on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// [`Settings::paused`]
    Paused,
    /// [`Settings::quiet`]
    Quiet,
    /// [`Settings::approve_labelled`]
    ApproveLabelled,
}

impl Switch {
    fn key(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Quiet => "quiet",
            Self::ApproveLabelled => "approve-labelled",
        }
    }
}

/// Turns a switch on or off. What is off by default is not written down.
///
/// # Errors
/// [`SettingsError`]
pub fn turn(file: &Path, switch: Switch, on: bool) -> Result<(), SettingsError> {
    change(file, |document| {
        let (key, once) = (switch.key(), switch.key().replace('-', "_"));
        let key = if document.contains_key(key) { key } else { once.as_str() };
        match document.get_mut(key) {
            Some(value) => *value = toml_edit::value(on),
            None if on => drop(document.insert(switch.key(), toml_edit::value(true))),
            None => {}
        }
        Ok(())
    })
}

/// Makes a destination ready to use.
///
/// # Errors
/// [`SettingsError`]; `NoDestination` where there is none of this name.
pub fn make_ready(file: &Path, name: &str) -> Result<(), SettingsError> {
    Settings::read(file)?.destination(name)?;
    change(file, |document| {
        let list = document.get_mut("destination").and_then(Item::as_array_of_tables_mut);
        for table in list.into_iter().flat_map(ArrayOfTables::iter_mut) {
            if table.get("name").and_then(Item::as_str) == Some(name) {
                table.remove("ready_to_use");
                table.insert("ready-to-use", toml_edit::value(true));
            }
        }
        Ok(())
    })
}

/// Reads, changes, proves that the outcome can be read, and replaces the file at once.
fn change(file: &Path, apply: impl FnOnce(&mut DocumentMut) -> io::Result<()>) -> Result<(), SettingsError> {
    let io = |why| SettingsError::Io(file.to_owned(), why);
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(why) if why.kind() == io::ErrorKind::NotFound => String::new(),
        Err(why) => return Err(io(why)),
    };
    let mut document: DocumentMut =
        text.parse().map_err(|why: TomlError| io(io::Error::other(why.message().to_owned())))?;
    apply(&mut document).map_err(io)?;
    let text = document.to_string();
    Settings::parse(file, &text)?;
    write(file, &text).map_err(io)
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    // A settings file that is a link, as dotfiles often are, stays one.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut fresh = unfinished::file_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::samples::destination;

    #[test]
    fn what_a_person_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, "# mine\nrenew_before = 600 # ten minutes\n").unwrap();
        add_destination(&file, &destination("web", "claude-auth")).unwrap();
        let api = Destination { ready_to_use: true, ..destination("api", "api_claude-auth") };
        add_destination(&file, &api).unwrap();
        remove_destination(&file, "web").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\nrenew_before = 600 # ten minutes\n"), "{text}");
        assert!(text.contains("ready-to-use = true"), "{text}");
        let settings = Settings::read(&file).unwrap();
        assert_eq!(settings.destinations, [api]);
    }

    #[test]
    fn a_destination_is_made_ready_however_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        for line in ["", "ready_to_use = false\n", "ready-to-use = false # not yet\n"] {
            std::fs::write(&file, format!("[[destination]]\nname = \"web\"\nvolume = \"v\"\n{line}# mine\n")).unwrap();
            make_ready(&file, "web").unwrap();
            assert!(Settings::read(&file).unwrap().destination("web").unwrap().ready_to_use, "{line}");
            assert!(std::fs::read_to_string(&file).unwrap().contains("# mine"));
        }
        assert!(matches!(make_ready(&file, "no"), Err(SettingsError::NoDestination(_))));
    }

    #[test]
    fn a_switch_is_turned_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        add_destination(&file, &destination("web", "v")).unwrap();
        let is = |file: &Path| {
            let settings = Settings::read(file).unwrap();
            (settings.paused, settings.quiet, settings.approve_labelled)
        };
        turn(&file, Switch::Quiet, false).unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("quiet"));
        turn(&file, Switch::Paused, true).unwrap();
        turn(&file, Switch::ApproveLabelled, true).unwrap();
        assert_eq!(is(&file), (true, false, true));
        turn(&file, Switch::Paused, false).unwrap();
        assert_eq!(is(&file), (false, false, true));
        assert_eq!(Settings::read(&file).unwrap().destinations.len(), 1);

        std::fs::write(&file, "# mine\npaused = false # for now\napprove_labelled = true\n").unwrap();
        turn(&file, Switch::Paused, true).unwrap();
        turn(&file, Switch::ApproveLabelled, false).unwrap();
        assert_eq!(is(&file), (true, false, false));
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("# mine\n"));
    }

    #[test]
    fn a_clash_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        add_destination(&file, &destination("web", "v")).unwrap();
        let before = std::fs::read_to_string(&file).unwrap();
        assert!(matches!(add_destination(&file, &destination("web", "w")), Err(SettingsError::Taken(_))));
        assert!(matches!(add_destination(&file, &destination("b", "v")), Err(SettingsError::SamePlace(_))));
        assert!(matches!(remove_destination(&file, "no"), Err(SettingsError::NoDestination(_))));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    }
}
