//! Credentials → files, by taker. Pure: what is there comes in, what shall be there goes out.
//!
//! A new format is a file here and a line in [`ALL`]: see `docs/formats.md`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

pub mod anthropic_profile;
pub mod claude_code;
pub mod dotenv;
mod env_file;
#[cfg(test)]
pub mod example;
pub mod exports;
pub mod json;
mod json_file;
pub mod litellm_row;
pub mod litellm_tokens;
#[cfg(test)]
mod tests;
pub mod token_file;

/// Every format, in the order in which people are told of them.
pub static ALL: &[&dyn Taker] = &[
    &claude_code::ClaudeCode,
    &anthropic_profile::AnthropicProfile,
    &token_file::TokenFile,
    &dotenv::Dotenv::ClaudeCode,
    &dotenv::Dotenv::Litellm,
    &litellm_tokens::LitellmTokens,
    &litellm_row::LitellmRow,
    &json::Json,
];

/// A program, or a family of them, that takes a token from files.
pub trait Taker: fmt::Debug + Send + Sync {
    /// The format's name, in settings and on the command line.
    fn name(&self) -> &'static str;

    /// Who reads it, as a table for people says it.
    fn readers(&self) -> &'static str;

    /// Whether its readers are Anthropic's own: for others a person is asked once.
    fn is_official(&self) -> bool;

    /// Its files. The first is the one that says whose token lies there.
    fn files(&self) -> &'static [TakerFile];

    /// One of its files with this token in it. What others wrote there stays, and a whole sign-in of somebody's, with a
    /// refresh token, is replaced only on request.
    ///
    /// # Errors
    /// [`ComposeError`] where what is there can't be kept.
    fn with_token(
        &self,
        file: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError>;

    /// Whether a file holds just this token already, whoever wrote it.
    fn holds(&self, file: &TakerFile, credentials: &Credentials, existing: &[u8]) -> bool {
        let composed = self.with_token(file, credentials, Some(existing), false);
        matches!(composed, Ok(Change::Keep)) || matches!(composed, Ok(Change::Write(new)) if new.expose() == existing)
    }

    /// One of its files without our token: one that is not `ours` stays, and a file that holds nothing any more goes.
    ///
    /// # Errors
    /// [`ComposeError`] where it is no file of the format's, and so not ours either.
    fn without_token(
        &self,
        file: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError>;

    /// The token or key in the first of its files, as its readers would take it; none where there is none.
    fn access_token(&self, existing: &[u8]) -> Option<SecretString>;

    /// What lies in the first of its files.
    fn found(&self, existing: Option<&[u8]>) -> Found;
}

/// A file of a format's.
#[derive(Debug, PartialEq, Eq)]
pub struct TakerFile {
    /// From the place's top; names joined by `/`.
    pub path: &'static str,
    /// Permission bits.
    pub mode: u32,
}

/// What lies in a file of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No file, or nobody's sign-in in it.
    Nothing,
    /// A sign-in that was blanked, as a CLI does whose renewal was refused.
    Blank,
    /// An access token alone.
    Token(Fingerprint),
    /// A whole sign-in, with a refresh token: somebody signed in there.
    SignIn(Fingerprint),
    /// No file of the format's.
    NotUnderstood,
}

/// One of [`ALL`].
#[derive(Clone, Copy, Debug)]
pub struct Format(&'static dyn Taker);

impl Default for Format {
    fn default() -> Self {
        Self(&claude_code::ClaudeCode)
    }
}

impl Format {
    /// Whether it is the official CLI's own: only there do the CLI's version, locks, variables and preparation matter.
    pub fn is_the_clis(self) -> bool {
        self == Self::default()
    }

    /// The bare token, as whoever asks for it over HTTP gets it.
    pub fn bare() -> Self {
        Self(&token_file::TokenFile)
    }

    /// The one that a row of LiteLLM's table is made of.
    pub fn of_rows() -> Self {
        Self(&litellm_row::LitellmRow)
    }
}

impl std::ops::Deref for Format {
    type Target = dyn Taker;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = ALL.iter().find(|taker| taker.name() == word);
        found.map(|taker| Self(*taker)).ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|taker| taker.name()).collect();
            format!("\"{word}\" is no format that Tokenferry writes. It writes {}.", names.join(", "))
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}
