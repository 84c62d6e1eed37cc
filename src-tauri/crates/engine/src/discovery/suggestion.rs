//! A place that could be approved of, with all that a person needs to decide.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::binding::{accounts, claims};
use super::finding::shown;
use super::{Facts, Reason, Where, naming};
use crate::account::AccountName;
use crate::destinations::docker::survey::Survey;
use crate::destinations::{Ids, OwnerChoice};
use crate::formats::Format;
use crate::settings::{Destination, DestinationName, Folder, Place, VolumeName, VolumePlace};
use crate::shell;

/// A place that could be approved of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Suggestion {
    /// A name for it that no destination has.
    pub name: DestinationName,
    /// The settings' name for the engine.
    pub engine: String,
    /// The volume.
    pub volume: VolumeName,
    /// The folder in it, where it is not the top.
    pub folder: Option<Folder>,
    /// Whose token it should get; none where somebody has to choose.
    pub account: Option<AccountName>,
    /// Whether a label says so.
    pub labelled: bool,
    /// Whom the files should belong to.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
    pub owner: OwnerChoice,
    /// In which format.
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
    pub format: Format,
    /// Why it looks as if it waited for a sign-in, a sentence each.
    pub reasons: Vec<String>,
    /// What else there is to know before one decides, a sentence each.
    pub remarks: Vec<String>,
    /// The containers that use the volume.
    pub containers: Vec<UsedBy>,
    /// The line that approves of it.
    pub command: String,
}

/// How a container uses a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UsedBy {
    /// Its name.
    pub container: String,
    /// Whether it runs.
    pub running: bool,
    /// Where it has the volume.
    pub at: String,
    /// Whether it may only read there.
    pub read_only: bool,
}

impl Suggestion {
    /// The destination that it would be, for this account.
    pub fn destination(&self, account: AccountName) -> Destination {
        Destination {
            name: self.name.clone(),
            place: Place::Volume(VolumePlace {
                engine: self.engine.clone(),
                volume: self.volume.clone(),
                folder: self.folder.clone(),
            }),
            account,
            format: self.format,
            owner: self.owner,
            ready_to_use: false,
        }
    }
}

/// A suggestion for a place, unless it can't be a destination.
pub(super) fn of(
    place: &Where<'_>,
    reasons: &BTreeSet<Reason<'_>>,
    facts: &Facts<'_>,
    taken: &mut BTreeSet<DestinationName>,
) -> Option<Suggestion> {
    let (volume, folder) = place;
    let found = facts.survey.volume(volume)?;
    let within = Some(folder).filter(|folder| !folder.is_empty());
    if folder.contains(char::is_control) {
        return None;
    }
    let users: Vec<_> = facts.survey.users_of(volume).collect();
    let whose = whose(place, facts);
    let mut suggestion = Suggestion {
        volume: volume.parse().ok()?,
        folder: within.map(|folder| folder.parse()).transpose().ok()?,
        name: naming::name(found, folder, users.first().map(|(container, _)| container.name.as_str()), taken)?,
        engine: facts.engine.to_owned(),
        account: whose.account,
        labelled: reasons.iter().any(|reason| reason.is_label()),
        owner: owner(facts.survey, volume),
        format: Format::default(),
        reasons: reasons.iter().map(shown).collect(),
        remarks: whose.remark.into_iter().chain(remarks(place, facts)).collect(),
        containers: users
            .into_iter()
            .map(|(container, mount)| UsedBy {
                container: container.name.clone(),
                running: container.running,
                at: shown(&mount.destination),
                read_only: mount.read_only,
            })
            .collect(),
        command: String::new(),
    };
    suggestion.command = command(&suggestion, facts);
    Some(suggestion)
}

struct Whose {
    account: Option<AccountName>,
    remark: Option<String>,
}

/// By the labels; where there are none, the only account there is.
fn whose((volume, folder): &Where<'_>, facts: &Facts<'_>) -> Whose {
    let claims = claims(facts.survey, volume, folder);
    let claimed: Vec<_> = accounts(&claims).into_iter().collect();
    match (claimed.as_slice(), facts.accounts) {
        ([], []) => signed_in_or_not(AccountName::default(), facts),
        ([], [only]) => Whose { account: Some(only.clone()), remark: None },
        ([], _) => Whose { account: None, remark: None },
        ([one], _) => match one.parse() {
            Ok(account) => signed_in_or_not(account, facts),
            Err(why) => Whose { account: None, remark: Some(shown(why)) },
        },
        (several, _) => {
            let remark = format!("Its labels name several accounts: {}.", several.join(", "));
            Whose { account: None, remark: Some(shown(remark)) }
        }
    }
}

fn signed_in_or_not(account: AccountName, facts: &Facts<'_>) -> Whose {
    let missing = !facts.accounts.contains(&account);
    let remark = || format!("Nobody is signed in as {account} yet: `tokenferry login --account {account}`.");
    Whose { remark: missing.then(remark), account: Some(account) }
}

fn remarks((volume, folder): &Where<'_>, facts: &Facts<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if naming::is_nameless(volume) {
        remarks.push("The volume has no name of its own, so the next container gets another one.".to_owned());
    }
    let is_there = |place: &VolumePlace| place.volume.as_str() == *volume && place.folder() == folder;
    let leaving = facts.copies.iter().find(|copy| copy.spot.place.in_volume().is_some_and(is_there));
    if let Some(copy) = leaving.filter(|copy| copy.withdraw) {
        remarks.push(format!("A copy of {}'s token that is to be taken away may still lie there.", copy.account));
    }
    remarks
}

/// The one whom all containers run as that use it, not counting root, who may read anything.
fn owner(survey: &Survey, volume: &str) -> OwnerChoice {
    let ids = survey.users_of(volume).filter_map(|(container, _)| container.setup.as_ref()?.ids);
    let users: BTreeSet<(u32, u32)> = ids.filter(|ids| ids.uid != 0).map(|ids| (ids.uid, ids.gid)).collect();
    match Vec::from_iter(users).as_slice() {
        [(uid, gid)] => OwnerChoice::Ids(Ids { uid: *uid, gid: *gid }),
        _ => OwnerChoice::Auto,
    }
}

fn command(suggestion: &Suggestion, facts: &Facts<'_>) -> String {
    let Suggestion { name, engine, volume, folder, account, owner, .. } = suggestion;
    let mut line = format!("tokenferry destination add {name} --volume {volume}");
    let mut add = |option: &str, value: &str| line.push_str(&format!(" --{option} {}", shell::word(value)));
    if let Some(folder) = folder {
        add("folder", folder.as_str());
    }
    if !facts.usual {
        add("engine", engine);
    }
    match account {
        Some(account) if is_evident(account, facts.accounts) => {}
        Some(account) => add("account", account.as_str()),
        // To be filled in.
        None => add("account", "NAME"),
    }
    if *owner != OwnerChoice::Auto {
        add("owner", &owner.to_string());
    }
    line
}

/// Whether it is the one that is taken where none is named.
fn is_evident(account: &AccountName, signed_in: &[AccountName]) -> bool {
    match signed_in {
        [] => *account == AccountName::default(),
        [only] => account == only,
        _ => false,
    }
}

fn as_text<S: Serializer>(owner: &OwnerChoice, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(owner)
}
