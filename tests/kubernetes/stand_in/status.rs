//! How an API server says no.

use serde_json::{Value, json};

/// An answer that says no.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) body: Value,
}

impl Status {
    pub(crate) fn new(code: u16, reason: &str, message: &str, details: Value) -> Self {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code,
        });
        Self { code, body }
    }

    pub(crate) fn bad(message: &str) -> Self {
        Self::new(400, "BadRequest", message, json!({}))
    }

    pub(crate) fn missing(place: &str) -> Self {
        let name = name(place);
        Self::new(404, "NotFound", &format!("secrets \"{name}\" not found"), json!({ "name": name, "kind": "secrets" }))
    }

    pub(crate) fn no_namespace(place: &str) -> Self {
        let (namespace, _) = place.split_once('/').unwrap();
        let message = format!("namespaces \"{namespace}\" not found");
        Self::new(404, "NotFound", &message, json!({ "name": namespace, "kind": "namespaces" }))
    }

    pub(crate) fn ending_namespace(place: &str) -> Self {
        let (namespace, name) = place.split_once('/').unwrap();
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause =
            json!({ "reason": "NamespaceTerminating", "message": "being terminated", "field": "metadata.namespace" });
        let details = json!({ "name": name, "kind": "secrets", "causes": [cause] });
        Self::new(403, "Forbidden", &format!("secrets \"{name}\" is forbidden: {why}"), details)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized", json!({}))
    }

    pub(crate) fn forbidden(place: &str, user: &str, verb: &str) -> Self {
        let (namespace, name) = place.split_once('/').unwrap();
        let why = format!(
            "secrets \"{name}\" is forbidden: User \"{user}\" cannot {verb} resource \"secrets\" in API group \"\" in the \
             namespace \"{namespace}\""
        );
        Self::new(403, "Forbidden", &why, json!({ "name": name, "kind": "secrets" }))
    }

    pub(crate) fn modified(place: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on secrets \"{}\": {why}", name(place));
        Self::new(409, "Conflict", &message, json!({ "name": name(place), "kind": "secrets" }))
    }

    pub(crate) fn clash(clashes: Vec<(String, String)>) -> Self {
        let causes: Vec<_> = clashes
            .iter()
            .map(|(field, message)| json!({ "reason": "FieldManagerConflict", "message": message, "field": field }))
            .collect();
        let message = format!("Apply failed with {} conflicts", causes.len());
        Self::new(409, "Conflict", &message, json!({ "causes": causes }))
    }

    pub(crate) fn invalid(place: &str, field: &str, reason: &str, why: &str) -> Self {
        let cause = json!({ "reason": reason, "message": why, "field": field });
        let message = format!("Secret \"{}\" is invalid: {why}", name(place));
        Self::new(422, "Invalid", &message, json!({ "name": name(place), "kind": "Secret", "causes": [cause] }))
    }
}

fn name(place: &str) -> &str {
    place.split_once('/').unwrap().1
}
