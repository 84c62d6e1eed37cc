//! A row of the table `LiteLLM_ClaudeOAuthTokens`, as the JSON of its columns. The place that has the database encrypts
//! the token, and stores and reads the columns; here it is plain, and lives in memory only.

use serde_json::json;

use super::json_file::{self, Object, TokenKeys};
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

/// A row in which somebody keeps a refresh token comes with it, under this name.
const TOKENS: TokenKeys = TokenKeys { access: "access_token", refresh: "refresh_token" };

/// A row of the fork's table.
#[derive(Debug)]
pub struct LitellmRow;

impl Taker for LitellmRow {
    fn name(&self) -> &'static str {
        "litellm-row"
    }

    fn readers(&self) -> &'static str {
        "LiteLLM's fork for Claude, from its table in PostgreSQL"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: "row", mode: 0o600 }]
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
        let mut row = Object::new();
        row.insert(TOKENS.access.into(), credentials.access_token.expose().into());
        row.insert("expires_at".into(), credentials.access_token_ends.as_second().into());
        row.insert("scopes".into(), json!(credentials.scopes));
        json_file::write(&row)
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
        // A row is one token's: what is left of it without would be no row.
        Ok(if is_ours { Change::Remove } else { Change::Keep })
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
    use serde_json::Value;

    use super::*;
    use crate::credentials::samples;

    #[test]
    fn it_is_the_columns_and_nothing_else() {
        let file = &LitellmRow.files()[0];
        for existing in [None, Some(&br#"{"access_token":"old","expires_at":1,"scopes":[],"other":1}"#[..])] {
            let Ok(Change::Write(row)) = LitellmRow.with_token(file, &samples::credentials(), existing, false) else {
                panic!("not written")
            };
            let row: Value = serde_json::from_slice(row.expose()).unwrap();
            let expected = json!({
                "access_token": "canary-access", "expires_at": 1_767_254_400, "scopes": ["user:inference", "user:profile"],
            });
            assert_eq!(row, expected);
        }
    }

    #[test]
    fn a_row_is_known_again_however_the_place_lays_it_out() {
        let (file, credentials) = (&LitellmRow.files()[0], samples::credentials());
        let holds = |row: &str| LitellmRow.holds(file, &credentials, row.as_bytes());
        let row =
            r#"{"scopes":["user:inference","user:profile"],"expires_at":1767254400,"access_token":"canary-access"}"#;
        assert!(holds(row));
        assert!(!holds(&row.replace("canary-access", "another")));
        assert!(!holds(&row.replace("1767254400", "1767254400000")));
    }

    #[test]
    fn a_row_with_a_refresh_token_is_somebody_elses() {
        let theirs: &[u8] = br#"{"access_token":"a","refresh_token":"r","expires_at":1,"scopes":[]}"#;
        let file = &LitellmRow.files()[0];
        let with = |replace| LitellmRow.with_token(file, &samples::credentials(), Some(theirs), replace);
        assert_eq!(with(false).unwrap_err(), ComposeError::Foreign);
        assert!(matches!(with(true), Ok(Change::Write(_))));
        assert!(matches!(LitellmRow.without_token(file, Some(theirs), &|_| true), Ok(Change::Keep)));
        assert!(matches!(LitellmRow.found(Some(theirs)), Found::SignIn(_)));
    }
}
