//! What a LiteLLM proxy needs so that a renewal of the token needs no restart of it: its `config.yaml`, a compose service and
//! a line to start it by. Pure text. Nothing here leads off this machine: the port is the loopback's, and the proxy asks
//! for a key of its own.
//!
//! From 1.109 on LiteLLM reads a file for each request where a key is `oidc/file/…`; before that a small callback does it.

mod warning;
mod words;

use std::fmt::{Arguments, Write as _};

pub use warning::Warning;
pub use words::{MasterKey, Model, ModelName, Version};

use super::compose::scalar;
use super::words::{ImageName, MountPoint};
use crate::secret::SecretString;
use crate::settings::VolumeName;

/// The file of the format `token-file`.
const TOKEN_FILE: &str = "access_token";
/// LiteLLM's own configuration.
const CONFIG: &str = "config.yaml";
/// What the proxy's environment holds. Its key is in no command line and in no configuration that gets shared.
const ENVIRONMENT: &str = "litellm.env";
/// For a compose that knows `docker compose`.
const COMPOSE: &str = "compose.yaml";
/// The callback. LiteLLM looks for it beside its configuration.
const CALLBACK: &str = "tokenferry_token.py";
/// Where the configuration lies in a container.
const IN_CONTAINER: &str = "/config";
/// Where LiteLLM's images come from.
const REPOSITORY: &str = "ghcr.io/berriai/litellm";

/// Where the token lies that Tokenferry keeps fresh.
#[derive(Debug, Clone)]
pub enum Source {
    /// In a folder of this machine. A proxy in a container gets it at the same path.
    Folder(MountPoint),
    /// At the top of a volume, mounted there.
    Volume {
        /// The volume.
        name: VolumeName,
        /// Where it is mounted.
        mount: MountPoint,
    },
}

impl Source {
    fn folder(&self) -> &MountPoint {
        match self {
            Self::Folder(folder) | Self::Volume { mount: folder, .. } => folder,
        }
    }
}

/// Whose token the API gets.
#[derive(Debug, Clone)]
pub enum Tokens {
    /// One for all clients: that which Tokenferry delivers there.
    Delivered(Source),
    /// Each client's own, which it sends along.
    Clients,
}

/// How it shall be.
#[derive(Debug)]
pub struct Wish {
    /// LiteLLM's version.
    pub version: Version,
    /// The models that it offers.
    pub models: Vec<Model>,
    /// Whose token the API gets.
    pub tokens: Tokens,
    /// The port on the loopback.
    pub port: u16,
    /// The proxy's own key.
    pub key: MasterKey,
    /// The image, where it is not LiteLLM's own of that version.
    pub image: Option<ImageName>,
}

/// A file to save, all in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFile {
    /// Its name.
    pub name: &'static str,
    /// Permission bits.
    pub mode: u32,
    /// What it holds, with a line break at its end. The environment's holds the proxy's key.
    pub text: SecretString,
}

/// What to save, and how to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The files.
    pub files: Vec<SetupFile>,
    /// Starts it in a container, from the files' folder.
    pub in_container: String,
    /// Starts it on this machine, from the files' folder; none where the token lies in a volume.
    pub on_this_machine: Option<String>,
    /// What there is to know, a sentence or two each.
    pub explanation: Vec<String>,
    /// What gives a secret away.
    pub warnings: Vec<Warning>,
}

/// Puts it into text.
#[must_use]
pub fn setup(wish: &Wish) -> Setup {
    let file = |name, mode, text: String| SetupFile { name, mode, text: SecretString::new(text) };
    let mut files = vec![
        file(CONFIG, 0o644, config(wish)),
        file(ENVIRONMENT, 0o600, environment(wish)),
        file(COMPOSE, 0o644, compose(wish)),
    ];
    if needs_callback(wish) {
        files.push(file(CALLBACK, 0o644, include_str!("litellm/tokenferry_token.py").to_owned()));
    }
    let is_in_volume = matches!(&wish.tokens, Tokens::Delivered(Source::Volume { .. }));
    let started = || {
        let port = wish.port;
        // In a shell of its own, so that the key stays out of yours, and yours may be any.
        format!(
            "sh -c 'set -a && . ./{ENVIRONMENT} && exec litellm --config {CONFIG} --host 127.0.0.1 --port {port}'\n"
        )
    };
    let shared = matches!(wish.tokens, Tokens::Clients).then_some(Warning::PassThrough);
    Setup {
        files,
        in_container: "docker compose up --detach\n".to_owned(),
        on_this_machine: (!is_in_volume).then(started),
        explanation: explanation(wish),
        warnings: wish.models.iter().filter_map(Warning::of).chain(shared).collect(),
    }
}

fn needs_callback(wish: &Wish) -> bool {
    matches!(wish.tokens, Tokens::Delivered(_)) && !wish.version.reads_files()
}

/// Writes lines into a text.
fn lines(write: impl FnOnce(&mut dyn FnMut(Arguments<'_>))) -> String {
    let mut text = String::new();
    write(&mut |line| {
        // A string takes all that is written to it.
        let _ = writeln!(text, "{line}");
    });
    text
}

/// LiteLLM's own configuration. A word in quotes is text in YAML, whatever is in it; none here has a quote in it.
fn config(wish: &Wish) -> String {
    lines(|line| {
        line(format_args!("model_list:"));
        for Model { name, api_base } in &wish.models {
            line(format_args!("  - model_name: \"{name}\""));
            line(format_args!("    litellm_params:\n      model: \"anthropic/{name}\""));
            if let Some(base) = api_base {
                line(format_args!("      api_base: \"{base}\""));
            }
            if let Tokens::Delivered(source) = &wish.tokens {
                let reader = if wish.version.reads_files() { "oidc" } else { "tokenferry" };
                line(format_args!("      api_key: \"{reader}/file/{}/{TOKEN_FILE}\"", source.folder()));
            }
        }
        if needs_callback(wish) {
            let module = CALLBACK.trim_end_matches(".py");
            line(format_args!("litellm_settings:\n  callbacks: {module}.token"));
        }
        line(format_args!("general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY"));
        if matches!(wish.tokens, Tokens::Clients) {
            line(format_args!("  forward_client_headers_to_llm_api: true"));
        }
    })
}

/// Read by compose and by a shell alike, so nothing in it may need quotes.
fn environment(wish: &Wish) -> String {
    lines(|line| {
        line(format_args!("LITELLM_MASTER_KEY={}", wish.key.expose()));
        if let Tokens::Delivered(source) = &wish.tokens
            && wish.version.reads_files()
        {
            line(format_args!("LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS={}", source.folder()));
        }
    })
}

fn compose(wish: &Wish) -> String {
    let image = match &wish.image {
        Some(image) => image.to_string(),
        None => format!("{REPOSITORY}:v{}", wish.version),
    };
    let port = wish.port;
    lines(|line| {
        line(format_args!("services:\n  litellm:\n    image: {}", scalar(&image)));
        // The port is published on the loopback alone.
        line(format_args!(
            "    command: [\"--config\", \"{IN_CONTAINER}/{CONFIG}\", \"--host\", \"0.0.0.0\", \"--port\", \"{port}\"]"
        ));
        line(format_args!("    env_file: {ENVIRONMENT}"));
        line(format_args!("    ports:\n      - \"127.0.0.1:{port}:{port}\""));
        line(format_args!("    restart: unless-stopped"));
        line(format_args!("    volumes:\n      - ./{CONFIG}:{IN_CONTAINER}/{CONFIG}:ro"));
        if needs_callback(wish) {
            line(format_args!("      - ./{CALLBACK}:{IN_CONTAINER}/{CALLBACK}:ro"));
        }
        match &wish.tokens {
            Tokens::Delivered(Source::Folder(folder)) => line(format_args!("      - {folder}:{folder}:ro")),
            Tokens::Delivered(Source::Volume { name, mount }) => {
                line(format_args!("      - claude-token:{mount}:ro"));
                let name = scalar(name.as_str());
                line(format_args!("volumes:\n  claude-token:\n    external: true\n    name: {name}"));
            }
            Tokens::Clients => {}
        }
    })
}

fn explanation(wish: &Wish) -> Vec<String> {
    let mut told = vec![format!(
        "Save the files in a folder of their own, and start it there. {ENVIRONMENT} holds the proxy's own key, so it should be \
         readable for you alone, and in no repository."
    )];
    let mut tell = |sentence: String| told.push(sentence);
    match &wish.tokens {
        Tokens::Delivered(source) => {
            let place = match source {
                Source::Folder(folder) => format!("the folder {folder}"),
                Source::Volume { name, .. } => format!("the volume {name}"),
            };
            tell(format!(
                "`tokenferry run` keeps the token in {place} fresh; `tokenferry sync` puts it there now. In a container the file \
                 has to be readable for LiteLLM's user: --owner UID:GID of `destination add` decides it."
            ));
            if wish.version.reads_files() {
                tell("LiteLLM reads the file for each request, so a renewal needs no restart.".to_owned());
            } else {
                tell(format!(
                    "{CALLBACK} reads the file for each request, so a renewal needs no restart. Tokens are counted by LiteLLM \
                     itself, as {} asks no callback before it asks the API to count them.",
                    wish.version
                ));
            }
            tell(
                "Whoever has the proxy's key uses your sign-in: give it to nobody else. In a client, set ANTHROPIC_BASE_URL or \
                 its like to the proxy's address, and its API key to the proxy's key."
                    .to_owned(),
            );
        }
        Tokens::Clients => tell(
            "A client sends its own token as `Authorization: Bearer …`, and the proxy's key as `x-litellm-api-key: Bearer …`. \
             For Claude Code, set ANTHROPIC_BASE_URL to the proxy's address, and ANTHROPIC_CUSTOM_HEADERS to the second."
                .to_owned(),
        ),
    }
    if wish.image.is_none() {
        tell("Should there be no image of that tag, name another of LiteLLM's with --image.".to_owned());
    }
    told
}

#[cfg(test)]
mod tests;
