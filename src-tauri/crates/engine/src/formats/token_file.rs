//! The bare access token, one line of it: what LiteLLM's `oidc/file/…` reads for every request, and scripts.

use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::{SecretBytes, SecretString};

/// The bare token.
#[derive(Debug)]
pub struct TokenFile;

impl Taker for TokenFile {
    fn name(&self) -> &'static str {
        "token-file"
    }

    fn readers(&self) -> &'static str {
        "LiteLLM 1.109 and newer, and whatever reads a token from a file"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: "access_token", mode: 0o600 }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        _: bool,
    ) -> Result<Change, ComposeError> {
        read(existing)?;
        let token = credentials.access_token.expose();
        if !is_token(token.as_bytes()) {
            return Err(ComposeError::NotUnderstood("the token has characters that no such file can hold".to_owned()));
        }
        Ok(Change::Write(SecretBytes::new(token.as_bytes().to_vec())))
    }

    fn without_token(
        &self,
        _: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        let token = read(existing)?;
        Ok(if token.is_some_and(|token| ours(&Fingerprint::of(&token))) { Change::Remove } else { Change::Keep })
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        read(Some(existing)).ok()?
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        match read(existing) {
            Ok(None) => Found::Nothing,
            Ok(Some(token)) => Found::Token(Fingerprint::of(&token)),
            Err(_) => Found::NotUnderstood,
        }
    }
}

/// The token in the file, if there is one.
fn read(existing: Option<&[u8]>) -> Result<Option<SecretString>, ComposeError> {
    match existing.map(<[u8]>::trim_ascii) {
        None | Some([]) => Ok(None),
        Some(token) if is_token(token) => Ok(Some(SecretString::new(String::from_utf8_lossy(token)))),
        Some(_) => Err(ComposeError::NotUnderstood("it is more than a token, which could be lost".to_owned())),
    }
}

/// Visible characters, as RFC 6749 appendix A.12 has them, without the space that readers would cut off.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;

    fn with(existing: Option<&[u8]>) -> Result<Change, ComposeError> {
        TokenFile.with_token(&TokenFile.files()[0], &samples::credentials(), existing, false)
    }

    fn without(existing: &[u8]) -> Result<Change, ComposeError> {
        let ours = samples::credentials().fingerprint();
        TokenFile.without_token(&TokenFile.files()[0], Some(existing), &|token| *token == ours)
    }

    #[test]
    fn it_is_the_token_and_one_end_of_line() {
        for existing in [None, Some(&b""[..]), Some(b"\n"), Some(b"an-older-one\n"), Some(b"without-an-end")] {
            let Ok(Change::Write(content)) = with(existing) else { panic!("not written: {existing:?}") };
            assert_eq!(content.expose(), b"canary-access");
        }
    }

    #[test]
    fn a_token_that_somebody_put_there_by_hand_stays() {
        assert!(matches!(without(b"by-hand\n"), Ok(Change::Keep)));
        assert!(matches!(without(b""), Ok(Change::Keep)));
        assert!(matches!(without(b" canary-access\r\n"), Ok(Change::Remove)));
    }

    #[test]
    fn what_is_more_than_a_token_is_left_alone() {
        for more in [&b"{\"access_token\": \"a\"}"[..], b"one\ntwo\n", b"\xff", b"a\0b"] {
            with(Some(more)).unwrap_err();
            without(more).unwrap_err();
            assert_eq!(TokenFile.found(Some(more)), Found::NotUnderstood);
        }
    }

    #[test]
    fn a_token_of_two_lines_is_not_written() {
        for token in ["", "a\nb", "a b", "ä"] {
            let credentials = Credentials { access_token: SecretString::new(token), ..samples::credentials() };
            TokenFile.with_token(&TokenFile.files()[0], &credentials, None, true).unwrap_err();
        }
    }
}
