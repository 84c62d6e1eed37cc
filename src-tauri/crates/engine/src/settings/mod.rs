//! What the user chose: `config.toml`, made for people to edit. Unknown keys are refused by name and line.

mod edit;
mod names;
mod place;
mod remembered;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub use edit::{Switch, add_destination, make_ready, remove_destination, turn};
pub use names::{DestinationName, Folder, VolumeName};
pub use place::{Destination, Host, Place, Spot, VolumePlace, default_engine};
pub(crate) use remembered::Remembered;

use crate::destinations::OwnerChoice;
use crate::vault::VaultKind;

/// Seconds before its end in which an access token is renewed at the latest, unless the user says otherwise.
const RENEW_BEFORE: u32 = 300;

/// The settings, whole. Keys are written as the command line writes its options; with `_` in place of `-` they are taken
/// too, as they were once written so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where sign-ins are kept; the keychain where nothing is said.
    #[serde(default, deserialize_with = "optional_word")]
    pub vault: Option<VaultKind>,
    /// Seconds before its end in which an access token is renewed at the latest.
    #[serde(default = "renew_before", alias = "renew_before")]
    renew_before: u32,
    /// Whether a place that is labelled for an account that is signed in counts as approved of.
    #[serde(default, alias = "approve_labelled")]
    pub approve_labelled: bool,
    /// Whether nothing is delivered by itself for now. Renewals go on, and what a person asks for is delivered.
    #[serde(default)]
    pub paused: bool,
    /// Whether the resident shows no notices.
    #[serde(default)]
    pub quiet: bool,
    /// The places that are kept fresh. That one stands here means that the user approved of it.
    #[serde(default, rename = "destination")]
    pub destinations: Vec<Destination>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            vault: None,
            renew_before: RENEW_BEFORE,
            approve_labelled: false,
            paused: false,
            quiet: false,
            destinations: Vec::new(),
        }
    }
}

fn renew_before() -> u32 {
    RENEW_BEFORE
}

/// Why the settings can't be used, or changed. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A mistake in the file; the text names line and key.
    #[error("There is a mistake in {0}:\n{1}\nMend it, and try again.")]
    Mistake(PathBuf, String),
    /// It can't be read or written.
    #[error("{0} can't be used: {1}.")]
    Io(PathBuf, #[source] io::Error),
    /// There is such a destination.
    #[error(
        "There is a destination named {0}. Choose another name, or remove it with `tokenferry destination remove {0}`."
    )]
    Taken(DestinationName),
    /// Another destination fills the same place.
    #[error(
        "Destination {0} fills that place already, and two would overwrite each other. Remove it first, or choose another volume."
    )]
    SamePlace(DestinationName),
    /// There is none.
    #[error("There is no destination named {0}. `tokenferry destination list` shows those that are.")]
    NoDestination(String),
}

impl Settings {
    /// Reads the file; without one all is as by default.
    ///
    /// # Errors
    /// [`SettingsError::Mistake`] or [`SettingsError::Io`].
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(file, &text),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(why) => Err(SettingsError::Io(file.to_owned(), why)),
        }
    }

    fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let mistake = |what: String| SettingsError::Mistake(file.to_owned(), what);
        let settings: Self = toml::from_str(text).map_err(|why| mistake(told(text, &why)))?;
        let mut seen: Vec<&Destination> = Vec::new();
        for destination in &settings.destinations {
            if let Some(other) = seen.iter().find(|it| it.name == destination.name || it.spot() == destination.spot()) {
                return Err(mistake(format!(
                    "Destinations {} and {} have the same name or fill the same place.",
                    other.name, destination.name
                )));
            }
            seen.push(destination);
        }
        Ok(settings)
    }

    /// How long before its end an access token is renewed at the latest.
    pub fn renew_before(&self) -> Duration {
        Duration::from_secs(self.renew_before.into())
    }

    /// The destination of this name.
    ///
    /// # Errors
    /// [`SettingsError::NoDestination`]
    pub fn destination(&self, name: &str) -> Result<&Destination, SettingsError> {
        let found = self.destinations.iter().find(|destination| destination.name.as_str() == name);
        found.ok_or_else(|| SettingsError::NoDestination(name.to_owned()))
    }
}

/// A mistake by its line. The line itself is not repeated, since an address in it may hold a password.
fn told(text: &str, why: &toml::de::Error) -> String {
    let Some(before) = why.span().and_then(|span| text.get(..span.start)) else { return why.message().to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("In line {line}, column {column}: {}", why.message().trim_end())
}

fn word<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn optional_word<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display> + 'static>(
    from: D,
) -> Result<Option<T>, D::Error> {
    word(from).map(Some)
}

fn as_text<S: Serializer, T: fmt::Display>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn is_auto(owner: &OwnerChoice) -> bool {
    *owner == OwnerChoice::Auto
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::account::AccountName;
    use crate::formats::Format;

    /// A place in a volume on the default engine.
    pub(crate) fn in_volume(volume: &str, folder: Option<&str>) -> Place {
        let folder = folder.map(|folder| folder.parse().unwrap());
        Place::Volume(VolumePlace { engine: default_engine(), volume: volume.parse().unwrap(), folder })
    }

    /// A destination with nothing special to it.
    pub(crate) fn destination(name: &str, volume: &str) -> Destination {
        Destination {
            name: name.parse().unwrap(),
            place: in_volume(volume, None),
            account: AccountName::default(),
            format: Format::default(),
            owner: OwnerChoice::Auto,
            ready_to_use: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::Ids;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Path::new("config.toml"), text).map_err(|why| why.to_string())
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let settings = parse("").unwrap();
        assert_eq!(settings.renew_before(), Duration::from_secs(300));
        assert_eq!(settings.vault, None);
    }

    #[test]
    fn a_destination_needs_a_name_and_a_volume() {
        let settings =
            parse("[[destination]]\nname = \"web\"\nvolume = \"claude-auth\"\nowner = \"1000:1000\"").unwrap();
        let destination = settings.destination("web").unwrap();
        assert_eq!(destination.owner, OwnerChoice::Ids(Ids { uid: 1000, gid: 1000 }));
        assert_eq!(destination.place, samples::in_volume("claude-auth", None));
        assert!(parse("[[destination]]\nname = \"web\"").unwrap_err().contains("volume"));
    }

    #[test]
    fn a_mistake_is_named_by_key_and_line() {
        let said = parse("vault = \"file\"\nrenew-befor = 3\n").unwrap_err();
        assert!(said.contains("line 2") && said.contains("renew-befor"), "{said}");
        let said = parse("vault = \"paper\"").unwrap_err();
        assert!(said.contains("line 1") && said.contains("keychain, file or memory"), "{said}");
    }

    #[test]
    fn a_mistake_shows_no_password() {
        let said = parse("[[destination]]\nname = \"row\"\npostgres = \"postgres://me:canary@@db/it\"").unwrap_err();
        assert!(said.contains("In line 3, column 12: ") && said.contains("%40") && !said.contains("canary"), "{said}");
        let said = parse("[[destination]]\npostgres = \"postgres://me:canary@db/it\nname = \"row\"").unwrap_err();
        assert!(said.contains("line 2") && !said.contains("canary"), "{said}");
    }

    #[test]
    fn keys_are_written_as_options_and_taken_as_they_once_were() {
        let written = |text: &str| {
            let settings = parse(text).unwrap();
            (settings.renew_before(), settings.approve_labelled, settings.destinations[0].ready_to_use)
        };
        let text = "renew-before = 600\napprove-labelled = true\n[[destination]]\nname = \"a\"\nvolume = \"v\"\nready-to-use = true";
        assert_eq!(written(text), (Duration::from_secs(600), true, true));
        let once = text.replace("renew-b", "renew_b").replace("ve-l", "ve_l").replace("y-to-u", "y_to_u");
        assert_eq!(written(&once), (Duration::from_secs(600), true, true));
        assert!(parse("renew-before = 1\nrenew_before = 2").unwrap_err().contains("duplicate"));
    }

    #[test]
    fn two_may_not_fill_one_place() {
        let one = |name: &str| format!("[[destination]]\nname = \"{name}\"\nvolume = \"v\"\n");
        assert!(parse(&(one("a") + &one("b"))).unwrap_err().contains("same place"));
        let outside = parse("[[destination]]\nname = \"a\"\nvolume = \"v\"\nfolder = \"../x\"").unwrap_err();
        assert!(outside.contains("line 4") && outside.contains("can't be a folder"), "{outside}");
    }
}
