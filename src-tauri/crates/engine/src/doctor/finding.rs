//! A finding: what is so, why it matters, the fix. It holds no secret, so that any face may show it.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::account::AccountName;
use crate::settings::{Destination, DestinationName, Place};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somewhere, a sign-in can't be used now.
    Problem,
    /// It works, and will not for long, or not as it was meant.
    Warning,
    /// Good to know; nobody has to do anything.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Problem => "Problem",
            Self::Warning => "Warning",
            Self::Note => "Note",
        })
    }
}

/// What a finding is about. With nothing named it is this installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// An account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// A destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// A container, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// A volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// A folder of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// A user's row in a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// A Secret of a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// An engine, as the settings name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

impl Subject {
    pub(super) fn account(name: &AccountName) -> Self {
        Self { account: Some(name.to_string()), ..Self::default() }
    }

    pub(super) fn destination(destination: &Destination) -> Self {
        Self { destination: Some(destination.name.to_string()), ..Self::place(&destination.place) }
    }

    pub(super) fn place(place: &Place) -> Self {
        match place {
            Place::Volume(place) => {
                Self { volume: Some(place.volume.to_string()), engine: Some(place.engine.clone()), ..Self::default() }
            }
            Place::Directory { directory } => {
                Self { folder: Some(directory.to_string_lossy().into_owned()), ..Self::default() }
            }
            Place::Postgres(place) => Self { database: Some(place.to_string()), ..Self::default() },
            Place::Secret(place) => Self { secret: Some(place.to_string()), ..Self::default() },
        }
    }

    pub(super) fn engine(name: &str) -> Self {
        Self { engine: Some(name.to_owned()), ..Self::default() }
    }

    #[must_use]
    pub(super) fn container(self, name: &str) -> Self {
        Self { container: Some(name.to_owned()), ..self }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("account", &self.account),
            ("destination", &self.destination),
            ("container", &self.container),
            ("volume", &self.volume),
            ("folder", &self.folder),
            ("database", &self.database),
            ("secret", &self.secret),
            ("engine", &self.engine),
        ];
        let named: Vec<String> =
            named.iter().filter_map(|(kind, name)| Some(format!("{kind} {}", name.as_ref()?))).collect();
        if named.is_empty() { f.write_str("this installation") } else { f.write_str(&named.join(", ")) }
    }
}

/// What the engine can do about a finding without harm to anything that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Deliver there once more.
    Deliver(DestinationName),
    /// Make the destination ready to use, and deliver.
    MakeReady(DestinationName),
    /// Remove what earlier runs left on this engine.
    Tidy(String),
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable word for it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is so.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// How it can be mended by us, if it can be done safely.
    pub mend: Option<Mend>,
}

/// The three parts of a finding, each in whole sentences.
pub(super) struct Words {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) fix: String,
}

impl Finding {
    pub(super) fn new(severity: Severity, code: &'static str, subject: Subject, words: Words) -> Self {
        let Words { what, why, fix } = words;
        Self { code, severity, subject, what: shown(&what), why: shown(&why), fix: shown(&fix), mend: None }
    }

    #[must_use]
    pub(super) fn mended_by(self, mend: Mend) -> Self {
        Self { mend: Some(mend), ..self }
    }

    /// Whether it can be mended by us, safely.
    pub fn is_fixable(&self) -> bool {
        self.mend.is_some()
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Finding", 7)?;
        fields.serialize_field("code", self.code)?;
        fields.serialize_field("severity", &self.severity)?;
        fields.serialize_field("where", &self.subject)?;
        fields.serialize_field("what", &self.what)?;
        fields.serialize_field("why", &self.why)?;
        fields.serialize_field("fix", &self.fix)?;
        fields.serialize_field("fixable", &self.is_fixable())?;
        fields.end()
    }
}

/// A text of somebody else's, as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', ')']) { text.to_owned() } else { format!("{text}.") }
}

/// Fit to be shown: whoever makes containers chooses their variables, which should play no tricks on a terminal.
fn shown(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}
