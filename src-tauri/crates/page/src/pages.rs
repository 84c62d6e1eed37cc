//! The pages that there are.

use serde::{Deserialize, Serialize};

/// A page, which whoever shows it can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Page {
    /// Who is signed in.
    Accounts,
    /// Where tokens are delivered to.
    Destinations,
    /// Adding one of those.
    Add,
    /// What happened.
    Activity,
    /// What a person chooses.
    Settings,
    /// What is wrong.
    Problems,
}

impl Page {
    /// Every page.
    pub const ALL: [Self; 6] =
        [Self::Accounts, Self::Destinations, Self::Add, Self::Activity, Self::Settings, Self::Problems];

    /// The word for it, in the page's address and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Destinations => "destinations",
            Self::Add => "add",
            Self::Activity => "activity",
            Self::Settings => "settings",
            Self::Problems => "problems",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn a_page_has_one_word_everywhere() {
        for page in Page::ALL {
            assert_eq!(serde_json::to_value(page).unwrap(), page.word());
        }
    }
}
