//! A user's row: as formats see it, which is JSON, and as it stands in the table, which is encrypted. Pure.

use std::fmt;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::secret::{SecretBytes, SecretString};

/// The one file that a row is taken for.
pub(super) const FILE: &str = "row";

/// A row as formats see it: `{"access_token":…,"expires_at":…,"scopes":[…]}`, and `"refresh_token"` last where somebody
/// else put one there.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Shape {
    access_token: String,
    /// In seconds since 1970. None where the row has no end that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// A row in plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) access_token: SecretString,
    pub(super) refresh_token: Option<SecretString>,
    /// In seconds since 1970.
    pub(super) expires_at: Option<i64>,
    pub(super) scopes: Option<Vec<String>>,
}

impl Row {
    /// As formats see it.
    pub(super) fn to_json(&self) -> SecretBytes {
        let exposed = |secret: &SecretString| secret.expose().to_owned();
        let shape = Shape {
            access_token: exposed(&self.access_token),
            expires_at: self.expires_at,
            scopes: self.scopes.clone(),
            refresh_token: self.refresh_token.as_ref().map(exposed),
        };
        SecretBytes::new(serde_json::to_vec(&shape).unwrap_or_default())
    }

    /// What a format made, if it can be put into the table.
    ///
    /// # Errors
    /// Why not, as the end of a sentence, without a word of it.
    pub(super) fn to_write(json: &[u8]) -> Result<Self, &'static str> {
        let mut shape: Shape = serde_json::from_slice(json).map_err(|_| "it is no JSON of a row")?;
        if shape.refresh_token.is_some() {
            return Err("a refresh token is given to nobody");
        }
        if shape.access_token.is_empty() {
            return Err("there is no access token in it");
        }
        if shape.expires_at.is_none() {
            return Err("it does not say when the token ends");
        }
        Ok(Self {
            access_token: SecretString::new(std::mem::take(&mut shape.access_token)),
            refresh_token: None,
            expires_at: shape.expires_at,
            scopes: shape.scopes.take(),
        })
    }
}

/// A token as it stands in the table. It is encrypted, and shown to nobody all the same: tokio-postgres logs parameters.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sealed(pub(super) String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl ToSql for Sealed {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <String as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"access_token":"canary-a","expires_at":1767254400,"scopes":["user:inference"]}"#;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let row = Row::to_write(WHOLE.as_bytes()).unwrap();
        assert_eq!(row.to_json().expose(), WHOLE.as_bytes());
        let foreign = Row { refresh_token: Some(SecretString::new("canary-r")), ..row.clone() };
        let shown = String::from_utf8(foreign.to_json().expose().to_vec()).unwrap();
        assert!(shown.ends_with(r#","refresh_token":"canary-r"}"#), "{shown}");
        let bare = Row { expires_at: None, scopes: None, ..row };
        assert_eq!(bare.to_json().expose(), br#"{"access_token":"canary-a"}"#);
    }

    #[test]
    fn what_is_no_row_is_not_written() {
        for (json, why) in [
            ("", "no JSON"),
            ("[]", "no JSON"),
            (r#"{"claudeAiOauth":{"accessToken":"canary"}}"#, "no JSON"),
            (r#"{"access_token":"canary","expires_at":1,"refresh_token":"canary"}"#, "given to nobody"),
            (r#"{"access_token":"","expires_at":1}"#, "no access token"),
            (r#"{"access_token":"canary"}"#, "when the token ends"),
            (r#"{"access_token":"canary","expires_at":1.5}"#, "no JSON"),
        ] {
            let refused = Row::to_write(json.as_bytes()).unwrap_err();
            assert!(refused.contains(why) && !refused.contains("canary"), "{json}: {refused}");
        }
    }

    #[test]
    fn a_row_is_not_shown() {
        let shown = format!("{:?} {:?}", Row::to_write(WHOLE.as_bytes()), Sealed("canary".to_owned()));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
