//! What to do with each key of a Secret, what to send for it, and whose a key is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::api::Clash;
use super::stored::Stored;
use super::{ClusterError, INSTALLATION_ANNOTATION, KEYS_ANNOTATION, MANAGED_BY, SecretPlace};
use crate::destinations::{Change, Outcome, ParcelFile};
use crate::secret::SecretBytes;

/// The most that a Secret may hold, in bytes, before base64.
const LARGEST: usize = 1 << 20;

/// What to do with a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing; it is as it should be.
    Leave(Outcome),
    /// Put this there.
    Write(SecretBytes),
    /// Take it away.
    Remove,
}

/// What a Secret shall be changed by.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    /// Keys, with what shall be there.
    pub(super) writes: BTreeMap<&'a str, &'a SecretBytes>,
    /// Keys that shall go.
    pub(super) removals: BTreeSet<&'a str>,
}

impl Changes<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.removals.is_empty()
    }
}

/// Decides about one file.
pub(super) fn decide(
    file: &ParcelFile,
    key: &str,
    place: &SecretPlace,
    stored: Option<&Stored>,
) -> Result<Want, ClusterError> {
    let existing = stored.and_then(|stored| stored.value(key)).map(SecretBytes::expose);
    match (file.compose)(existing) {
        Ok(Change::Keep | Change::Settle | Change::Remove) if existing.is_none() => Ok(Want::Leave(Outcome::Absent)),
        // A key has no owner and no mode that could be put right.
        Ok(Change::Keep | Change::Settle) => Ok(Want::Leave(Outcome::Kept)),
        Ok(Change::Remove) => Ok(Want::Remove),
        Ok(Change::Write(content)) => Ok(Want::Write(content)),
        Err(reason) => Err(ClusterError::NotUnderstood { place: place.root(), key: key.to_owned(), reason }),
    }
}

/// Whether this Secret can be changed at all, and by us.
pub(super) fn may_change(
    stored: &Stored,
    changes: &Changes<'_>,
    place: &SecretPlace,
    installation: &str,
) -> Result<(), ClusterError> {
    let place = || place.root();
    if stored.is_immutable() {
        return Err(ClusterError::Immutable { place: place() });
    }
    if changes.writes.is_empty() {
        return Ok(());
    }
    if stored.kind() != "Opaque" {
        return Err(ClusterError::WrongType { place: place(), kind: stored.kind().to_owned() });
    }
    if let Some(owner) = stored.controller() {
        return Err(ClusterError::Controlled { place: place(), owner });
    }
    match stored.installation() {
        Some(other) if other != installation => {
            Err(ClusterError::OtherInstallation { place: place(), installation: other.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether the Secret fits into a cluster once it is changed.
pub(super) fn fits(stored: Option<&Stored>, changes: &Changes<'_>) -> bool {
    let stays = |key: &str| !changes.writes.contains_key(key) && !changes.removals.contains(key);
    let left = stored.into_iter().flat_map(Stored::values).filter(|(key, _)| stays(key)).map(|(_, value)| value);
    left.chain(changes.writes.values().copied()).map(|value| value.expose().len()).sum::<usize>() <= LARGEST
}

/// Whether nothing is left of a Secret that we made and that nobody else keeps any part of.
pub(super) fn goes_altogether(stored: &Stored, changes: &Changes<'_>, installation: &str) -> bool {
    changes.writes.is_empty()
        && stored.values().all(|(key, _)| changes.removals.contains(key))
        && stored.is_made_by_us()
        && stored.is_nobody_else_s()
        && stored.installation() == Some(installation)
}

/// The keys that are ours to say again or to leave out: those of another installation are not.
pub(super) fn own_keys<'a>(stored: &'a Stored, installation: &str) -> BTreeSet<&'a str> {
    let is_another_s = stored.installation().is_some_and(|other| other != installation);
    if is_another_s { BTreeSet::new() } else { stored.ours() }
}

/// All that we want of a Secret, as a server-side apply says it: what was ours and is left out here goes.
///
/// With `uid` and `resourceVersion` the cluster refuses it where the Secret is no longer the one that was seen.
pub(super) fn application(
    place: &SecretPlace,
    stored: Option<&Stored>,
    changes: &Changes<'_>,
    destination: &str,
    installation: &str,
) -> Value {
    let mut data = Map::new();
    let mut recorded = BTreeMap::new();
    if let Some(stored) = stored {
        let known = stored.recorded();
        for key in own_keys(stored, installation) {
            if changes.removals.contains(key) {
                continue;
            }
            if let Some(value) = stored.value(key) {
                data.insert(key.to_owned(), encoded(value));
                recorded.insert(key.to_owned(), known.get(key).cloned().unwrap_or_default());
            }
        }
    }
    for (key, value) in &changes.writes {
        data.insert((*key).to_owned(), encoded(value));
        recorded.insert((*key).to_owned(), destination.to_owned());
    }
    let mut metadata = Map::new();
    metadata.insert("name".into(), place.name.as_str().into());
    metadata.insert("namespace".into(), place.namespace.as_str().into());
    if let Some(stored) = stored {
        metadata.insert("uid".into(), stored.uid().into());
        metadata.insert("resourceVersion".into(), stored.version().into());
    }
    if stored.is_none_or(Stored::is_made_by_us) {
        metadata.insert("labels".into(), json!({ MANAGED_BY.0: MANAGED_BY.1 }));
    }
    if !recorded.is_empty() {
        let keys: Vec<_> = recorded.iter().map(|(key, destination)| format!("{key}={destination}")).collect();
        let annotations = json!({ INSTALLATION_ANNOTATION: installation, KEYS_ANNOTATION: keys.join(",") });
        metadata.insert("annotations".into(), annotations);
    }
    let mut body = Map::new();
    body.insert("apiVersion".into(), "v1".into());
    body.insert("kind".into(), "Secret".into());
    body.insert("metadata".into(), metadata.into());
    if stored.is_none_or(Stored::is_our_type) {
        body.insert("type".into(), "Opaque".into());
    }
    if !data.is_empty() {
        body.insert("data".into(), data.into());
    }
    body.into()
}

/// Takes keys away whoever keeps them: what lies there is our token, or it would stay.
pub(super) fn stripping<'a>(stored: &Stored, keys: impl Iterator<Item = &'a str>) -> Value {
    let data: Map<_, _> = keys.map(|key| (key.to_owned(), Value::Null)).collect();
    json!({ "metadata": { "uid": stored.uid(), "resourceVersion": stored.version() }, "data": data })
}

/// Whether what somebody else keeps now may be taken over: it was ours, and they have set it once, as `kubectl edit`
/// does. Who declares it, as Argo CD does, would set it again, and both for ever.
pub(super) fn may_take_back(stored: &Stored, clash: &Clash, installation: &str) -> bool {
    if let Some(annotation) = clash.field.strip_prefix(".metadata.annotations.") {
        return annotation == INSTALLATION_ANNOTATION || annotation == KEYS_ANNOTATION;
    }
    key_of_field(&clash.field).is_some_and(|key| {
        stored.installation() == Some(installation)
            && stored.recorded().contains_key(key)
            && !stored.is_declared_by_another(key)
    })
}

/// The key that a field's path is about.
pub(super) fn key_of_field(field: &str) -> Option<&str> {
    field.strip_prefix(".data.")
}

fn encoded(value: &SecretBytes) -> Value {
    STANDARD.encode(value.expose()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "0123abcd";

    fn place() -> SecretPlace {
        "team/claude-auth".parse().unwrap()
    }

    fn stored(change: impl FnOnce(&mut Value)) -> Stored {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "uid": "u-1", "resourceVersion": "7",
                "annotations": { INSTALLATION_ANNOTATION: OURS, KEYS_ANNOTATION: "token=web" },
                "managedFields": [
                    { "manager": "tokenferry", "operation": "Apply", "fieldsV1": {
                        "f:data": { "f:token": {} }, "f:type": {},
                        "f:metadata": { "f:labels": { "f:app.kubernetes.io/managed-by": {} } },
                    } },
                ],
            },
            "data": { "token": "b2xk" },
        });
        change(&mut secret);
        serde_json::from_value(secret).unwrap()
    }

    fn with_theirs(operation: &str, key: &str) -> Stored {
        stored(|secret| {
            secret["data"][key] = "dGhlaXJz".into();
            let theirs = json!({ "manager": "somebody", "operation": operation, "fieldsV1": {
                "f:data": { ".": {}, format!("f:{key}"): {} } } });
            secret["metadata"]["managedFields"].as_array_mut().unwrap().push(theirs);
        })
    }

    fn bytes(text: &str) -> SecretBytes {
        SecretBytes::new(text.as_bytes().to_vec())
    }

    fn file(
        compose: impl Fn(Option<&[u8]>) -> Result<Change, crate::destinations::ComposeError> + Send + Sync + 'static,
    ) -> ParcelFile {
        ParcelFile { path: "token".to_owned(), mode: 0o600, compose: Box::new(compose) }
    }

    #[test]
    fn a_file_sees_what_its_key_holds() {
        let secret = stored(|_| {});
        let decided =
            |change: fn() -> Change, secret| decide(&file(move |_| Ok(change())), "token", &place(), secret).unwrap();
        assert_eq!(decided(|| Change::Keep, Some(&secret)), Want::Leave(Outcome::Kept));
        assert_eq!(decided(|| Change::Settle, Some(&secret)), Want::Leave(Outcome::Kept));
        assert_eq!(decided(|| Change::Remove, Some(&secret)), Want::Remove);
        assert_eq!(decided(|| Change::Remove, None), Want::Leave(Outcome::Absent));
        assert_eq!(decided(|| Change::Settle, None), Want::Leave(Outcome::Absent));
        let sees = file(|existing| {
            assert_eq!(existing, Some(&b"old"[..]));
            Ok(Change::Write(SecretBytes::new(b"new".to_vec())))
        });
        assert_eq!(decide(&sees, "token", &place(), Some(&secret)).unwrap(), Want::Write(bytes("new")));
    }

    #[test]
    fn an_apply_says_again_what_is_ours_and_nothing_else() {
        let (secret, new) = (with_theirs("Update", "theirs"), bytes("new"));
        let changes = Changes { writes: [("other", &new)].into(), removals: BTreeSet::new() };
        let body = application(&place(), Some(&secret), &changes, "lab", OURS);
        assert_eq!(body["data"], json!({ "token": "b2xk", "other": "bmV3" }));
        assert_eq!(body["type"], "Opaque");
        assert_eq!((&body["metadata"]["uid"], &body["metadata"]["resourceVersion"]), (&json!("u-1"), &json!("7")));
        assert_eq!(body["metadata"]["annotations"][KEYS_ANNOTATION], "other=lab,token=web");
        let changes = Changes { removals: ["token"].into(), ..Changes::default() };
        let body = application(&place(), Some(&secret), &changes, "lab", OURS);
        assert_eq!((body.get("data"), body["metadata"].get("annotations")), (None, None));
    }

    #[test]
    fn a_secret_that_others_made_keeps_its_label_and_type() {
        let (secret, new) = (stored(|secret| secret["metadata"]["managedFields"] = json!([])), bytes("new"));
        let changes = Changes { writes: [("token", &new)].into(), removals: BTreeSet::new() };
        let body = application(&place(), Some(&secret), &changes, "web", OURS);
        assert_eq!((body.get("type"), body["metadata"].get("labels")), (None, None));
        let body = application(&place(), None, &changes, "web", OURS);
        assert_eq!(body["metadata"]["labels"]["app.kubernetes.io/managed-by"], "tokenferry");
        assert_eq!(body["metadata"].get("resourceVersion"), None);
    }

    #[test]
    fn what_was_ours_is_taken_back_from_hands_but_not_from_controllers() {
        let clash = |field: &str| Clash { field: field.to_owned(), manager: "somebody".to_owned() };
        assert!(may_take_back(&with_theirs("Update", "token"), &clash(".data.token"), OURS));
        assert!(!may_take_back(&with_theirs("Apply", "token"), &clash(".data.token"), OURS));
        assert!(!may_take_back(&with_theirs("Update", "theirs"), &clash(".data.theirs"), OURS), "never was ours");
        assert!(!may_take_back(&with_theirs("Update", "token"), &clash(".data.token"), "another"));
        assert!(may_take_back(&stored(|_| {}), &clash(".metadata.annotations.tokenferry.keys"), OURS));
        for other in [".metadata.labels.app.kubernetes.io/managed-by", ".type", ".metadata.annotations.theirs"] {
            assert!(!may_take_back(&stored(|_| {}), &clash(other), OURS), "{other}");
        }
    }

    #[test]
    fn only_what_is_wholly_ours_goes_altogether() {
        let all = Changes { removals: ["token", "theirs"].into(), ..Changes::default() };
        assert!(goes_altogether(&stored(|_| {}), &all, OURS));
        assert!(!goes_altogether(&stored(|_| {}), &all, "another"));
        assert!(!goes_altogether(&with_theirs("Update", "theirs"), &all, OURS), "somebody keeps a part");
        let label = |secret: &mut Value| secret["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"] = json!({});
        assert!(!goes_altogether(&stored(label), &all, OURS), "somebody else made it");
        let more = |secret: &mut Value| secret["data"]["more"] = "eA==".into();
        assert!(!goes_altogether(&stored(more), &all, OURS));
    }

    #[test]
    fn what_can_t_be_changed_is_told_by_why() {
        let new = bytes("new");
        let writes = Changes { writes: [("token", &new)].into(), ..Changes::default() };
        let removes = Changes { removals: ["token"].into(), ..Changes::default() };
        let told = |change: fn(&mut Value), changes| {
            may_change(&stored(change), changes, &place(), OURS).map_err(|error| error.code())
        };
        assert_eq!(told(|_| {}, &writes), Ok(()));
        assert_eq!(told(|secret| secret["immutable"] = true.into(), &removes), Err("secret_immutable"));
        assert_eq!(told(|secret| secret["type"] = "kubernetes.io/tls".into(), &writes), Err("secret_wrong_type"));
        let owned = |secret: &mut Value| {
            secret["metadata"]["ownerReferences"] = json!([{ "apiVersion": "x/v1", "kind": "ExternalSecret", "name": "claude", "uid": "2", "controller": true }]);
        };
        assert_eq!(told(owned, &writes), Err("secret_controlled"));
        assert_eq!(told(owned, &removes), Ok(()), "our token goes from anywhere");
        let other = |secret: &mut Value| secret["metadata"]["annotations"][INSTALLATION_ANNOTATION] = "another".into();
        assert_eq!(told(other, &writes), Err("secret_of_other_installation"));
    }

    #[test]
    fn a_secret_holds_a_mebibyte() {
        let (largest, secret) = (SecretBytes::new(vec![b'x'; LARGEST - 3]), stored(|_| {}));
        let beside = Changes { writes: [("more", &largest)].into(), ..Changes::default() };
        assert!(fits(Some(&secret), &beside), "3 bytes are there already");
        let larger = SecretBytes::new(vec![b'x'; LARGEST]);
        assert!(!fits(Some(&secret), &Changes { writes: [("more", &larger)].into(), ..Changes::default() }));
        assert!(fits(Some(&secret), &Changes { writes: [("token", &larger)].into(), ..Changes::default() }));
    }
}
