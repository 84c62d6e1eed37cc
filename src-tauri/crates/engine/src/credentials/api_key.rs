//! An API key as somebody gives it: looked at before anything is kept, and told apart from what looks like one.

use crate::secret::SecretString;

/// How every API key begins; a number for its make follows.
const BEGINS: &str = "sk-ant-api";
/// A real key is about 100 characters long. What is far shorter was cut off on its way.
const SHORTEST: usize = 24;
/// What is longer is no key.
const LONGEST: usize = 512;

/// A key that looks like one. Whether the provider takes it is another matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey(SecretString);

/// Why a text is no API key. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnApiKey {
    /// There is nothing.
    #[error("There is no API key.")]
    Nothing,
    /// An access token of a sign-in, or a one-year token.
    #[error("This is an OAuth token, not an API key.")]
    OAuthToken,
    /// A refresh token.
    #[error("This is the refresh token of a sign-in, not an API key.")]
    RefreshToken,
    /// A key for administering an organization, which the API takes for no message.
    #[error("This is an admin key, which answers no prompt.")]
    AdminKey,
    /// Something else, or a part of a key.
    #[error("This is no API key: one begins with sk-ant-api, and has letters, digits, - and _ alone.")]
    Unknown,
}

impl NotAnApiKey {
    /// The stable word for it in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "no_api_key",
            Self::OAuthToken | Self::RefreshToken => "oauth_token",
            Self::AdminKey => "admin_key",
            Self::Unknown => "bad_api_key",
        }
    }

    /// What to do, in a sentence.
    pub fn fix(self) -> &'static str {
        match self {
            Self::OAuthToken => {
                "Get a token of your own with `tokenferry login`, or one for a year with `tokenferry login --one-year`."
            }
            Self::RefreshToken => {
                "Sign in with `tokenferry login`, or take the official CLI's sign-in over with `tokenferry import`."
            }
            Self::Nothing | Self::AdminKey | Self::Unknown => {
                "Copy a key from the API keys of the Claude Console, and give it at the prompt or on standard input."
            }
        }
    }
}

impl ApiKey {
    /// The key in a text; white space around it is left out.
    ///
    /// # Errors
    /// [`NotAnApiKey`], by what the text looks like.
    pub fn parse(text: &SecretString) -> Result<Self, NotAnApiKey> {
        let text = text.expose().trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if text.is_empty() {
            Err(NotAnApiKey::Nothing)
        } else if text.starts_with("sk-ant-oat") {
            Err(NotAnApiKey::OAuthToken)
        } else if text.starts_with("sk-ant-ort") {
            Err(NotAnApiKey::RefreshToken)
        } else if text.starts_with("sk-ant-admin") {
            Err(NotAnApiKey::AdminKey)
        } else if text.starts_with(BEGINS) && (SHORTEST..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(SecretString::new(text)))
        } else {
            Err(NotAnApiKey::Unknown)
        }
    }

    /// The key itself.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_what_is_none() {
        let parse = |text: &str| ApiKey::parse(&SecretString::new(text)).map(|key| key.secret().expose().to_owned());
        let good = "sk-ant-api03-canary_Key-0123456789";
        assert_eq!(parse(&format!("  {good}\r\n")), Ok(good.to_owned()));
        for (bad, why) in [
            ("", NotAnApiKey::Nothing),
            (" \n", NotAnApiKey::Nothing),
            ("sk-ant-oat01-canary-0123456789", NotAnApiKey::OAuthToken),
            ("sk-ant-ort01-canary-0123456789", NotAnApiKey::RefreshToken),
            ("sk-ant-admin01-canary-0123456789", NotAnApiKey::AdminKey),
            ("sk-ant-api03-", NotAnApiKey::Unknown),
            ("sk-ant-api03-two keys 0123456789", NotAnApiKey::Unknown),
            ("sk-ant-api03-canary-0123456789\nsk-ant-api03-canary", NotAnApiKey::Unknown),
            ("sk-proj-0123456789012345678901234", NotAnApiKey::Unknown),
            (&format!("sk-ant-api03-{}", "x".repeat(LONGEST)), NotAnApiKey::Unknown),
        ] {
            assert_eq!(parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn nothing_of_a_text_is_in_its_refusal() {
        let refused = ApiKey::parse(&SecretString::new("sk-ant-oat01-canary")).unwrap_err();
        assert!(!format!("{refused} {refused:?} {}", refused.fix()).contains("canary"));
        let key = ApiKey::parse(&SecretString::new("sk-ant-api03-canary-0123456789")).unwrap();
        assert!(!format!("{key:?}").contains("canary"));
    }
}
