//! Which Secret is meant, and what a file is called in it: names as Kubernetes takes them, checked where they come in.

use std::fmt;
use std::str::FromStr;

use super::ClusterError;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::words::BadWord;

/// The longest label of DNS (RFC 1123).
const LONGEST_LABEL: usize = 63;
/// The longest name of a Secret, and of a key in one.
const LONGEST_NAME: usize = 253;

/// A Secret of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPlace {
    /// The context of the kubeconfig that leads to the cluster; none is the current one, or the cluster that we run in.
    pub context: Option<String>,
    /// Its namespace, a label of DNS.
    pub namespace: String,
    /// Its name there: labels of DNS, joined by dots.
    pub name: String,
}

impl SecretPlace {
    /// The same Secret, in the cluster that this context leads to.
    #[must_use]
    pub fn in_context(self, context: Option<String>) -> Self {
        Self { context, ..self }
    }

    /// What a [`Parcel`](crate::destinations::Parcel) has as its root: `NAMESPACE/SECRET`.
    pub fn root(&self) -> String {
        self.to_string()
    }
}

impl FromStr for SecretPlace {
    type Err = BadWord;

    /// Reads `NAMESPACE/SECRET`.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let bad = |what: &str| BadWord { word: word.to_owned(), what: what.to_owned() };
        let (namespace, name) = word
            .split_once('/')
            .ok_or_else(|| bad("a Secret of a cluster. Write its namespace before it, such as default/claude-auth."))?;
        if !is_label(namespace) {
            return Err(bad("a Secret of a cluster, because of what stands before the slash. A namespace has small \
                            letters, digits and - , begins and ends with a letter or a digit, and is at most 63 long."));
        }
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err(bad("a Secret of a cluster, because of what stands behind the slash. A Secret's name has \
                            small letters, digits, - and . , begins and ends with a letter or a digit, and is at \
                            most 253 long."));
        }
        Ok(Self { context: None, namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl Serialize for SecretPlace {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("SecretPlace", 2)?;
        fields.serialize_field("kubernetes", &self.root())?;
        fields.serialize_field("kube_context", &self.context)?;
        fields.end()
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    text.len() <= LONGEST_LABEL
        && bytes.first().is_some_and(|byte| plain(*byte))
        && bytes.last().is_some_and(|byte| plain(*byte))
        && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
}

/// The key that a file has in a Secret: its path, with `.` in place of `/`. So `.credentials.json` stays what it is, and
/// `configs/default.json` becomes `configs.default.json`; a pod's volume can give it its folder back, by `items`.
///
/// # Errors
/// [`ClusterError::BadKey`] where that is no key: those have letters, digits, `-`, `_` and `.`, at most 253 of them, and
/// don't begin with two dots.
pub fn key_of(path: &str) -> Result<String, ClusterError> {
    let key = path.replace('/', ".");
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_path = path.split('/').all(|name| !matches!(name, "" | "." | ".."));
    if is_path && key.len() <= LONGEST_NAME && !key.starts_with("..") && key.bytes().all(fits) {
        Ok(key)
    } else {
        Err(ClusterError::BadKey { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_with_its_namespace() {
        let place: SecretPlace = "team-a/claude-auth".parse().unwrap();
        assert_eq!(
            (place.namespace.as_str(), place.name.as_str(), place.context.as_ref()),
            ("team-a", "claude-auth", None)
        );
        assert_eq!(place.root(), "team-a/claude-auth");
        for good in ["default/claude", "0/0", "a/b.c-d.e"] {
            good.parse::<SecretPlace>().unwrap();
        }
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused_with_a_reason() {
        let long = "a".repeat(64);
        for (bad, reason) in [
            ("claude-auth", "before it"),
            ("Team/claude", "before the slash"),
            ("/claude", "before the slash"),
            ("team_a/claude", "before the slash"),
            ("-team/claude", "before the slash"),
            (&format!("{long}/claude"), "before the slash"),
            ("team/", "behind the slash"),
            ("team/Claude", "behind the slash"),
            ("team/claude-", "behind the slash"),
            ("team/a..b", "behind the slash"),
            ("team/a/b", "behind the slash"),
            ("team/ä", "behind the slash"),
            (&format!("team/{}", "a.".repeat(127) + "a"), "behind the slash"),
        ] {
            let error = bad.parse::<SecretPlace>().unwrap_err().to_string();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }

    #[test]
    fn a_file_s_path_becomes_a_key() {
        for (path, key) in [
            (".credentials.json", ".credentials.json"),
            ("configs/default.json", "configs.default.json"),
            ("home/.claude/.credentials.json", "home..claude..credentials.json"),
            ("access_token", "access_token"),
        ] {
            assert_eq!(key_of(path).unwrap(), key);
        }
        let long = "a".repeat(254);
        for bad in ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "..a", "a b", "ä", "a:b", long.as_str()] {
            assert_eq!(key_of(bad).unwrap_err().code(), "bad_key", "{bad}");
        }
    }
}
