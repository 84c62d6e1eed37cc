//! Which account a place is for, by what the labels say, and what is at odds with that.

use std::collections::BTreeSet;
use std::fmt;

use super::Finding;
use super::uses::labelled_place;
use crate::destinations::docker::survey::{ACCOUNT_LABEL, Survey};
use crate::settings::Destination;

/// A label that says whose token a place is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim<'a> {
    /// The account that it names; whatever somebody wrote there.
    pub account: &'a str,
    /// The container that has the label; none if it is the volume's own.
    pub container: Option<&'a str>,
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.container {
            Some(container) => write!(f, "{} (container {container})", self.account),
            None => write!(f, "{} (the volume)", self.account),
        }
    }
}

/// What the labels say of a folder in a volume; empty for its top. A volume's own label speaks for all of it.
pub fn claims<'a>(survey: &'a Survey, volume: &str, folder: &str) -> Vec<Claim<'a>> {
    let own = survey.volume(volume).and_then(|volume| volume.labels.get(ACCOUNT_LABEL));
    let own = own.map(|account| Claim { account, container: None });
    let containers = survey.containers.iter().filter_map(|container| {
        let account = container.labels.get(ACCOUNT_LABEL)?;
        let (at, within) = labelled_place(container)?;
        (at == volume && within == folder).then_some(Claim { account, container: Some(&container.name) })
    });
    own.into_iter().chain(containers).collect()
}

/// The accounts that claims name.
pub(super) fn accounts<'a>(claims: &[Claim<'a>]) -> BTreeSet<&'a str> {
    claims.iter().map(|claim| claim.account).collect()
}

/// Destinations of this engine whose volume is labelled for another account than the one whose token they get.
pub fn mismatches(engine: &str, survey: &Survey, destinations: &[&Destination]) -> Vec<Finding> {
    let of_one = |destination: &&Destination| {
        let place = destination.in_volume()?;
        let claims = claims(survey, place.volume.as_str(), place.folder());
        let others: Vec<_> = claims.into_iter().filter(|it| it.account != destination.account.as_str()).collect();
        let first = others.first()?;
        let Destination { name, account, .. } = destination;
        Some(Finding::new(
            "account_mismatch",
            engine,
            [
                &format_args!("Destination {name} gets the token of {account}, and is labelled for {}.", list(&others)),
                &"Whoever works there would do so as somebody else than the label says.",
                &format_args!(
                    "Change the label {ACCOUNT_LABEL} to {account}; or remove the destination with `tokenferry destination \
                     remove {name}`, and add it anew for account {}.",
                    first.account
                ),
            ],
        ))
    };
    destinations.iter().filter_map(of_one).collect()
}

/// Where labels name different accounts for one place.
pub fn conflict(engine: &str, survey: &Survey, volume: &str, folder: &str) -> Option<Finding> {
    let claims = claims(survey, volume, folder);
    (accounts(&claims).len() > 1).then(|| {
        Finding::new(
            "accounts_conflict",
            engine,
            [
                &format_args!("The volume {volume} is labelled for several accounts: {}.", list(&claims)),
                &"One folder holds one token, and all containers that share it work as the same person.",
                &format_args!(
                    "Let all labels {ACCOUNT_LABEL} name one account, or give each account a volume of its own."
                ),
            ],
        )
    })
}

fn list(claims: &[Claim<'_>]) -> String {
    claims.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
