//! Proof that what lies at a destination is good: judgements alone, all pure. Who asks the provider is the engine's
//! `proving`.

use std::fmt;

use crate::account::Identity;
use crate::destinations::DeliveryError;
use crate::provider::ProviderError;

/// What was found out about the token that lies at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The provider takes it, as this person's, who is the account's.
    Proved(Identity),
    /// The provider does not take it.
    Refused,
    /// The provider takes it, as somebody else's.
    Another {
        /// Whose it is.
        found: Identity,
        /// Whose it should be.
        expected: Identity,
    },
    /// The provider could not be asked, so it is neither proved nor disproved.
    Unanswered(ProviderError),
    /// It did not come from here, and the provider in force is not Claude: nobody was asked, as a token of one provider's
    /// is never shown to another.
    NotShown,
    /// No token lies there.
    Nothing,
    /// What lies there could not be seen.
    Unseen(DeliveryError),
}

impl Proof {
    /// Holds the provider's answer against whom the token should belong to.
    pub fn judge(answer: Result<Identity, ProviderError>, expected: &Identity) -> Self {
        match answer {
            Ok(found) if found.differs_from(expected) => Self::Another { found, expected: expected.clone() },
            Ok(found) => Self::Proved(found.or(expected.clone())),
            Err(ProviderError::Refused { .. }) => Self::Refused,
            Err(why) => Self::Unanswered(why),
        }
    }

    /// Whether it is proved.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Proved(_))
    }

    /// Whether a request with this token may still be answered.
    pub fn is_worth_a_request(&self) -> bool {
        matches!(self, Self::Proved(_) | Self::Another { .. } | Self::Unanswered(_) | Self::NotShown)
    }

    /// Whom the provider takes the token for, where it was asked and said so.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Proved(found) | Self::Another { found, .. } => Some(found),
            _ => None,
        }
    }

    /// The stable word for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proved(_) => "proved",
            Self::Refused => "refused",
            Self::Another { .. } => "another_account",
            Self::Unanswered(_) | Self::NotShown => "not_proved",
            Self::Nothing => "nothing_there",
            Self::Unseen(_) => "not_seen",
        }
    }

    /// The stable word for what stood in the way; none where it is proved.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Proved(_) => return None,
            Self::Refused => "token_refused",
            Self::Another { .. } => "another_account",
            Self::Unanswered(why) => why.code(),
            Self::NotShown => "other_provider",
            Self::Nothing => "no_token",
            Self::Unseen(why) => why.code(),
        })
    }

    /// What to do, in a sentence; empty where nothing needs doing.
    pub fn fix(&self) -> String {
        match self {
            Self::Proved(_) => String::new(),
            Self::Refused => "Renew with `tokenferry refresh`, then try again; sign in again if that fails.".to_owned(),
            Self::Another { .. } => {
                "Give the destination the account that is meant, or replace what lies there with `tokenferry sync NAME \
                 --replace`."
                    .to_owned()
            }
            Self::Unanswered(_) => "Check the network, and try again in a moment.".to_owned(),
            Self::NotShown => "Try again without TOKENFERRY_PROVIDER.".to_owned(),
            Self::Nothing => "Deliver with `tokenferry sync`.".to_owned(),
            Self::Unseen(why) => why.fix(),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved(found) => write!(f, "proved for {found}."),
            Self::Refused => f.write_str("Claude refuses the token that lies there."),
            Self::Another { found, expected } => {
                write!(f, "Claude takes the token that lies there for {found}, not for {expected}.")
            }
            Self::Unanswered(why) => write!(f, "neither proved nor disproved. {why}"),
            Self::NotShown => f.write_str(
                "nobody was asked: the token that lies there did not come from here, and another provider than Claude \
                 is in force.",
            ),
            Self::Nothing => f.write_str("no token lies there."),
            Self::Unseen(why) => why.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(uuid: &str) -> Identity {
        let (account_uuid, email) = (Some(uuid.to_owned()), Some(format!("{uuid}@example.com")));
        Identity { account_uuid, email, ..Identity::default() }
    }

    #[test]
    fn proved_is_for_whom() {
        let ada = person("ada");
        assert_eq!(Proof::judge(Ok(ada.clone()), &ada), Proof::Proved(ada.clone()));
        let another = Proof::judge(Ok(person("grace")), &ada);
        assert_eq!(another.code(), Some("another_account"));
        let told = another.to_string();
        assert!(told.contains("for grace@example.com, not for ada@example.com."), "{told}");
        // An account whose profile could not be had at the sign-in.
        assert!(Proof::judge(Ok(ada.clone()), &Identity::default()).is_good());
    }

    #[test]
    fn only_a_clear_no_disproves() {
        let no = ProviderError::Refused { reason: "the access token is not good".to_owned() };
        assert_eq!(Proof::judge(Err(no), &person("ada")), Proof::Refused);
        let away = ProviderError::Unreachable { what: "no connection".to_owned() };
        let unanswered = Proof::judge(Err(away), &person("ada"));
        assert_eq!((unanswered.word(), unanswered.code()), ("not_proved", Some("provider_unreachable")));
        assert!(!unanswered.is_good() && unanswered.is_worth_a_request());
    }
}
