//! Secrets as an API server keeps them: with a version of each state, and a book of who keeps which field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::status::Status;

/// The path of a field, such as `data`, `token`.
type Field = Vec<String>;

/// A Secret.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) owners: Value,
    fields: BTreeMap<Field, Value>,
    managers: BTreeMap<(String, &'static str), BTreeSet<Field>>,
}

/// What a namespace's Secrets are, by `NAMESPACE/NAME`.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    held: BTreeMap<String, Held>,
    last: u64,
}

const UPDATE: &str = "Update";
const APPLY: &str = "Apply";
const LARGEST: usize = 1 << 20;

impl Held {
    /// A key's content, decoded.
    pub(crate) fn value(&self, key: &str) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let text = self.fields.get(&field(&["data", key]))?.as_str().unwrap();
        Some(base64::engine::general_purpose::STANDARD.decode(text).unwrap())
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.fields.get(&field(&["metadata", "labels", name]))?.as_str()
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.fields.get(&field(&["metadata", "annotations", name]))?.as_str()
    }

    /// Who keeps a key, and how.
    pub(crate) fn keepers(&self, key: &str) -> Vec<(&str, &'static str)> {
        let field = field(&["data", key]);
        let keep = self.managers.iter().filter(|(_, fields)| fields.contains(&field));
        keep.map(|((name, operation), _)| (name.as_str(), *operation)).collect()
    }

    /// As the API shows it.
    pub(crate) fn shown(&self, place: &str) -> Value {
        let (namespace, name) = place.split_once('/').unwrap();
        let mut shown = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": self.uid,
                "resourceVersion": self.version.to_string(),
                "creationTimestamp": "2026-11-21T10:00:00Z",
                "managedFields": self.managers.iter().map(|((name, operation), fields)| json!({
                    "manager": name,
                    "operation": operation,
                    "apiVersion": "v1",
                    "time": "2026-11-21T10:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": book(fields, *operation == UPDATE),
                })).collect::<Vec<_>>(),
            },
            "type": "Opaque",
        });
        if !self.owners.is_null() {
            shown["metadata"]["ownerReferences"] = self.owners.clone();
        }
        for (path, value) in &self.fields {
            let mut at = &mut shown;
            for name in path {
                at = at.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}));
            }
            *at = value.clone();
        }
        shown
    }

    fn kind(&self) -> Value {
        self.fields.get(&field(&["type"])).cloned().unwrap_or_else(|| "Opaque".into())
    }

    fn data(&self) -> BTreeMap<&Field, &Value> {
        self.fields.iter().filter(|(path, _)| path[0] == "data").collect()
    }
}

impl Secrets {
    pub(crate) fn get(&self, place: &str) -> Option<&Held> {
        self.held.get(place)
    }

    /// Server-side apply. Says whether it made the Secret.
    pub(crate) fn apply(&mut self, place: &str, manager: &str, body: &Value, force: bool) -> Result<bool, Status> {
        let applied = leaves(body)?;
        let me = (manager.to_owned(), APPLY);
        let (before, is_new) = match self.held.get(place) {
            Some(held) => (held.clone(), false),
            None => (self.fresh(), true),
        };
        let (uid, version) = (&body["metadata"]["uid"], &body["metadata"]["resourceVersion"]);
        if is_new && !uid.is_null() {
            return Err(Status::modified(place, "uid mismatch: no existing object was found"));
        }
        let mut after = before.clone();
        let mut clashes = Vec::new();
        for (path, value) in &applied {
            let others = after.managers.iter_mut().filter(|(who, fields)| **who != me && fields.contains(path));
            for ((name, operation), fields) in others {
                if before.fields.get(path) == Some(value) {
                    continue;
                }
                if force {
                    fields.remove(path);
                } else {
                    let how = if *operation == UPDATE { " using v1 at 2026-11-21T10:00:00Z" } else { "" };
                    clashes.push((format!(".{}", path.join(".")), format!("conflict with \"{name}\"{how}")));
                }
            }
        }
        if !clashes.is_empty() {
            return Err(Status::clash(clashes));
        }
        for path in before.managers.get(&me).into_iter().flatten().filter(|path| !applied.contains_key(*path)) {
            let is_shared = before.managers.iter().any(|(who, fields)| *who != me && fields.contains(path));
            if !is_shared {
                after.fields.remove(path);
            }
        }
        after.fields.extend(applied.clone());
        after.managers.insert(me, applied.into_keys().collect());
        if !uid.is_null() && uid != before.uid.as_str() {
            return Err(Status::modified(place, "Precondition failed: UID in precondition"));
        }
        if !version.is_null() && version.as_str() != Some(before.version.to_string().as_str()) {
            return Err(Status::modified(place, "the object has been modified"));
        }
        self.store(place, before, after, is_new).map(|()| is_new)
    }

    /// Any other change: what it sets is kept by this manager from then on.
    pub(crate) fn update(&mut self, place: &str, manager: &str, change: impl FnOnce(&mut Value)) -> Result<(), Status> {
        let (before, is_new) = match self.held.get(place) {
            Some(held) => (held.clone(), false),
            None => (self.fresh(), true),
        };
        let mut body = before.shown(place);
        change(&mut body);
        if body["metadata"]["resourceVersion"].as_str() != Some(before.version.to_string().as_str()) {
            return Err(Status::modified(place, "the object has been modified"));
        }
        if body["metadata"]["uid"] != before.uid.as_str() {
            return Err(Status::modified(place, "Precondition failed: UID in precondition"));
        }
        for system in ["creationTimestamp", "managedFields", "ownerReferences"] {
            body["metadata"].as_object_mut().unwrap().remove(system);
        }
        let mut after = before.clone();
        after.fields = leaves(&body)?;
        let changed: Vec<_> = after
            .fields
            .iter()
            .filter(|(path, value)| before.fields.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        for fields in after.managers.values_mut() {
            fields.retain(|path| after.fields.contains_key(path) && !changed.contains(path));
        }
        after.managers.entry((manager.to_owned(), UPDATE)).or_default().extend(changed);
        self.store(place, before, after, is_new)
    }

    /// Deletes the one that is meant.
    pub(crate) fn delete(&mut self, place: &str, uid: Option<&str>, version: Option<&str>) -> Result<(), Status> {
        let held = self.held.get(place).ok_or_else(|| Status::missing(place))?;
        if uid.is_some_and(|uid| uid != held.uid) || version.is_some_and(|version| version != held.version.to_string())
        {
            return Err(Status::modified(place, "Precondition failed"));
        }
        self.held.remove(place);
        Ok(())
    }

    /// Gives a Secret an owner, as controllers do.
    pub(crate) fn own(&mut self, place: &str, owners: Value) {
        self.held.get_mut(place).unwrap().owners = owners;
    }

    fn fresh(&mut self) -> Held {
        self.last += 1;
        Held {
            uid: format!("uid-{}", self.last),
            version: 0,
            owners: Value::Null,
            fields: BTreeMap::new(),
            managers: BTreeMap::new(),
        }
    }

    fn store(&mut self, place: &str, before: Held, mut after: Held, is_new: bool) -> Result<(), Status> {
        after.managers.retain(|_, fields| !fields.is_empty());
        let is_fixed = before.fields.get(&field(&["immutable"])) == Some(&Value::Bool(true));
        if is_fixed && before.data() != after.data() {
            let why = "data: Forbidden: field is immutable when `immutable` is set";
            return Err(Status::invalid(place, "data", "FieldValueForbidden", why));
        }
        if !is_new && before.kind() != after.kind() {
            return Err(Status::invalid(place, "type", "FieldValueInvalid", "type: Invalid value: field is immutable"));
        }
        let keys: Vec<_> = after.data().into_keys().map(|path| path[1].clone()).collect();
        for key in &keys {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if key.is_empty() || key.len() > 253 || key.starts_with("..") || key == "." || !key.bytes().all(fits) {
                return Err(Status::invalid(place, &format!("data[{key}]"), "FieldValueInvalid", "a valid config key"));
            }
        }
        if keys.iter().filter_map(|key| after.value(key)).map(|value| value.len()).sum::<usize>() > LARGEST {
            return Err(Status::invalid(
                place,
                "data",
                "FieldValueTooLong",
                "data: Too long: may not be more than 1048576 bytes",
            ));
        }
        if is_new || before.fields != after.fields || before.managers != after.managers {
            self.last += 1;
            after.version = self.last;
        }
        self.held.insert(place.to_owned(), after);
        Ok(())
    }
}

/// The fields that a body sets. Whatever is not known is refused.
fn leaves(body: &Value) -> Result<BTreeMap<Field, Value>, Status> {
    let strange = |what: &str| Status::bad(&format!("{what}: field not declared in schema"));
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut leaves = BTreeMap::new();
    for (name, value) in map(body) {
        match name.as_str() {
            "apiVersion" if value == "v1" => {}
            "kind" if value == "Secret" => {}
            "type" if value.is_string() => drop(leaves.insert(field(&["type"]), value)),
            "immutable" if value.is_boolean() => drop(leaves.insert(field(&["immutable"]), value)),
            "data" => leaves.extend(texts(&["data"], &map(&value))?),
            "metadata" => {
                for (name, value) in map(&value) {
                    match name.as_str() {
                        "name" | "namespace" | "uid" | "resourceVersion" if value.is_string() => {}
                        "labels" | "annotations" => leaves.extend(texts(&["metadata", &name], &map(&value))?),
                        _ => return Err(strange(&format!(".metadata.{name}"))),
                    }
                }
            }
            _ => return Err(strange(&format!(".{name}"))),
        }
    }
    Ok(leaves)
}

fn texts(at: &[&str], map: &Map<String, Value>) -> Result<BTreeMap<Field, Value>, Status> {
    let mut texts = BTreeMap::new();
    for (name, value) in map {
        if !value.is_string() {
            return Err(Status::bad(&format!(".{}.{name}: expected string", at.join("."))));
        }
        texts.insert(at.iter().copied().chain([name.as_str()]).map(str::to_owned).collect(), value.clone());
    }
    Ok(texts)
}

/// The book of fields as the API writes it.
fn book(fields: &BTreeSet<Field>, with_maps: bool) -> Value {
    let mut book = json!({});
    for path in fields {
        let mut at = &mut book;
        for (depth, name) in path.iter().enumerate() {
            if with_maps && depth > 0 {
                at["."] = json!({});
            }
            at = at.as_object_mut().unwrap().entry(format!("f:{name}")).or_insert_with(|| json!({}));
        }
    }
    book
}

fn field(path: &[&str]) -> Field {
    path.iter().map(|name| (*name).to_owned()).collect()
}
