//! Makes the random part of tokens, codes and ids. Nothing here can be guessed, though nothing here is worth it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Begins every access token.
pub(crate) const ACCESS_TOKEN: &str = "sk-ant-oat01-practice-";
/// Begins every refresh token.
pub(crate) const REFRESH_TOKEN: &str = "sk-ant-ort01-practice-";
/// Begins every API key.
pub(crate) const API_KEY: &str = "sk-ant-api03-practice-";
/// Begins every authorization code.
pub(crate) const CODE: &str = "practice-code-";

/// `prefix`, then 256 random bits in 43 characters of base64url.
pub(crate) fn mint(prefix: &str) -> Result<String, getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}
