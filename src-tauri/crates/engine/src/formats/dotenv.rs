//! `.env`, with the token under the names that a taker asks for. What else is in the file stays, byte for byte.

use super::env_file::EnvFile;
use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint, Kind};
use crate::destinations::{Change, ComposeError};
use crate::secret::SecretString;

/// A variable of an environment, which may hold a secret.
#[derive(Debug)]
pub struct Variable {
    /// Its name. All are Tokenferry's own words, so that none can break out of a line.
    pub name: &'static str,
    /// Its value.
    pub value: SecretString,
}

/// Whose names the variables have.
#[derive(Debug)]
pub enum Dotenv {
    /// Those of Claude Code and the Agent SDK.
    ClaudeCode,
    /// Those of the fork of LiteLLM that the older documents describe.
    Litellm,
}

const OAUTH_TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
const API_KEY: &str = "ANTHROPIC_API_KEY";
const LITELLM_ACCESS_TOKEN: &str = "CLAUDE_ACCESS_TOKEN";
const LITELLM_REFRESH_TOKEN: &str = "CLAUDE_REFRESH_TOKEN";
const LITELLM_ENDS: &str = "CLAUDE_EXPIRES_AT";

impl Dotenv {
    /// What this sign-in gives: the access token, and what belongs to it. A refresh token is named where its reader
    /// expects one, and left empty; ends are in seconds since 1970.
    pub fn variables(&self, credentials: &Credentials) -> Vec<Variable> {
        let is_key = credentials.kind == Kind::ApiKey;
        let name = if is_key { API_KEY } else { self.access_token() };
        let token = Variable { name, value: credentials.access_token.clone() };
        match self {
            Self::Litellm if !is_key => {
                let ends = credentials.access_token_ends.as_second().to_string();
                vec![
                    token,
                    Variable { name: LITELLM_REFRESH_TOKEN, value: SecretString::new("") },
                    Variable { name: LITELLM_ENDS, value: SecretString::new(ends) },
                ]
            }
            _ => vec![token],
        }
    }

    fn access_token(&self) -> &'static str {
        match self {
            Self::ClaudeCode => OAUTH_TOKEN,
            Self::Litellm => LITELLM_ACCESS_TOKEN,
        }
    }

    /// The variables that may hold a token of ours.
    fn tokens(&self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[OAUTH_TOKEN, API_KEY],
            Self::Litellm => &[LITELLM_ACCESS_TOKEN, API_KEY],
        }
    }

    /// The token that is defined, which may be empty. Of several definitions, nearly every reader takes the last.
    fn token(&self, file: &EnvFile<'_>) -> Option<SecretString> {
        self.tokens().iter().find_map(|name| file.values(name).last())
    }

    /// The variables that go with the token.
    fn beside_it(&self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[],
            Self::Litellm => &[LITELLM_REFRESH_TOKEN, LITELLM_ENDS],
        }
    }

    fn is_sign_in(&self, file: &EnvFile<'_>) -> bool {
        match self {
            Self::ClaudeCode => false,
            Self::Litellm => file.values(LITELLM_REFRESH_TOKEN).any(|token| !token.is_empty()),
        }
    }
}

impl Taker for Dotenv {
    fn name(&self) -> &'static str {
        match self {
            Self::ClaudeCode => "dotenv",
            Self::Litellm => "dotenv-litellm",
        }
    }

    fn readers(&self) -> &'static str {
        match self {
            Self::ClaudeCode => "programs that are started with a .env file, such as the Agent SDK's",
            Self::Litellm => "LiteLLM's fork for Claude, started with a .env file",
        }
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: ".env", mode: 0o600 }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        replace: bool,
    ) -> Result<Change, ComposeError> {
        let file = EnvFile::read(existing)?;
        if !replace && self.is_sign_in(&file) {
            return Err(ComposeError::Foreign);
        }
        file.with(&self.variables(credentials))
    }

    fn without_token(
        &self,
        _: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        let file = EnvFile::read(existing)?;
        let is_ours = |token: &SecretString| !token.is_empty() && ours(&Fingerprint::of(token));
        // Empty ones may be somebody's template, and hold nothing.
        let tokens = || self.tokens().iter().flat_map(|name| file.values(name));
        if self.is_sign_in(&file) || !tokens().any(|token| is_ours(&token)) {
            return Ok(Change::Keep);
        }
        let all_are_ours = file.values(self.access_token()).all(|token| is_ours(&token));
        Ok(file.without(|name, value| {
            if self.tokens().contains(&name) {
                is_ours(value)
            } else {
                all_are_ours && self.beside_it().contains(&name)
            }
        }))
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        self.token(&EnvFile::read(Some(existing)).ok()?).filter(|token| !token.is_empty())
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        let Ok(file) = EnvFile::read(existing) else { return Found::NotUnderstood };
        match self.token(&file) {
            token if self.is_sign_in(&file) => Found::SignIn(Fingerprint::of(&token.unwrap_or(SecretString::new("")))),
            None => Found::Nothing,
            Some(token) if token.is_empty() => Found::Blank,
            Some(token) => Found::Token(Fingerprint::of(&token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;

    fn text(change: Result<Change, ComposeError>) -> String {
        match change.unwrap() {
            Change::Write(content) => String::from_utf8(content.expose().to_vec()).unwrap(),
            other => panic!("not written: {other:?}"),
        }
    }

    fn with(taker: &Dotenv, existing: &str, replace: bool) -> Result<Change, ComposeError> {
        taker.with_token(&taker.files()[0], &samples::credentials(), Some(existing.as_bytes()), replace)
    }

    fn without(taker: &Dotenv, existing: &str) -> Change {
        let ours = samples::credentials().fingerprint();
        taker.without_token(&taker.files()[0], Some(existing.as_bytes()), &|token| *token == ours).unwrap()
    }

    #[test]
    fn each_taker_has_its_own_names() {
        assert_eq!(text(with(&Dotenv::ClaudeCode, "", false)), "CLAUDE_CODE_OAUTH_TOKEN=canary-access\n");
        assert_eq!(
            text(with(&Dotenv::Litellm, "", false)),
            "CLAUDE_ACCESS_TOKEN=canary-access\nCLAUDE_REFRESH_TOKEN=\nCLAUDE_EXPIRES_AT=1767254400\n"
        );
    }

    #[test]
    fn what_others_wrote_stays_byte_for_byte() {
        let theirs = "# of the project\r\nexport A='b # c'\r\n\r\nCLAUDE_CODE_OAUTH_TOKEN=\"old\" # x\r\nB = 2";
        let new = theirs.replace("\"old\"", "canary-access");
        assert_eq!(text(with(&Dotenv::ClaudeCode, theirs, false)), new);
        let left = "# of the project\r\nexport A='b # c'\r\n\r\nB = 2";
        assert_eq!(text(Ok(without(&Dotenv::ClaudeCode, &new))), left);
        let both = text(with(&Dotenv::Litellm, &new, false));
        assert!(both.starts_with(&new));
        assert_eq!(text(Ok(without(&Dotenv::Litellm, &both))), new);
    }

    #[test]
    fn only_our_token_goes() {
        for kept in [
            "",
            "A=1",
            "CLAUDE_ACCESS_TOKEN=",
            "CLAUDE_ACCESS_TOKEN=theirs\nCLAUDE_REFRESH_TOKEN=\n",
            "CLAUDE_ACCESS_TOKEN=canary-access\nCLAUDE_REFRESH_TOKEN=r\n",
        ] {
            assert!(matches!(without(&Dotenv::Litellm, kept), Change::Keep), "{kept}");
        }
        let twice = "CLAUDE_ACCESS_TOKEN=canary-access\nCLAUDE_ACCESS_TOKEN=theirs\nCLAUDE_EXPIRES_AT=1\n";
        assert_eq!(text(Ok(without(&Dotenv::Litellm, twice))), "CLAUDE_ACCESS_TOKEN=theirs\nCLAUDE_EXPIRES_AT=1\n",);
    }

    #[test]
    fn somebody_elses_sign_in_is_replaced_only_on_request() {
        let theirs = "CLAUDE_ACCESS_TOKEN=a\nCLAUDE_REFRESH_TOKEN='r'\n";
        assert_eq!(with(&Dotenv::Litellm, theirs, false).unwrap_err(), ComposeError::Foreign);
        assert_eq!(
            text(with(&Dotenv::Litellm, theirs, true)),
            "CLAUDE_ACCESS_TOKEN=canary-access\nCLAUDE_REFRESH_TOKEN=\nCLAUDE_EXPIRES_AT=1767254400\n"
        );
    }

    #[test]
    fn what_lies_there_is_told_apart() {
        let token = |text: &str| Fingerprint::of(&SecretString::new(text));
        for (existing, expected) in [
            ("A=1", Found::Nothing),
            ("CLAUDE_ACCESS_TOKEN=", Found::Blank),
            ("CLAUDE_ACCESS_TOKEN=a\nCLAUDE_ACCESS_TOKEN='b'", Found::Token(token("b"))),
            ("CLAUDE_ACCESS_TOKEN=a\nCLAUDE_REFRESH_TOKEN=r", Found::SignIn(token("a"))),
            ("\0", Found::NotUnderstood),
        ] {
            assert_eq!(Dotenv::Litellm.found(Some(existing.as_bytes())), expected, "{existing}");
        }
    }
}
