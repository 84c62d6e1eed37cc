//! Who may ask for what from outside: programs by a grant, persons by a link that lets them in once, and a session then.
//!
//! Each is known by a key of 256 random bits, of which nothing but a hash is kept; it is compared in constant time. This
//! room knows no network: what a key opens is held here, how it comes in is a face's business.

mod key;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use key::{Key, KeyHash, KeyKind, Selector};

use crate::account::AccountName;
use crate::words::word;

/// The longest name of a grant, in characters.
const LONGEST_NAME: usize = 64;

word!(
    /// The user's own name for a grant: letters, digits, `.`, `_` and `-`, and no more than 64 of them.
    GrantName,
    |word| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !word.is_empty() && word.len() <= LONGEST_NAME && word.chars().all(fits) && !word.starts_with(['.', '-'])
    },
    format!("the name of a grant. Use letters, digits, and . _ -, at most {LONGEST_NAME} of them.")
);

/// One thing that a grant allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Be given the account's access token.
    Token,
    /// See how the account stands, and the metrics.
    Status,
    /// Sign the account in, renew its token at once, and sign it out.
    SignIn,
}

impl Scope {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Token, Self::Status, Self::SignIn];

    /// The word for it, as a person gives it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Status => "status",
            Self::SignIn => "sign-in",
        }
    }
}

/// What a grant is made of.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its name; there is none of it yet.
    pub name: GrantName,
    /// Whose.
    pub account: AccountName,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// How many requests a second it is good for, at least 1.
    pub per_second: u32,
    /// When it ends, if ever.
    pub ends: Option<Timestamp>,
}

/// A grant as it is kept: without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Its name.
    pub name: GrantName,
    /// Whose.
    pub account: AccountName,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// How many requests a second it is good for.
    pub per_second: u32,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends, if ever.
    pub ends: Option<Timestamp>,
    /// How often a token was had with it.
    pub uses: u64,
    /// When that was last.
    pub used: Option<Timestamp>,
    /// Finds it by the key that is shown; no secret.
    #[serde(skip)]
    pub selector: Selector,
    /// What the key is known by.
    #[serde(skip)]
    pub hash: KeyHash,
}

impl Grant {
    /// Whether it is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }

    /// Whether it allows this.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["ci", "litellm-2", "a.b_c"] {
            assert_eq!(good.parse::<GrantName>().unwrap().as_str(), good);
        }
        for bad in ["", ".x", "-x", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<GrantName>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_scope_is_written_as_it_is_said() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.word());
        }
    }
}
