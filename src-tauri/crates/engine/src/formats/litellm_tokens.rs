//! `claude_tokens.json`, as the fork of LiteLLM reads it that the older documents describe. Stock LiteLLM doesn't.
//!
//! Its names are the official CLI's, but its end counts in seconds (facts: "The fork that the older documents describe").

use serde_json::json;

use super::json_file::{self, TokenKeys};
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

const TOKENS: TokenKeys = TokenKeys { access: "accessToken", refresh: "refreshToken" };
const ENDS: &str = "expiresAt";
const SCOPES: &str = "scopes";
const IS_MAX: &str = "isMax";

/// The fork's file of tokens.
#[derive(Debug)]
pub struct LitellmTokens;

impl Taker for LitellmTokens {
    fn name(&self) -> &'static str {
        "litellm-tokens"
    }

    fn readers(&self) -> &'static str {
        "LiteLLM's fork for Claude, from its own file"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: "claude_tokens.json", mode: 0o600 }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError> {
        let mut object = json_file::read(existing)?;
        if !replace && TOKENS.is_sign_in(&object) {
            return Err(ComposeError::Foreign);
        }
        object.insert(TOKENS.access.into(), credentials.access_token.expose().into());
        // There has to be one, and with an empty one nothing can be renewed.
        object.insert(TOKENS.refresh.into(), "".into());
        object.insert(ENDS.into(), credentials.access_token_ends.as_second().into());
        object.insert(SCOPES.into(), json!(credentials.scopes));
        object.insert(IS_MAX.into(), (credentials.identity.plan.as_deref() == Some("max")).into());
        json_file::write(&object)
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
        let object = json_file::read(existing)?;
        if !TOKENS.is_ours(&object, ours) {
            return Ok(Change::Keep);
        }
        json_file::without(object, &[TOKENS.access, TOKENS.refresh, ENDS, SCOPES, IS_MAX])
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        TOKENS.token(existing)
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        TOKENS.found(existing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Identity;
    use crate::credentials::samples;

    fn written(credentials: &Credentials) -> String {
        let file = &LitellmTokens.files()[0];
        let Ok(Change::Write(content)) = LitellmTokens.with_token(file, credentials, None, false) else {
            panic!("not written")
        };
        String::from_utf8(content.expose().to_vec()).unwrap().split_whitespace().collect()
    }

    #[test]
    fn it_is_as_the_fork_reads_it() {
        let expected = r#"{"accessToken":"canary-access","refreshToken":"","expiresAt":1767254400,"scopes":["user:inference","user:profile"],"isMax":true}"#;
        assert_eq!(written(&samples::credentials()), expected);
    }

    #[test]
    fn only_the_plan_max_is_max() {
        for plan in [None, Some("pro"), Some("team")] {
            let identity = Identity { plan: plan.map(str::to_owned), ..Identity::default() };
            let credentials = Credentials { identity, ..samples::credentials() };
            assert!(written(&credentials).ends_with(r#""isMax":false}"#), "{plan:?}");
        }
    }

    #[test]
    fn somebody_elses_sign_in_is_not_taken_away() {
        let theirs = br#"{"accessToken":"a","refreshToken":"r","expiresAt":1}"#;
        let file = &LitellmTokens.files()[0];
        let with = |replace| LitellmTokens.with_token(file, &samples::credentials(), Some(theirs), replace);
        assert_eq!(with(false).unwrap_err(), ComposeError::Foreign);
        assert!(matches!(with(true), Ok(Change::Write(_))));
        assert!(matches!(LitellmTokens.without_token(file, Some(theirs), &|_| true), Ok(Change::Keep)));
    }
}
