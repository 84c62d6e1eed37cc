//! Proof that what lies at a destination is good: judgements alone, all pure. Who asks the provider is the engine's
//! `proving`.

use std::fmt;

use crate::account::{AccountName, Identity};
use crate::credentials::Kind;
use crate::destinations::DeliveryError;
use crate::provider::ProviderError;

/// What the provider said to a token or key that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is this person's.
    For(Identity),
    /// Whose it is can't be asked with this kind.
    Unnamed(Kind),
}

/// Whose a token or key is by our own record: that of the account that has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub account: AccountName,
    /// Who that is, as far as it is known.
    pub identity: Identity,
}

/// What was found out about the token that lies at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The provider takes it, as this person's, who is the account's. Nothing is known of the person where it can't be asked
    /// whose it is, and it is the account's by our own record.
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
    /// The provider takes it, and by our own record it is another account's: it can't be asked whose it is.
    OfAnother {
        /// What it is.
        kind: Kind,
        /// Whose it is.
        owner: AccountName,
        /// Whose it should be.
        expected: AccountName,
    },
    /// The provider takes it. Whose it is can't be asked with this kind, and is not known here either.
    Unnamed(Kind),
    /// It looks like no token or key that Claude answers prompts with, so nobody was asked: it may be good for somebody else.
    NotOfClaude,
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
    /// Holds the provider's answer against whom the token should belong to. `owner` is whose it is by our own record, and
    /// is asked only where the provider can't be.
    pub fn judge(answer: Result<Taken, ProviderError>, expected: &Owner, owner: Option<Owner>) -> Self {
        match (answer, owner) {
            (Ok(Taken::For(found)), _) if found.differs_from(&expected.identity) => {
                Self::Another { found, expected: expected.identity.clone() }
            }
            (Ok(Taken::For(found)), _) => Self::Proved(found.or(expected.identity.clone())),
            (Ok(Taken::Unnamed(_)), Some(owner)) if owner.account == expected.account => Self::Proved(owner.identity),
            (Ok(Taken::Unnamed(kind)), Some(owner)) => {
                Self::OfAnother { kind, owner: owner.account, expected: expected.account.clone() }
            }
            (Ok(Taken::Unnamed(kind)), None) => Self::Unnamed(kind),
            (Err(ProviderError::Refused { .. }), _) => Self::Refused,
            (Err(why), _) => Self::Unanswered(why),
        }
    }

    /// Whether it is proved.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Proved(_))
    }

    /// Whether a request with this token may still be answered.
    pub fn is_worth_a_request(&self) -> bool {
        !matches!(self, Self::Refused | Self::NotOfClaude | Self::Nothing | Self::Unseen(_))
    }

    /// Whom the token is taken for, as far as that is known.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Proved(found) if !found.is_known() => None,
            Self::Proved(found) | Self::Another { found, .. } => Some(found),
            _ => None,
        }
    }

    /// The stable word for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proved(_) => "proved",
            Self::Refused => "refused",
            Self::Another { .. } | Self::OfAnother { .. } => "another_account",
            Self::Unnamed(_) | Self::NotOfClaude | Self::Unanswered(_) | Self::NotShown => "not_proved",
            Self::Nothing => "nothing_there",
            Self::Unseen(_) => "not_seen",
        }
    }

    /// The stable word for what stood in the way; none where it is proved.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Proved(_) => return None,
            Self::Refused => "token_refused",
            Self::Another { .. } | Self::OfAnother { .. } => "another_account",
            Self::Unnamed(_) => "owner_unknown",
            Self::NotOfClaude => "not_of_claude",
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
            Self::Another { .. } | Self::OfAnother { .. } => {
                "Give the destination the account that is meant, or replace what lies there with `tokenferry sync NAME \
                 --replace`."
                    .to_owned()
            }
            Self::Unnamed(_) | Self::NotOfClaude => {
                "Deliver with `tokenferry sync`, if it may be replaced; then it is known whose it is.".to_owned()
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
            Self::Proved(found) if !found.is_known() => f.write_str("proved: Claude takes it."),
            Self::Proved(found) => write!(f, "proved for {found}."),
            Self::Refused => f.write_str("Claude refuses the token that lies there."),
            Self::Another { found, expected } => {
                write!(f, "Claude takes the token that lies there for {found}, not for {expected}.")
            }
            Self::OfAnother { kind, owner, expected } => {
                write!(f, "Claude takes the {kind} that lies there, which is account {owner}'s, not {expected}'s.")
            }
            Self::Unnamed(kind) => write!(
                f,
                "Claude takes the {kind} that lies there. Whose it is can't be asked with it, and it did not come from \
                 here, or is not the newest any more."
            ),
            Self::NotOfClaude => f.write_str(
                "nobody was asked: what lies there did not come from here, and looks like no token or key that Claude takes \
                 prompts with.",
            ),
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

    fn owner(account: &str, identity: Identity) -> Owner {
        Owner { account: account.parse().unwrap(), identity }
    }

    fn judge(answer: Result<Taken, ProviderError>) -> Proof {
        Proof::judge(answer, &owner("ada", person("ada")), None)
    }

    #[test]
    fn proved_is_for_whom() {
        let ada = person("ada");
        assert_eq!(judge(Ok(Taken::For(ada.clone()))), Proof::Proved(ada.clone()));
        let another = judge(Ok(Taken::For(person("grace"))));
        assert_eq!(another.code(), Some("another_account"));
        let told = another.to_string();
        assert!(told.contains("for grace@example.com, not for ada@example.com."), "{told}");
        // An account whose profile could not be had at the sign-in.
        let unknown = owner("ada", Identity::default());
        assert!(Proof::judge(Ok(Taken::For(ada)), &unknown, None).is_good());
    }

    #[test]
    fn where_it_cant_be_asked_whose_it_is_our_own_record_says_so() {
        let (taken, ada) = (Taken::Unnamed(Kind::OneYear), owner("ada", person("ada")));
        let judge = |owner| Proof::judge(Ok(taken.clone()), &ada, owner);
        assert_eq!(judge(Some(ada.clone())), Proof::Proved(person("ada")));
        // Under another name, even the same person's.
        let another = judge(Some(owner("ci", person("ada"))));
        assert_eq!((another.word(), another.is_good()), ("another_account", false));
        assert!(another.to_string().contains("one-year token that lies there, which is account ci's, not ada's"));
        let nobodys = judge(None);
        assert_eq!((nobodys.word(), nobodys.code(), nobodys.is_good()), ("not_proved", Some("owner_unknown"), false));
        let key = owner("key", Identity::default());
        let proved = Proof::judge(Ok(Taken::Unnamed(Kind::ApiKey)), &key, Some(key.clone()));
        assert_eq!((proved.to_string().as_str(), proved.identity()), ("proved: Claude takes it.", None));
    }

    #[test]
    fn only_a_clear_no_disproves() {
        let no = ProviderError::Refused { reason: "the access token is not good".to_owned() };
        assert_eq!(judge(Err(no)), Proof::Refused);
        let away = ProviderError::Unreachable { what: "no connection".to_owned() };
        let unanswered = judge(Err(away));
        assert_eq!((unanswered.word(), unanswered.code()), ("not_proved", Some("provider_unreachable")));
        assert!(!unanswered.is_good() && unanswered.is_worth_a_request());
    }
}
