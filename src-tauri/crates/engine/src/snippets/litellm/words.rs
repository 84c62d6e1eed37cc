//! What a person says of their LiteLLM, and the key of its own.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;

use crate::secret::SecretString;
use crate::words::{BadWord, word};

word!(
    /// A model of Anthropic's, which LiteLLM offers under the same name.
    ModelName,
    |word| {
        word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-@".contains(c))
    },
    "a model. Give it as Anthropic names it, such as claude-opus-5-5."
);

/// LiteLLM's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The first that reads a file for each request.
    const READS_FILES: Self = Self { major: 1, minor: 109, patch: 0 };

    /// Whether it reads a token's file for each request, by itself.
    #[must_use]
    pub fn reads_files(self) -> bool {
        self >= Self::READS_FILES
    }
}

impl FromStr for Version {
    type Err = BadWord;

    /// Reads `1.109.1` as `litellm --version` prints it, or an image's tag such as `v1.109.1-stable`.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let bad = || BadWord {
            word: word.to_owned(),
            what: "a version of LiteLLM. Give it as `litellm --version` prints it, such as 1.109.1.".to_owned(),
        };
        let plain = word.strip_prefix('v').unwrap_or(word).split(['-', '+']).next().unwrap_or_default();
        let numbers: Result<Vec<u32>, _> = plain.split('.').map(str::parse).collect();
        match numbers.map_err(|_| bad())?.as_slice() {
            [major, minor] => Ok(Self { major: *major, minor: *minor, patch: 0 }),
            [major, minor, patch] => Ok(Self { major: *major, minor: *minor, patch: *patch }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A model that LiteLLM shall offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: ModelName,
    /// Where its requests go, where that is not Anthropic's own API.
    pub api_base: Option<Url>,
}

impl Model {
    /// Whose machine gets its token; None for Anthropic's own.
    pub(super) fn stranger(&self) -> Option<&str> {
        let base = self.api_base.as_ref()?;
        let host = base.host_str().unwrap_or_default();
        let is_anthropic = base.scheme() == "https" && (host == "anthropic.com" || host.ends_with(".anthropic.com"));
        (!is_anthropic).then_some(host)
    }
}

impl FromStr for Model {
    type Err = BadWord;

    /// Reads `claude-opus-5-5`, or `claude-opus-5-5=https://gateway.example` with an `api_base`.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let Some((name, base)) = word.split_once('=') else {
            return Ok(Self { name: word.parse()?, api_base: None });
        };
        let base = Url::parse(base).ok().filter(|base| matches!(base.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| BadWord {
            word: word.to_owned(),
            what: "a model with its api_base. Give them as NAME=https://….".to_owned(),
        })?;
        Ok(Self { name: name.parse()?, api_base: Some(base) })
    }
}

/// The key with which a client may use the proxy. It can only be made by chance: LiteLLM's documents all show `sk-1234`,
/// which everybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKey(SecretString);

impl MasterKey {
    /// One of 256 random bits.
    #[must_use]
    pub fn of(random: &[u8; 32]) -> Self {
        // LiteLLM takes no key that begins otherwise.
        Self(SecretString::new(format!("sk-{}", BASE64_URL_SAFE_NO_PAD.encode(random))))
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written() {
        for (word, reads_files) in [
            ("1.109.1", true),
            ("v1.109.0-stable", true),
            ("1.109", true),
            ("2.0.0", true),
            ("1.106.2", false),
            ("v1.80.11-stable.1", false),
            ("0.200.0", false),
        ] {
            assert_eq!(word.parse::<Version>().unwrap().reads_files(), reads_files, "{word}");
        }
        for bad in ["", "latest", "1", "1.2.3.4", "1.x"] {
            bad.parse::<Version>().unwrap_err();
        }
    }

    #[test]
    fn only_anthropic_is_no_stranger() {
        let stranger = |word: &str| word.parse::<Model>().unwrap().stranger().map(str::to_owned);
        assert_eq!(stranger("claude-opus-5-5"), None);
        assert_eq!(stranger("claude-opus-5-5=https://api.anthropic.com"), None);
        assert_eq!(stranger("m=https://gateway.example/v1"), Some("gateway.example".to_owned()));
        assert_eq!(stranger("m=https://api.anthropic.com.example"), Some("api.anthropic.com.example".to_owned()));
        assert_eq!(stranger("m=https://notanthropic.com"), Some("notanthropic.com".to_owned()));
        // In plain text anybody on the way reads the token.
        assert_eq!(stranger("m=http://api.anthropic.com"), Some("api.anthropic.com".to_owned()));
    }

    #[test]
    fn what_means_something_elsewhere_is_refused() {
        for bad in ["", "os.environ/KEY", "a b", "a\"b", "a: b", "-m", "m=", "m=gateway", "m=file:///etc"] {
            bad.parse::<Model>().unwrap_err();
        }
    }

    #[test]
    fn a_key_is_strong_and_does_not_print() {
        let key = MasterKey::of(&[7; 32]);
        assert_eq!(key.expose(), "sk-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        assert!(!format!("{key:?}").contains("Bwc"));
    }
}
