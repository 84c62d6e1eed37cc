//! What to paste so that a container is signed in by a volume: for compose, a dev container, or `docker run`. Pure text.
//!
//! With the volume mounted to be written, `CLAUDE_CONFIG_DIR` names the folder in it, so that everything of Claude's lies
//! there. Mounted read-only it holds nothing but the credentials, and `CLAUDE_SECURESTORAGE_CONFIG_DIR` names it.

mod compose;
mod devcontainer;
mod docker_run;
pub mod litellm;
mod words;

use serde::Serialize;

pub use words::{ImageName, MountPoint, ServiceName};

use crate::account::AccountName;
use crate::destinations::docker::survey::ACCOUNT_LABEL;
use crate::discovery::AUTH_VOLUME;
use crate::formats::claude_code::{CREDENTIALS_VARIABLE, FOLDER_VARIABLE};
use crate::settings::{Destination, VolumePlace, default_engine};

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of docker compose.
    Compose,
    /// A `devcontainer.json`.
    DevContainer,
    /// A line for a shell.
    DockerRun,
}

/// Which volume it is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// That of a destination, which is there.
    Destination(&'a Destination, &'a VolumePlace),
    /// One that is made with the container, labelled for this account so that Tokenferry finds it by itself.
    Labelled(&'a AccountName),
}

impl<'a> Subject<'a> {
    /// A destination, if it is in a volume.
    pub fn of(destination: &'a Destination) -> Option<Self> {
        Some(Self::Destination(destination, destination.in_volume()?))
    }
}

/// How it shall be.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The image; without it the text is to be put into what there is.
    pub image: Option<ImageName>,
    /// The compose service.
    pub service: ServiceName,
    /// Where the volume is mounted.
    pub mount: MountPoint,
    /// Whether the container may only read there.
    pub read_only: bool,
}

/// What to paste.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// The text, with a line break at its end.
    pub text: String,
    /// What there is to know, a sentence or two each.
    pub explanation: Vec<String>,
}

/// What all kinds are made of.
struct Parts<'a> {
    wish: &'a Wish,
    /// The volume's name at the engine, or in the compose file where compose makes it.
    volume: &'a str,
    /// Whether the volume is there already.
    is_there: bool,
    variable: &'static str,
    /// The variable's value.
    folder: String,
    /// The account that the label names, where one is needed.
    label: Option<&'a AccountName>,
}

/// Puts it into text.
pub fn snippet(kind: Kind, subject: Subject<'_>, wish: &Wish) -> Snippet {
    let (volume, within, label) = match subject {
        Subject::Destination(_, place) => (place.volume.as_str(), place.folder.as_ref(), None),
        Subject::Labelled(account) => (AUTH_VOLUME, None, Some(account)),
    };
    let folder = match within {
        Some(within) => format!("{}/{within}", wish.mount),
        None => wish.mount.to_string(),
    };
    let variable = if wish.read_only { CREDENTIALS_VARIABLE } else { FOLDER_VARIABLE };
    let parts = Parts { wish, volume, is_there: label.is_none(), variable, folder, label };
    let text = match kind {
        Kind::Compose => compose::text(&parts),
        Kind::DevContainer => devcontainer::text(&parts),
        Kind::DockerRun => docker_run::text(&parts),
    };
    Snippet { text, explanation: explanation(kind, subject, wish) }
}

fn explanation(kind: Kind, subject: Subject<'_>, wish: &Wish) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |sentence: String| told.push(sentence);
    match (kind, &wish.image) {
        (Kind::Compose, None) => tell(format!(
            "Save this as compose.override.yaml beside your compose file, where the service is named {}; or copy its parts \
             over. --service and --image change them.",
            wish.service
        )),
        (Kind::Compose, Some(_)) => tell("Save this as compose.yaml, or copy its parts over.".to_owned()),
        (Kind::DevContainer, _) => tell("Put this into .devcontainer/devcontainer.json.".to_owned()),
        (Kind::DockerRun, None) => tell(format!(
            "Put your image in place of {}, and after it the command. For an interactive `claude` add -it.",
            docker_run::NO_IMAGE
        )),
        (Kind::DockerRun, Some(_)) => {
            tell("Add the command at the end; for an interactive `claude` also -it, after --rm.".to_owned());
        }
    }
    match subject {
        Subject::Destination(destination, place) => {
            if place.engine != default_engine() {
                tell(format!("The volume is on {}: start the container there.", place.engine));
            }
            if !wish.read_only && !destination.ready_to_use {
                tell(
                    "A first interactive `claude` asks a few questions there. Destinations that are added with \
                     --ready-to-use are spared them."
                        .to_owned(),
                );
            }
        }
        Subject::Labelled(account) => tell(format!(
            "Once it is started, `tokenferry destination discover` finds it by its label {ACCOUNT_LABEL}={account}, and \
             asks you. With approve-labelled in the settings, `tokenferry run` delivers without asking."
        )),
    }
    if wish.read_only {
        tell(format!(
            "The container can't change what is delivered. Everything else of Claude's lies in its own ~/.claude, so a first \
             interactive `claude` asks a few questions. {CREDENTIALS_VARIABLE} needs a Claude Code that knows it, such as \
             2.1.329."
        ));
    }
    if kind == Kind::DevContainer {
        tell(
            "Once the dev container is there, the files are given to whoever works in it (remoteUser); to be sure before, add \
             the destination with --owner UID:GID."
                .to_owned(),
        );
    }
    told
}

#[cfg(test)]
mod tests;
