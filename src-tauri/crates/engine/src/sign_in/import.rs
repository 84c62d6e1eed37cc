//! Taking a sign-in over from the official CLI's file.
//!
//! A refresh token has one owner: whoever takes it over must renew it at once, and the CLI's copy is dead from then on.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::account::Identity;
use crate::credentials::Fingerprint;
use crate::formats::claude_code::{BELOW_HOME, CREDENTIALS, CREDENTIALS_VARIABLE, FOLDER_VARIABLE};
use crate::secret::SecretString;

/// The official CLI's file of credentials.
#[derive(Clone, Debug)]
pub struct OfficialCli {
    file: PathBuf,
}

/// A sign-in as the official CLI kept it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The access token; it may have ended.
    pub access_token: SecretString,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub access_token_ends: Timestamp,
    /// When the sign-in ends, where the file says so.
    pub sign_in_ends: Option<Timestamp>,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// Who it is, as far as the file tells.
    pub identity: Identity,
}

/// Why nothing was taken over. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No file is there.
    #[error(
        "The official CLI has no sign-in at {0}. If it keeps its files elsewhere, set CLAUDE_CONFIG_DIR, or name the file: `tokenferry import --from FILE`."
    )]
    Missing(PathBuf),
    /// The sign-in is ours since an earlier import: it was renewed then, and to show the provider the used token in the
    /// file would end it. RFC 9700 section 4.14.2.
    #[error(
        "The sign-in in {0} was taken over before, and what is left of it there is of no more use. `tokenferry import --move` removes it."
    )]
    TakenBefore(PathBuf),
    /// A file, but no sign-in with a refresh token in it.
    #[error("There is no sign-in in {0} that could be kept fresh. Sign in with `tokenferry login` instead.")]
    NoSignIn(PathBuf),
    /// The file can't be read or written.
    #[error("{0} can't be used: {1}. Check who owns it, and try again.")]
    Io(PathBuf, #[source] io::Error),
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "claudeAiOauth")]
    sign_in: Option<SignIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    refresh_token: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    expires_at: i64,
    /// Milliseconds since 1970.
    refresh_token_expires_at: Option<i64>,
    #[serde(default)]
    scopes: Vec<String>,
    subscription_type: Option<String>,
    rate_limit_tier: Option<String>,
    account_uuid: Option<String>,
    organization_uuid: Option<String>,
}

/// The key of the sign-in in it; other keys belong to others.
const KEY: &str = "claudeAiOauth";

impl OfficialCli {
    /// The CLI's file where it keeps it itself: below `CLAUDE_SECURESTORAGE_CONFIG_DIR`, else `CLAUDE_CONFIG_DIR`, else
    /// `~/.claude`. `variable` looks an environment variable up.
    pub fn found_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let named = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = named(CREDENTIALS_VARIABLE)
            .or_else(|| named(FOLDER_VARIABLE))
            .or_else(|| named("HOME").or_else(|| named("USERPROFILE")).map(|home| home.join(BELOW_HOME)))?;
        Some(Self { file: folder.join(CREDENTIALS) })
    }

    /// The file at this path.
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Reads the sign-in, and changes nothing.
    ///
    /// # Errors
    /// [`ImportError`]
    pub fn read(&self) -> Result<Imported, ImportError> {
        let content = std::fs::read(&self.file).map_err(|why| self.io(why))?;
        let nothing = || ImportError::NoSignIn(self.file.clone());
        let file: File = serde_json::from_slice(&content).map_err(|_| nothing())?;
        let sign_in = file.sign_in.filter(|it| !it.refresh_token.is_empty()).ok_or_else(nothing)?;
        Ok(Imported {
            access_token: SecretString::new(sign_in.access_token),
            refresh_token: SecretString::new(sign_in.refresh_token),
            access_token_ends: Timestamp::from_millisecond(sign_in.expires_at).unwrap_or(Timestamp::UNIX_EPOCH),
            sign_in_ends: sign_in.refresh_token_expires_at.and_then(|end| Timestamp::from_millisecond(end).ok()),
            scopes: sign_in.scopes,
            identity: Identity {
                account_uuid: sign_in.account_uuid,
                organization_uuid: sign_in.organization_uuid,
                plan: sign_in.subscription_type,
                rate_limit_tier: sign_in.rate_limit_tier,
                ..Identity::default()
            },
        })
    }

    /// Takes the sign-in out of the file and leaves the rest, such as the sign-ins of MCP servers. A file with nothing
    /// else goes.
    ///
    /// # Errors
    /// [`ImportError::Io`]
    pub fn forget(&self) -> Result<(), ImportError> {
        let content = std::fs::read(&self.file).map_err(|why| self.io(why))?;
        let mut fields: Map<String, Value> =
            serde_json::from_slice(&content).map_err(|_| ImportError::NoSignIn(self.file.clone()))?;
        fields.remove(KEY);
        let done = if fields.is_empty() { std::fs::remove_file(&self.file) } else { self.replace(&fields) };
        done.map_err(|why| self.io(why))
    }

    fn replace(&self, fields: &Map<String, Value>) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, fields)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.file)?;
        Ok(())
    }

    fn io(&self, why: io::Error) -> ImportError {
        match why.kind() {
            io::ErrorKind::NotFound => ImportError::Missing(self.file.clone()),
            _ => ImportError::Io(self.file.clone(), why),
        }
    }
}

/// Which sign-ins were taken over, by the fingerprints of the refresh tokens that were in the files.
#[derive(Clone, Debug)]
pub struct TakenOver {
    list: PathBuf,
}

impl TakenOver {
    /// The list in this state folder.
    pub fn of(state: &Path) -> Self {
        Self { list: state.join("taken-over") }
    }

    /// Whether this refresh token was in a file that was taken over.
    ///
    /// # Errors
    /// [`ImportError::Io`], here and below.
    pub fn has(&self, refresh_token: &SecretString) -> Result<bool, ImportError> {
        match std::fs::read_to_string(&self.list) {
            Ok(list) => Ok(list.lines().any(|line| line == Fingerprint::of(refresh_token).0)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(why) => Err(ImportError::Io(self.list.clone(), why)),
        }
    }

    /// Notes that it was taken over.
    pub fn add(&self, refresh_token: &SecretString) -> Result<(), ImportError> {
        let append = std::fs::OpenOptions::new().create(true).append(true).open(&self.list);
        let line = format!("{}\n", Fingerprint::of(refresh_token));
        let added = append.and_then(|mut list| list.write_all(line.as_bytes()));
        added.map_err(|why| ImportError::Io(self.list.clone(), why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"r","expiresAt":1700000000000,
        "scopes":["user:inference"],"subscriptionType":"max"},"mcpOAuth":{"x":1}}"#;

    fn cli(content: &str) -> (tempfile::TempDir, OfficialCli) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(CREDENTIALS);
        std::fs::write(&file, content).unwrap();
        (folder, OfficialCli::at(file))
    }

    #[test]
    fn it_is_looked_for_where_the_cli_keeps_it() {
        let found = |set: &[(&str, &str)]| {
            let set: std::collections::HashMap<_, _> = set.iter().copied().collect();
            OfficialCli::found_by(|name| set.get(name).map(OsString::from)).unwrap().file
        };
        assert_eq!(found(&[("HOME", "/h")]), Path::new("/h/.claude/.credentials.json"));
        assert_eq!(found(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")]), Path::new("/c/.credentials.json"));
        let all = [("CLAUDE_CONFIG_DIR", "/c"), ("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/s")];
        assert_eq!(found(&all), Path::new("/s/.credentials.json"));
    }

    #[test]
    fn milliseconds_are_read_as_such() {
        let (_folder, cli) = cli(WHOLE);
        let imported = cli.read().unwrap();
        assert_eq!(imported.access_token_ends, Timestamp::from_second(1_700_000_000).unwrap());
        assert_eq!(imported.identity.plan.as_deref(), Some("max"));
    }

    #[test]
    fn what_belongs_to_others_stays() {
        let (_folder, cli) = cli(WHOLE);
        cli.forget().unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&std::fs::read(cli.path()).unwrap()).unwrap(),
            serde_json::json!({"mcpOAuth": {"x": 1}})
        );
        assert!(matches!(cli.read(), Err(ImportError::NoSignIn(_))));
    }

    #[test]
    fn what_was_taken_over_is_known_again() {
        let state = tempfile::tempdir().unwrap();
        let taken = TakenOver::of(state.path());
        let (one, two) = (SecretString::new("one"), SecretString::new("two"));
        assert!(!taken.has(&one).unwrap());
        taken.add(&one).unwrap();
        taken.add(&two).unwrap();
        assert!(taken.has(&one).unwrap() && taken.has(&two).unwrap());
        assert!(!taken.has(&SecretString::new("three")).unwrap());
    }

    #[test]
    fn a_file_with_nothing_else_goes() {
        let (_folder, cli) = cli(r#"{"claudeAiOauth":{"refreshToken":"r"}}"#);
        cli.forget().unwrap();
        assert!(matches!(cli.read(), Err(ImportError::Missing(_))));
    }
}
