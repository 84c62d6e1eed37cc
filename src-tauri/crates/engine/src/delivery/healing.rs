//! What had become of a copy that we last read back as ours: a pure judgement, and its words.

use crate::account::AccountName;
use crate::credentials::Fingerprint;
use crate::formats::Found;

/// What somebody did to a copy of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The file was deleted, or our part of it.
    Deleted,
    /// Its token was blanked, as the official CLI does whose renewal was refused.
    Blanked,
    /// An older token of the same account was put there.
    SetBack,
    /// It held another account's token.
    OtherAccount(AccountName),
    /// It held a token that was never ours.
    OtherToken,
}

/// Judges what was found where `confirmed` was last read back. In a volume that is empty but for what we wrote, nothing was
/// deleted: it was made anew. `owner_of` says whose a token is that was ever kept here.
pub(super) fn judge(
    confirmed: Option<&Fingerprint>,
    found: &Found,
    is_new_volume: bool,
    account: &AccountName,
    owner_of: impl Fn(&Fingerprint) -> Option<AccountName>,
) -> Option<Damage> {
    let confirmed = confirmed?;
    match found {
        Found::Nothing if is_new_volume => None,
        Found::Nothing => Some(Damage::Deleted),
        Found::Blank => Some(Damage::Blanked),
        Found::Token(token) if token == confirmed => None,
        Found::Token(token) => Some(match owner_of(token) {
            Some(owner) if owner == *account => Damage::SetBack,
            Some(owner) => Damage::OtherAccount(owner),
            None => Damage::OtherToken,
        }),
        // Left alone, or replaced because a person said so.
        Found::SignIn(_) | Found::NotUnderstood => None,
    }
}

impl Damage {
    /// What happened and what was done, in a sentence or two. `running` are the containers that used the volume.
    pub(super) fn told(&self, destination: &str, running: &[String]) -> String {
        let what = match self {
            Self::Deleted => "the credentials had been deleted".to_owned(),
            Self::Blanked => "the credentials had been blanked".to_owned(),
            Self::SetBack => "an older token had been put back".to_owned(),
            Self::OtherAccount(owner) => format!("it held the token of account {owner}"),
            Self::OtherToken => "it held a token of somebody else's".to_owned(),
        };
        format!("{destination}: {what}{}. Put right.", while_running(running))
    }
}

/// `, while web and api were running`; nothing where nobody was.
pub(super) fn while_running(containers: &[String]) -> String {
    match containers {
        [] => String::new(),
        [one] => format!(", while {one} was running"),
        [first @ .., last] => format!(", while {} and {last} were running", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Fingerprint {
        Fingerprint(text.to_owned())
    }

    fn name(text: &str) -> AccountName {
        text.parse().unwrap()
    }

    fn judged(found: &Found, is_new_volume: bool) -> Option<Damage> {
        let owner = |token: &Fingerprint| match token.0.as_str() {
            "older" => Some(name("mine")),
            "theirs" => Some(name("other")),
            _ => None,
        };
        judge(Some(&token("ours")), found, is_new_volume, &name("mine"), owner)
    }

    #[test]
    fn what_was_done_to_a_copy_is_told_apart() {
        assert_eq!(judged(&Found::Token(token("ours")), false), None);
        assert_eq!(judged(&Found::Nothing, false), Some(Damage::Deleted));
        assert_eq!(judged(&Found::Nothing, true), None, "a volume that was made anew");
        assert_eq!(judged(&Found::Blank, true), Some(Damage::Blanked));
        assert_eq!(judged(&Found::Token(token("older")), false), Some(Damage::SetBack));
        assert_eq!(judged(&Found::Token(token("theirs")), false), Some(Damage::OtherAccount(name("other"))));
        assert_eq!(judged(&Found::Token(token("x")), false), Some(Damage::OtherToken));
        assert_eq!(judged(&Found::SignIn(token("x")), false), None);
        assert_eq!(judge(None, &Found::Nothing, false, &name("mine"), |_| None), None, "the first delivery");
    }

    #[test]
    fn the_containers_are_named() {
        let said = |running: &[&str]| {
            Damage::Blanked.told("web", &running.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(said(&[]), "web: the credentials had been blanked. Put right.");
        assert_eq!(said(&["app"]), "web: the credentials had been blanked, while app was running. Put right.");
        assert!(said(&["a", "b", "c"]).contains(", while a, b and c were running."));
    }
}
