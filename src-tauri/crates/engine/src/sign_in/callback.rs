//! What comes back from the provider's page: by redirect, or pasted by a person.

use url::{Url, form_urlencoded};

use crate::secret::SecretString;

/// A code and the state that it came with. RFC 6749 section 4.1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The authorization code: good once, and only with the right verifier.
    pub code: SecretString,
    /// Which sign-in it belongs to.
    pub state: SecretString,
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The provider, or the person there, said no. RFC 6749 section 4.1.2.1.
    #[error("The sign-in was not granted ({reason}). Start it again with `tokenferry login` when you are ready.")]
    Denied {
        /// The provider's word for it, such as `access_denied`.
        reason: String,
        /// Which sign-in it belongs to, as told.
        state: Option<SecretString>,
    },
    /// Something is missing.
    #[error("That is not the whole code. Copy all that the page shows: it looks like CODE#STATE.")]
    Incomplete,
}

/// The longest code that is looked at, in bytes; real ones have about a hundred.
const LONGEST: usize = 8 * 1024;

impl Callback {
    /// Reads what a person pasted: `CODE#STATE`, or the whole address that the browser shows.
    ///
    /// # Errors
    /// [`CallbackError`] where there is no code in it.
    pub fn pasted(text: &str) -> Result<Self, CallbackError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(CallbackError::Incomplete);
        }
        if let Some(query) = Url::parse(text).ok().as_ref().and_then(Url::query) {
            return Self::from_query(query);
        }
        match text.split_once('#') {
            Some((code, state)) => Self::of(code, state),
            None => Err(CallbackError::Incomplete),
        }
    }

    /// Reads the query of a redirect.
    ///
    /// # Errors
    /// [`CallbackError`] where it says no, or holds no code.
    pub fn from_query(query: &str) -> Result<Self, CallbackError> {
        let field = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.into_owned())
        };
        if let Some(reason) = field("error") {
            return Err(CallbackError::Denied { reason: plain(&reason), state: field("state").map(SecretString::new) });
        }
        match (field("code"), field("state")) {
            (Some(code), Some(state)) => Self::of(&code, &state),
            _ => Err(CallbackError::Incomplete),
        }
    }

    fn of(code: &str, state: &str) -> Result<Self, CallbackError> {
        let whole =
            |part: &str| !part.is_empty() && part.len() <= LONGEST && part.chars().all(|c| c.is_ascii_graphic());
        if !whole(code) || !whole(state) {
            return Err(CallbackError::Incomplete);
        }
        Ok(Self { code: SecretString::new(code), state: SecretString::new(state) })
    }
}

/// A word from outside, fit to be shown: no control characters, and not for ever.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(code: &str, state: &str) -> Result<Callback, CallbackError> {
        Ok(Callback { code: SecretString::new(code), state: SecretString::new(state) })
    }

    #[test]
    fn a_person_may_paste_either() {
        assert_eq!(Callback::pasted("  abc#xyz\n"), whole("abc", "xyz"));
        assert_eq!(Callback::pasted("http://localhost:1/callback?code=abc&state=xyz"), whole("abc", "xyz"));
        assert_eq!(Callback::pasted("https://x/oauth/code/callback?code=a%2Bb&state=s#_"), whole("a+b", "s"));
    }

    #[test]
    fn half_a_code_is_named_as_such() {
        for half in ["", "abc", "#xyz", "abc#", "http://localhost/callback?code=abc", "a b#c", &"x".repeat(10_000)] {
            assert_eq!(Callback::pasted(half), Err(CallbackError::Incomplete), "{half:?}");
        }
    }

    #[test]
    fn a_no_carries_its_reason_without_tricks() {
        let Err(CallbackError::Denied { reason, state }) = Callback::from_query("error=access%1B%5Bdenied&state=s")
        else {
            panic!("not denied");
        };
        assert_eq!((reason.as_str(), state), ("access[denied", Some(SecretString::new("s"))));
    }
}
