//! Words that people give, each of a type of its own and checked where it comes in, so that nobody has to later.

/// A word that can't be what it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" can't be {what}")]
pub struct BadWord {
    pub(crate) word: String,
    /// What it can't be, and what can, as the rest of the sentence.
    pub(crate) what: String,
}

/// A type of words: how one is made, shown, read and written.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $is_good:expr, $what:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// It as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::BadWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let is_good: fn(&str) -> bool = $is_good;
                if is_good(word) {
                    Ok(Self(word.to_owned()))
                } else {
                    Err($crate::words::BadWord { word: word.to_owned(), what: $what.into() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::words::BadWord;

            fn try_from(word: String) -> Result<Self, Self::Error> {
                word.parse()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0
            }
        }
    };
}

pub(crate) use word;
