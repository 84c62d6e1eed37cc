//! A Secret as the cluster has it: its content, and who keeps which part of it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{FIELD_MANAGER, INSTALLATION_ANNOTATION, KEYS_ANNOTATION, MANAGED_BY};
use crate::secret::SecretBytes;

/// A Secret that is there.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    metadata: Metadata,
    #[serde(default)]
    data: Option<BTreeMap<String, Content>>,
    #[serde(default)]
    immutable: Option<bool>,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    uid: String,
    resource_version: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    managed_fields: Option<Vec<Kept>>,
    #[serde(default)]
    owner_references: Option<Vec<Owner>>,
}

/// What one field manager keeps. An `Apply` says what it wants for good, an `Update` has once set it.
#[derive(Debug, Deserialize)]
struct Kept {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default, rename = "fieldsV1")]
    fields: Value,
}

#[derive(Debug, Deserialize)]
struct Owner {
    kind: String,
    name: String,
    #[serde(default)]
    controller: Option<bool>,
}

/// A key's bytes, which travel as base64.
#[derive(Debug)]
struct Content(SecretBytes);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| serde::de::Error::custom("no base64"))?;
        Ok(Self(SecretBytes::new(bytes)))
    }
}

impl Kept {
    fn is_ours(&self) -> bool {
        self.manager == FIELD_MANAGER && self.operation == "Apply"
    }

    /// Whether this field is among those kept; the cluster writes `f:` before each name.
    fn has(&self, path: &[&str]) -> bool {
        let found = path.iter().try_fold(&self.fields, |fields, name| fields.get(format!("f:{name}")));
        found.is_some()
    }
}

impl Stored {
    /// Which Secret of this name it is, so that one that was made anew is not taken for it.
    pub(super) fn uid(&self) -> &str {
        &self.metadata.uid
    }

    /// Which state of it this is.
    pub(super) fn version(&self) -> &str {
        &self.metadata.resource_version
    }

    pub(super) fn value(&self, key: &str) -> Option<&SecretBytes> {
        self.data.as_ref()?.get(key).map(|content| &content.0)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &SecretBytes)> {
        self.data.iter().flatten().map(|(key, content)| (key.as_str(), &content.0))
    }

    pub(super) fn is_immutable(&self) -> bool {
        self.immutable == Some(true)
    }

    /// Its type; `Opaque` is the one for anything.
    pub(super) fn kind(&self) -> &str {
        if self.kind.is_empty() { "Opaque" } else { &self.kind }
    }

    /// What controls it and would write over it, by kind and name.
    pub(super) fn controller(&self) -> Option<String> {
        let owner = self.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
        Some(format!("{}/{}", owner.kind, owner.name))
    }

    /// The installation that says it keeps it fresh.
    pub(super) fn installation(&self) -> Option<&str> {
        self.annotation(INSTALLATION_ANNOTATION).filter(|installation| !installation.is_empty())
    }

    /// The keys that were delivered, with the destinations that they were for.
    pub(super) fn recorded(&self) -> BTreeMap<String, String> {
        let text = self.annotation(KEYS_ANNOTATION).unwrap_or_default();
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, destination)| (key.to_owned(), destination.to_owned())).collect()
    }

    /// The keys that the cluster has down as ours. An apply that leaves one of them out takes it away.
    pub(super) fn ours(&self) -> BTreeSet<&str> {
        let kept: Vec<_> = self.kept().filter(|kept| kept.is_ours()).collect();
        self.values().map(|(key, _)| key).filter(|key| kept.iter().any(|kept| kept.has(&["data", key]))).collect()
    }

    /// Whether we gave it its type; then it has to be said again, or it is taken away.
    pub(super) fn is_our_type(&self) -> bool {
        self.kept().any(|kept| kept.is_ours() && kept.has(&["type"]))
    }

    /// Whether it has our label from us: we made it.
    pub(super) fn is_made_by_us(&self) -> bool {
        self.kept().any(|kept| kept.is_ours() && kept.has(&["metadata", "labels", MANAGED_BY.0]))
    }

    /// Whether nobody else keeps any part of it.
    pub(super) fn is_nobody_else_s(&self) -> bool {
        self.kept().all(|kept| kept.manager == FIELD_MANAGER)
    }

    /// Whether somebody else declares this key, and so would set it again and again.
    pub(super) fn is_declared_by_another(&self, key: &str) -> bool {
        self.kept().any(|kept| kept.manager != FIELD_MANAGER && kept.operation == "Apply" && kept.has(&["data", key]))
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.metadata.managed_fields.iter().flatten()
    }
}
