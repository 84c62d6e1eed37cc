//! A place in a database: whose row on which server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PostgresUrl;
use crate::words::word;

/// The longest user id, in characters: what the table's column takes.
const LONGEST: usize = 256;

word!(
    /// A user's id in LiteLLM, as `LiteLLM_UserTable` has it: up to 256 characters, none of them invisible.
    UserId,
    |word| {
        let fits = |c: char| !c.is_control();
        (1..=LONGEST).contains(&word.chars().count()) && word.chars().all(fits) && word.trim() == word
    },
    format!("a user's id in LiteLLM, which has at most {LONGEST} characters, and no blanks at its ends.")
);

/// A user's row in a database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PostgresPlace {
    /// The database. Written down and shown without its password.
    #[serde(rename = "postgres")]
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
    pub url: PostgresUrl,
    /// Whose row.
    pub user_id: UserId,
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {} in {}", self.user_id, self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_what_the_column_takes() {
        for good in ["ada", "default_user_id", "ada@example.com", "Ädä Løvelace", &"x".repeat(256)] {
            good.parse::<UserId>().unwrap();
        }
        for bad in ["", " ", "ada ", "a\0b", "a\nb", &"x".repeat(257)] {
            bad.parse::<UserId>().unwrap_err();
        }
    }

    #[test]
    fn a_place_is_shown_and_written_without_the_password() {
        let url = "postgres://litellm:canary-pass@db/litellm".parse().unwrap();
        let place = PostgresPlace { url, user_id: "ada".parse().unwrap() };
        let written = serde_json::to_string(&place).unwrap();
        for shown in [place.to_string(), format!("{place:?}"), written.clone()] {
            assert!(!shown.contains("canary") && shown.contains("litellm@db"), "{shown}");
        }
        assert_eq!(serde_json::from_str::<PostgresPlace>(&written).unwrap(), place);
    }
}
