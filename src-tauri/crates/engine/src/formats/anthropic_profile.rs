//! The profile of the Anthropic SDKs, for tokens that somebody else renews: `configs/` and `credentials/`, in their folder.
//!
//! Without a `client_id` in the one and a refresh token in the other, an SDK renews nothing and reads the credentials anew
//! (facts: "Anthropic SDKs: profiles"). Both files are shared with others: every key that is not ours stays as it is.

use serde_json::{Value, json};

use super::json_file::{self, Object, TokenKeys};
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

const CREDENTIALS: TakerFile = TakerFile { path: "credentials/default.json", mode: 0o600 };
/// No secret is in it, and an SDK of another user may read it; it is refused where others may write to it.
const CONFIG: TakerFile = TakerFile { path: "configs/default.json", mode: 0o644 };

const TOKENS: TokenKeys = TokenKeys { access: "access_token", refresh: "refresh_token" };
const ENDS: &str = "expires_at";
const TYPE: &str = "type";
const VERSION: &str = "version";
const AUTHENTICATION: &str = "authentication";

const FORMAT_VERSION: &str = "1.0";
const CREDENTIALS_TYPE: &str = "oauth_token";
const AUTHENTICATION_TYPE: &str = "user_oauth";

/// What would have an SDK renew by itself, or read another file of credentials than ours.
const IN_THE_WAY: [&str; 2] = ["client_id", "credentials_path"];

/// The SDKs' profile named `default`.
#[derive(Debug)]
pub struct AnthropicProfile;

impl Taker for AnthropicProfile {
    fn name(&self) -> &'static str {
        "anthropic-profile"
    }

    fn readers(&self) -> &'static str {
        "the Anthropic SDKs for Python and TypeScript"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[CREDENTIALS, CONFIG]
    }

    fn with_token(
        &self,
        file: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError> {
        let object = json_file::read(existing)?;
        if *file == CONFIG { config(object, replace) } else { token(object, credentials, replace) }
    }

    fn holds(&self, file: &TakerFile, credentials: &Credentials, existing: &[u8]) -> bool {
        json_file::is_same(&self.with_token(file, credentials, Some(existing), false), existing)
    }

    fn without_token(
        &self,
        file: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        let object = json_file::read(existing)?;
        if *file == CONFIG {
            // It holds no token that would tell whose it is: only what is just as we write it is taken for ours.
            return Ok(if object == our_config() { Change::Remove } else { Change::Keep });
        }
        if !TOKENS.is_ours(&object, ours) {
            return Ok(Change::Keep);
        }
        json_file::without(object, &[VERSION, TYPE, TOKENS.access, ENDS])
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        TOKENS.token(existing)
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        TOKENS.found(existing)
    }
}

fn token(mut object: Object, credentials: &Credentials, replace: bool) -> Result<Change, ComposeError> {
    if !replace && TOKENS.is_sign_in(&object) {
        return Err(ComposeError::Foreign);
    }
    object.shift_remove(TOKENS.refresh);
    object.insert(VERSION.into(), FORMAT_VERSION.into());
    object.insert(TYPE.into(), CREDENTIALS_TYPE.into());
    object.insert(TOKENS.access.into(), credentials.access_token.expose().into());
    // Without it, or in another unit, an SDK does not notice that the file was replaced.
    object.insert(ENDS.into(), credentials.access_token_ends.as_second().into());
    json_file::write(&object)
}

fn config(mut object: Object, replace: bool) -> Result<Change, ComposeError> {
    if !replace && let Some(why) = somebody_elses(&object) {
        return Err(ComposeError::NotUnderstood(why.to_owned()));
    }
    object.insert(VERSION.into(), FORMAT_VERSION.into());
    let authentication = object.entry(AUTHENTICATION).or_insert(Value::Null);
    match authentication.as_object_mut() {
        Some(authentication) => {
            authentication.retain(|key, _| !IN_THE_WAY.contains(&key.as_str()));
            authentication.insert(TYPE.into(), AUTHENTICATION_TYPE.into());
        }
        None => *authentication = json!({ TYPE: AUTHENTICATION_TYPE }),
    }
    json_file::write(&object)
}

fn our_config() -> Object {
    let authentication = json!({ TYPE: AUTHENTICATION_TYPE });
    Object::from_iter([(VERSION.to_owned(), FORMAT_VERSION.into()), (AUTHENTICATION.to_owned(), authentication)])
}

/// Why a config is somebody else's. Nothing that it holds is quoted.
fn somebody_elses(object: &Object) -> Option<&'static str> {
    let is_other = |value: Option<&Value>, ours: &str| value.is_some_and(|value| !is_unset(value) && *value != *ours);
    if is_other(object.get(VERSION), FORMAT_VERSION) {
        return Some("it is of another version than 1.0");
    }
    let authentication = object.get(AUTHENTICATION).filter(|value| !is_unset(value))?;
    let Some(authentication) = authentication.as_object() else { return Some("its authentication is no JSON object") };
    if is_other(authentication.get(TYPE), AUTHENTICATION_TYPE) {
        return Some("it has another way of signing in than user_oauth");
    }
    let is_set = |key: &str| authentication.get(key).is_some_and(|value| !is_unset(value));
    match IN_THE_WAY.into_iter().find(|key| is_set(key))? {
        "client_id" => Some("it has a client_id, with which the SDK would renew a sign-in of its own"),
        _ => Some("it names another file of credentials, so the token would not be read"),
    }
}

/// What an SDK takes for absent.
fn is_unset(value: &Value) -> bool {
    value.is_null() || value == ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;

    fn with(file: &TakerFile, existing: Option<&str>, replace: bool) -> Result<Value, ComposeError> {
        let existing = existing.map(str::as_bytes);
        match AnthropicProfile.with_token(file, &samples::credentials(), existing, replace)? {
            Change::Write(content) => Ok(serde_json::from_slice(content.expose()).unwrap()),
            other => panic!("not written: {other:?}"),
        }
    }

    fn without(file: &TakerFile, existing: &str) -> Change {
        let ours = samples::credentials().fingerprint();
        AnthropicProfile.without_token(file, Some(existing.as_bytes()), &|token| *token == ours).unwrap()
    }

    #[test]
    fn the_files_are_as_the_sdks_read_them() {
        let credentials = with(&CREDENTIALS, None, false).unwrap();
        let expected =
            r#"{"version":"1.0","type":"oauth_token","access_token":"canary-access","expires_at":1767254400}"#;
        assert_eq!(credentials.to_string(), expected);
        let config = with(&CONFIG, None, false).unwrap();
        assert_eq!(config.to_string(), r#"{"version":"1.0","authentication":{"type":"user_oauth"}}"#);
    }

    #[test]
    fn what_others_wrote_stays() {
        let theirs = r#"{"base_url":"https://x","authentication":{"note":1,"client_id":""},"workspace_id":"w"}"#;
        let config = with(&CONFIG, Some(theirs), false).unwrap();
        let expected = json!({
            "base_url": "https://x", "authentication": {"note": 1, "type": "user_oauth"}, "workspace_id": "w",
            "version": "1.0",
        });
        assert_eq!(config, expected);
        assert!(matches!(without(&CONFIG, &config.to_string()), Change::Keep));
        let credentials = with(&CREDENTIALS, Some(r#"{"note":1,"access_token":"old"}"#), false).unwrap();
        assert_eq!(credentials["note"], 1);
        let Change::Write(left) = without(&CREDENTIALS, &credentials.to_string()) else { panic!("not written") };
        assert_eq!(left.expose(), b"{\n  \"note\": 1\n}\n");
    }

    #[test]
    fn a_config_of_somebody_elses_is_replaced_only_on_request() {
        for (theirs, why) in [
            (r#"{"authentication":{"type":"user_oauth","client_id":"c"}}"#, "client_id"),
            (r#"{"authentication":{"type":"oidc_federation"}}"#, "way of signing in"),
            (r#"{"authentication":{"type":"user_oauth","credentials_path":"/x"}}"#, "another file"),
            (r#"{"authentication":"canary"}"#, "no JSON object"),
            (r#"{"version":"2.0"}"#, "another version"),
            (r#"{"version":2}"#, "another version"),
        ] {
            let Err(ComposeError::NotUnderstood(told)) = with(&CONFIG, Some(theirs), false) else {
                panic!("taken: {theirs}")
            };
            assert!(told.contains(why), "{told}");
            let replaced = with(&CONFIG, Some(theirs), true).unwrap();
            assert_eq!(Value::Object(our_config()), replaced);
            assert!(matches!(without(&CONFIG, theirs), Change::Keep));
        }
    }

    #[test]
    fn somebody_elses_sign_in_is_not_taken_away() {
        let theirs = r#"{"version":"1.0","type":"oauth_token","access_token":"a","refresh_token":"r"}"#;
        assert_eq!(with(&CREDENTIALS, Some(theirs), false).unwrap_err(), ComposeError::Foreign);
        assert_eq!(with(&CREDENTIALS, Some(theirs), true).unwrap().get(TOKENS.refresh), None);
        assert!(matches!(without(&CREDENTIALS, theirs), Change::Keep));
        assert!(matches!(without(&CREDENTIALS, r#"{"access_token":"by hand"}"#), Change::Keep));
    }

    #[test]
    fn a_config_that_would_do_is_known() {
        let holds = |config: &str| AnthropicProfile.holds(&CONFIG, &samples::credentials(), config.as_bytes());
        assert!(holds(r#"{"authentication":{"type":"user_oauth"},"version":"1.0","base_url":"https://x"}"#));
        assert!(!holds(r#"{"authentication":{"type":"user_oauth"}}"#));
        assert!(!holds(r#"{"version":"1.0","authentication":{"type":"user_oauth","client_id":"c"}}"#));
    }
}
