//! The files of the official CLI: `.credentials.json` without a refresh token, and `.claude.json` on request.
//!
//! A CLI that finds no refresh token never calls the token endpoint and never writes the file (facts: "A file without a
//! refresh token"). Both files are shared with others: every key that is not ours stays as it is.

use serde_json::{Map, Value, json};

use super::json_file::{read, write};
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::{SecretBytes, SecretString};

/// The file of credentials, in the CLI's folder.
pub const CREDENTIALS: &str = ".credentials.json";
/// The file that says that nothing needs to be asked any more.
pub const ONBOARDING: &str = ".claude.json";
/// That file.
pub const ONBOARDING_FILE: TakerFile = TakerFile { path: ONBOARDING, mode: MODE };
/// The variable that names the folder of the credentials alone.
pub const CREDENTIALS_VARIABLE: &str = "CLAUDE_SECURESTORAGE_CONFIG_DIR";
/// The variable that names the CLI's folder, where the other one is not set.
pub const FOLDER_VARIABLE: &str = "CLAUDE_CONFIG_DIR";
/// The CLI's folder in a home, where neither is set.
pub const BELOW_HOME: &str = ".claude";
/// Only its owner may read it.
pub const MODE: u32 = 0o600;

const KEY: &str = "claudeAiOauth";
const ACCESS_TOKEN: &str = "accessToken";
const REFRESH_TOKEN: &str = "refreshToken";

/// The official CLI's format.
#[derive(Debug)]
pub struct ClaudeCode;

impl Taker for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn readers(&self) -> &'static str {
        "the Claude Code CLI, the Agent SDK"
    }

    fn is_official(&self) -> bool {
        true
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: CREDENTIALS, mode: MODE }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError> {
        with_token(credentials, existing, replace)
    }

    fn holds(&self, _: &TakerFile, credentials: &Credentials, existing: &[u8]) -> bool {
        read(Some(existing)).is_ok_and(|file| file.get(KEY) == Some(&Value::Object(entry(credentials))))
    }

    fn without_token(
        &self,
        _: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        without_token(existing, ours)
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        access_token(existing)
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        found(existing)
    }
}

/// The file with this sign-in's access token in it. A full sign-in of somebody else's is replaced only on request.
///
/// # Errors
/// [`ComposeError`] where the file is not the CLI's, or holds a refresh token and `replace` is not set.
pub fn with_token(credentials: &Credentials, existing: Option<&[u8]>, replace: bool) -> Result<Change, ComposeError> {
    let mut file = read(existing)?;
    if !replace && holds_refresh_token(&file) {
        return Err(ComposeError::Foreign);
    }
    file.insert(KEY.into(), Value::Object(entry(credentials)));
    write(&file)
}

/// A whole sign-in, with its refresh token, for a new owner: the official CLI takes it as its own.
pub fn whole(credentials: &Credentials) -> SecretBytes {
    let mut entry = entry(credentials);
    entry.insert(REFRESH_TOKEN.into(), credentials.refresh_token.expose().into());
    let mut content = json!({ KEY: entry }).to_string().into_bytes();
    content.push(b'\n');
    SecretBytes::new(content)
}

fn entry(credentials: &Credentials) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert(ACCESS_TOKEN.into(), credentials.access_token.expose().into());
    entry.insert("expiresAt".into(), credentials.access_token_ends.as_millisecond().into());
    entry.insert("scopes".into(), credentials.scopes.clone().into());
    if let Some(plan) = &credentials.identity.plan {
        entry.insert("subscriptionType".into(), plan.clone().into());
    }
    if let Some(tier) = &credentials.identity.rate_limit_tier {
        entry.insert("rateLimitTier".into(), tier.clone().into());
    }
    entry
}

/// Says what lies in the file of credentials.
pub fn found(existing: Option<&[u8]>) -> Found {
    let Ok(file) = read(existing) else { return Found::NotUnderstood };
    let Some(entry) = file.get(KEY) else { return Found::Nothing };
    let token = entry.get(ACCESS_TOKEN).and_then(Value::as_str).unwrap_or_default();
    let token = Fingerprint::of(&SecretString::new(token));
    match (holds_refresh_token(&file), holds_access_token(&file)) {
        (true, _) => Found::SignIn(token),
        (false, true) => Found::Token(token),
        (false, false) => Found::Blank,
    }
}

/// The access token in the file, as a CLI would send it. None where there is no such token.
fn access_token(existing: &[u8]) -> Option<SecretString> {
    // Borrowed where that can be, so that no copy is left in memory.
    #[derive(serde::Deserialize)]
    struct Entry<'a> {
        #[serde(borrow, rename = "accessToken")]
        token: std::borrow::Cow<'a, str>,
    }
    #[derive(serde::Deserialize)]
    struct File<'a> {
        #[serde(borrow, rename = "claudeAiOauth")]
        entry: Entry<'a>,
    }
    let file: File<'_> = serde_json::from_slice(existing).ok()?;
    Some(SecretString::new(file.entry.token)).filter(|token| !token.is_empty())
}

/// The file without our token. A file that then holds nothing goes; a token that is not `ours` stays.
///
/// # Errors
/// [`ComposeError`] where the file is not the CLI's: then it is not ours either, and is left alone.
pub fn without_token(existing: Option<&[u8]>, ours: impl Fn(&Fingerprint) -> bool) -> Result<Change, ComposeError> {
    let mut file = read(existing)?;
    let token = file.get(KEY).and_then(|entry| entry.get(ACCESS_TOKEN)).and_then(Value::as_str).unwrap_or_default();
    // What a CLI has blanked holds nobody's token.
    let is_ours = token.is_empty() || ours(&Fingerprint::of(&SecretString::new(token)));
    if !is_ours || holds_refresh_token(&file) || file.remove(KEY).is_none() {
        return Ok(Change::Keep);
    }
    if file.is_empty() { Ok(Change::Remove) } else { write(&file) }
}

/// `.claude.json`, so that an interactive `claude` asks neither for a theme nor for trust. What is there already wins.
///
/// # Errors
/// [`ComposeError`] where the file is not the CLI's.
pub fn onboarded(existing: Option<&[u8]>) -> Result<Change, ComposeError> {
    let before = read(existing)?;
    let mut file = before.clone();
    file.entry("hasCompletedOnboarding").or_insert(json!(true));
    let projects = file.entry("projects").or_insert_with(|| json!({}));
    // `/` covers every folder below it; without `allowedTools` version 1.0.62 crashes.
    if let Some(root) = projects.as_object_mut().map(|it| it.entry("/").or_insert_with(|| json!({})))
        && let Some(root) = root.as_object_mut()
    {
        root.entry("hasTrustDialogAccepted").or_insert(json!(true));
        root.entry("allowedTools").or_insert(json!([]));
    }
    if file == before { Ok(Change::Keep) } else { write(&file) }
}

/// Whether `.claude.json` says that the CLI was set up.
pub fn is_onboarded(existing: Option<&[u8]>) -> bool {
    read(existing).is_ok_and(|file| file.get("hasCompletedOnboarding") == Some(&Value::Bool(true)))
}

fn holds_refresh_token(file: &Map<String, Value>) -> bool {
    holds(file, REFRESH_TOKEN)
}

fn holds_access_token(file: &Map<String, Value>) -> bool {
    holds(file, ACCESS_TOKEN)
}

fn holds(file: &Map<String, Value>, token: &str) -> bool {
    let token = file.get(KEY).and_then(|entry| entry.get(token)).and_then(Value::as_str);
    token.is_some_and(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;

    fn ours(token: &Fingerprint) -> bool {
        *token == samples::credentials().fingerprint()
    }

    fn written(change: Result<Change, ComposeError>) -> Value {
        match change.unwrap() {
            Change::Write(content) => serde_json::from_slice(content.expose()).unwrap(),
            other => panic!("not written: {other:?}"),
        }
    }

    #[test]
    fn what_lies_there_is_told_apart() {
        let token = |text: &str| Fingerprint::of(&SecretString::new(text));
        for (existing, expected) in [
            (&b""[..], Found::Nothing),
            (br#"{"mcpOAuth":{}}"#, Found::Nothing),
            (br#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}}"#, Found::Blank),
            (br#"{"claudeAiOauth":null}"#, Found::Blank),
            (br#"{"claudeAiOauth":{"accessToken":"a"}}"#, Found::Token(token("a"))),
            (br#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}}"#, Found::SignIn(token("a"))),
            (b"{", Found::NotUnderstood),
        ] {
            assert_eq!(found(Some(existing)), expected, "{}", String::from_utf8_lossy(existing));
        }
        assert_eq!(found(None), Found::Nothing);
    }

    #[test]
    fn the_token_is_read_as_it_lies_there() {
        let credentials = samples::credentials();
        let Change::Write(content) = with_token(&credentials, None, false).unwrap() else { panic!("not written") };
        assert_eq!(access_token(content.expose()), Some(credentials.access_token));
        let escaped = br#"{"mcpOAuth":{},"claudeAiOauth":{"accessToken":"a\u002db","refreshToken":"r"}}"#;
        assert_eq!(access_token(escaped), Some(SecretString::new("a-b")));
        for none in [&b""[..], b"{}", b"[]", br#"{"claudeAiOauth":null}"#, br#"{"claudeAiOauth":{"accessToken":""}}"#] {
            assert_eq!(access_token(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn a_container_gets_the_access_token_alone() {
        let credentials = samples::credentials();
        let file = written(with_token(&credentials, None, false));
        let entry = &file["claudeAiOauth"];
        assert_eq!(entry["accessToken"], credentials.access_token.expose());
        assert_eq!(entry["expiresAt"], credentials.access_token_ends.as_millisecond());
        assert_eq!(entry["scopes"][0], "user:inference");
        assert!(!file.to_string().contains(credentials.refresh_token.expose()));
    }

    #[test]
    fn what_holds_the_token_already_is_known() {
        let credentials = samples::credentials();
        let holds = |existing: &[u8]| ClaudeCode.holds(&ClaudeCode.files()[0], &credentials, existing);
        let Change::Write(ours) = with_token(&credentials, None, false).unwrap() else { panic!("not written") };
        // As the CLI writes it when somebody signs in to an MCP server.
        let mut file: Value = serde_json::from_slice(ours.expose()).unwrap();
        file["mcpOAuth"] = json!({});
        assert!(holds(&serde_json::to_vec(&file).unwrap()));
        file["claudeAiOauth"]["expiresAt"] = json!(0);
        assert!(!holds(&serde_json::to_vec(&file).unwrap()));
        assert!(!holds(b""));
    }

    #[test]
    fn the_sign_ins_of_mcp_servers_stay() {
        let existing = br#"{"mcpOAuth":{"server":{"token":"theirs"}},"claudeAiOauth":{"accessToken":"old"}}"#;
        let file = written(with_token(&samples::credentials(), Some(existing), false));
        assert_eq!(file["mcpOAuth"]["server"]["token"], "theirs");
        let left = written(without_token(Some(&serde_json::to_vec(&file).unwrap()), ours));
        assert_eq!(left, json!({"mcpOAuth": {"server": {"token": "theirs"}}}));
    }

    #[test]
    fn somebody_elses_sign_in_is_not_taken_away() {
        let existing: &[u8] = br#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"r"}}"#;
        assert_eq!(with_token(&samples::credentials(), Some(existing), false).unwrap_err(), ComposeError::Foreign);
        assert!(matches!(without_token(Some(existing), |_| true).unwrap(), Change::Keep));
        let file = written(with_token(&samples::credentials(), Some(existing), true));
        assert_eq!(file["claudeAiOauth"].get("refreshToken"), None);
    }

    #[test]
    fn a_token_that_somebody_put_there_by_hand_stays() {
        let existing: &[u8] = br#"{"claudeAiOauth":{"accessToken":"by hand"}}"#;
        assert!(matches!(without_token(Some(existing), ours).unwrap(), Change::Keep));
    }

    #[test]
    fn what_the_cli_blanked_is_filled_again() {
        let blanked: &[u8] = br#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}}"#;
        for existing in [blanked, b"", b" \n"] {
            written(with_token(&samples::credentials(), Some(existing), false));
        }
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for broken in [&b"{\"claudeAiOauth\":"[..], b"[]", b"\xff"] {
            with_token(&samples::credentials(), Some(broken), false).unwrap_err();
            without_token(Some(broken), |_| true).unwrap_err();
            onboarded(Some(broken)).unwrap_err();
        }
    }

    #[test]
    fn nothing_of_ours_leaves_nothing() {
        let written = with_token(&samples::credentials(), None, false).unwrap();
        let Change::Write(content) = written else { panic!("not written") };
        assert!(matches!(without_token(Some(content.expose()), ours).unwrap(), Change::Remove));
        assert!(matches!(without_token(None, ours).unwrap(), Change::Keep));
    }

    #[test]
    fn onboarding_never_overwrites() {
        let existing = br#"{"hasCompletedOnboarding":false,"theme":"light","projects":{"/work":{"x":1}}}"#;
        let file = written(onboarded(Some(existing)));
        assert_eq!(file["hasCompletedOnboarding"], false);
        assert_eq!(file["theme"], "light");
        assert_eq!(file["projects"]["/work"]["x"], 1);
        assert_eq!(file["projects"]["/"]["hasTrustDialogAccepted"], true);
        let again = serde_json::to_vec(&file).unwrap();
        assert!(matches!(onboarded(Some(&again)).unwrap(), Change::Keep));
        let fresh = written(onboarded(None));
        assert_eq!(fresh["projects"]["/"]["allowedTools"], json!([]));
    }
}
