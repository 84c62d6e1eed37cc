//! A header for curl: `curl --header @authorization …`. The file is wholly ours.

use super::{Found, Taker, TakerFile};
use crate::credentials::{Credentials, Fingerprint};
use crate::destinations::{Change, ComposeError};
use crate::secret::{SecretBytes, SecretString};

const BEFORE_THE_TOKEN: &str = "Authorization: Bearer ";

/// A header for curl.
#[derive(Debug)]
pub struct CurlHeader;

impl Taker for CurlHeader {
    fn name(&self) -> &'static str {
        "curl-header"
    }

    fn readers(&self) -> &'static str {
        "curl"
    }

    fn is_official(&self) -> bool {
        false
    }

    fn files(&self) -> &'static [TakerFile] {
        &[TakerFile { path: "authorization", mode: 0o600 }]
    }

    fn with_token(
        &self,
        _: &TakerFile,
        credentials: &Credentials,
        existing: Option<&[u8]>,
        _: bool,
    ) -> Result<Change, ComposeError> {
        read(existing)?;
        let line = format!("{BEFORE_THE_TOKEN}{}\n", credentials.access_token.expose()).into_bytes();
        // What couldn't be read back is not written.
        read(Some(&line))?;
        Ok(Change::Write(SecretBytes::new(line)))
    }

    fn without_token(
        &self,
        _: &TakerFile,
        existing: Option<&[u8]>,
        ours: &dyn Fn(&Fingerprint) -> bool,
    ) -> Result<Change, ComposeError> {
        let is_ours = read(existing)?.is_some_and(|token| ours(&Fingerprint::of(&token)));
        Ok(if is_ours { Change::Remove } else { Change::Keep })
    }

    fn access_token(&self, existing: &[u8]) -> Option<SecretString> {
        read(Some(existing)).ok()?
    }

    fn found(&self, existing: Option<&[u8]>) -> Found {
        match read(existing) {
            Ok(Some(token)) => Found::Token(Fingerprint::of(&token)),
            Ok(None) => Found::Nothing,
            Err(_) => Found::NotUnderstood,
        }
    }
}

/// The token in the file, if there is one.
fn read(existing: Option<&[u8]>) -> Result<Option<SecretString>, ComposeError> {
    let Some(line) = existing.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) else { return Ok(None) };
    let token = line.strip_prefix(BEFORE_THE_TOKEN.as_bytes()).filter(|token| token.iter().all(u8::is_ascii_graphic));
    match token.map(String::from_utf8_lossy) {
        Some(token) => Ok(Some(SecretString::new(token))),
        None => Err(ComposeError::NotUnderstood("it is more than a header, which could be lost".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::samples;

    #[test]
    fn it_is_the_header_that_curl_sends() {
        let file = &CurlHeader.files()[0];
        let with = |existing| CurlHeader.with_token(file, &samples::credentials(), existing, false);
        let Ok(Change::Write(content)) = with(None) else { panic!("not written") };
        assert_eq!(content.expose(), b"Authorization: Bearer canary-access\n");
        with(Some(b"Authorization: Bearer a\nX-Theirs: b\n")).unwrap_err();
    }
}
