//! Whom a sign-in belongs to: the name that the user gave it, and who the provider says it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::word;

/// The longest name of an account, in characters; keychains and file systems take it everywhere.
const LONGEST_NAME: usize = 64;

/// The longest word of the provider's that is kept, in characters.
const LONGEST_WORD: usize = 256;

word!(
    /// The user's own name for an account: letters, digits, `.`, `_`, `-` and `@`, and no more than 64 of them.
    AccountName,
    |word| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        !word.is_empty() && word.len() <= LONGEST_NAME && word.chars().all(fits) && !word.starts_with(['.', '-'])
    },
    format!("the name of an account. Use letters, digits, and . _ - @, at most {LONGEST_NAME} of them.")
);

impl AccountName {
    /// The name that is used where the user gave none.
    pub const DEFAULT: &str = "default";
}

impl Default for AccountName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

/// Who a sign-in is, as the provider's profile tells it. What the provider leaves out stays `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Identity {
    /// The provider's own id of the person; what tells two people apart.
    pub account_uuid: Option<String>,
    /// The address that the person signs in with.
    pub email: Option<String>,
    /// The organization's id.
    pub organization_uuid: Option<String>,
    /// The organization's name.
    pub organization: Option<String>,
    /// The plan, in the provider's word, such as `max` or `pro`.
    pub plan: Option<String>,
    /// The tier of rate limits, in the provider's word.
    pub rate_limit_tier: Option<String>,
}

impl Identity {
    /// Fit to be shown: no control characters that could play tricks on a terminal, and nothing without end.
    #[must_use]
    pub fn plain(self) -> Self {
        let plain = |text: Option<String>| -> Option<String> {
            text.map(|text| text.chars().filter(|c| !c.is_control()).take(LONGEST_WORD).collect())
        };
        Self {
            account_uuid: plain(self.account_uuid),
            email: plain(self.email),
            organization_uuid: plain(self.organization_uuid),
            organization: plain(self.organization),
            plan: plain(self.plan),
            rate_limit_tier: plain(self.rate_limit_tier),
        }
    }

    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }

    /// What this tells, completed by `other` where it tells nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            account_uuid: self.account_uuid.or(other.account_uuid),
            email: self.email.or(other.email),
            organization_uuid: self.organization_uuid.or(other.organization_uuid),
            organization: self.organization.or(other.organization),
            plan: self.plan.or(other.plan),
            rate_limit_tier: self.rate_limit_tier.or(other.rate_limit_tier),
        }
    }

    /// Whether the two are certainly different people or organizations. What is unknown on one side differs from nothing.
    pub fn differs_from(&self, other: &Self) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if a != b);
        differ(&self.account_uuid, &other.account_uuid)
            || differ(&self.organization_uuid, &other.organization_uuid)
            || (self.account_uuid.is_none() && differ(&self.email, &other.email))
    }
}

impl fmt::Display for Identity {
    /// Such as `ada@example.com, Example Ltd (max)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.email.as_deref().unwrap_or("somebody whose name Claude did not tell"))?;
        if let Some(organization) = &self.organization {
            write!(f, ", {organization}")?;
        }
        if let Some(plan) = &self.plan {
            write!(f, " ({plan})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["default", "work-2", "ada@example.com", "a"] {
            assert_eq!(good.parse::<AccountName>().unwrap().as_str(), good);
        }
        for bad in ["", "..", "-x", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_name_plays_no_tricks_on_a_terminal() {
        let named = Identity { email: Some("a\u{1b}[2Jda@x\n".into()), ..Identity::default() };
        assert_eq!(named.plain().email.as_deref(), Some("a[2Jda@x"));
    }

    #[test]
    fn what_is_unknown_differs_from_nothing() {
        let ada = Identity { account_uuid: Some("1".into()), email: Some("ada@x".into()), ..Identity::default() };
        let renamed = Identity { email: Some("ada@y".into()), ..ada.clone() };
        let bob = Identity { account_uuid: Some("2".into()), ..Identity::default() };
        assert!(!ada.differs_from(&Identity::default()));
        assert!(!ada.differs_from(&renamed));
        assert!(ada.differs_from(&bob));
    }
}
