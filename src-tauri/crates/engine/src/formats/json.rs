//! `tokenferry.json`: everything that may be told, for scripts. Wholly ours, and written anew each time.

use serde_json::json;

use super::json_file::{self, Object, TokenKeys};
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

/// The second is never written; who finds one there finds a sign-in that isn't ours.
const TOKENS: TokenKeys = TokenKeys { access: "access_token", refresh: "refresh_token" };

/// What a script may know.
#[derive(Debug)]
pub struct Json;

impl Taker for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn readers(&self) -> &'static str {
        "scripts of your own"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: "tokenferry.json", mode: 0o600 }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError> {
        let before = json_file::read(existing)?;
        if !replace && TOKENS.is_sign_in(&before) {
            return Err(ComposeError::Foreign);
        }
        json_file::write(&told(credentials))
    }

    fn holds(&self, file: &TakerFile, credentials: &Credentials, existing: &[u8]) -> bool {
        json_file::is_same(&self.with_token(file, credentials, Some(existing), false), existing)
    }

    fn without_token(
        &self,
        _: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        let is_ours = TOKENS.is_ours(&json_file::read(existing)?, ours);
        Ok(if is_ours { Change::Remove } else { Change::Keep })
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        TOKENS.token(existing)
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        TOKENS.found(existing)
    }
}

/// The end is a moment, in seconds since 1970, as `expires_in` would be wrong a second later. What the provider did not
/// tell is null.
fn told(credentials: &Credentials) -> Object {
    let identity = &credentials.identity;
    let told = [
        (TOKENS.access, json!(credentials.access_token.expose())),
        ("expires_at", json!(credentials.ends().map(|ends| ends.as_second()))),
        ("scopes", json!(credentials.scopes)),
        ("account", json!(credentials.account)),
        ("email", json!(identity.email)),
        ("organization", json!(identity.organization)),
        ("plan", json!(identity.plan)),
        ("provider", json!(credentials.provider)),
    ];
    told.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::credentials::samples;

    #[test]
    fn it_tells_what_may_be_told() {
        let file = &Json.files()[0];
        let stale = br#"{"access_token":"old","expires_in":3600,"organization":"gone"}"#;
        for existing in [None, Some(&stale[..])] {
            let Ok(Change::Write(told)) = Json.with_token(file, &samples::credentials(), existing, false) else {
                panic!("not written")
            };
            let told: Value = serde_json::from_slice(told.expose()).unwrap();
            let expected = json!({
                "access_token": "canary-access", "expires_at": 1_767_254_400,
                "scopes": ["user:inference", "user:profile"], "account": "default", "email": "ada@example.com",
                "organization": null, "plan": "max", "provider": "http://localhost:1",
            });
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn somebody_elses_sign_in_is_not_taken_away() {
        let theirs: &[u8] = br#"{"access_token":"a","refresh_token":"r"}"#;
        let file = &Json.files()[0];
        let with = |replace| Json.with_token(file, &samples::credentials(), Some(theirs), replace);
        assert_eq!(with(false).unwrap_err(), ComposeError::Foreign);
        assert!(matches!(with(true), Ok(Change::Write(_))));
        assert!(matches!(Json.without_token(file, Some(theirs), &|_| true), Ok(Change::Keep)));
    }
}
