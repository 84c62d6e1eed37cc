//! Files that hold a JSON object: read so that nothing of others' is lost, and written for people to read.

use serde_json::{Map, Value};

use super::Found;
use crate::credentials::Fingerprint;
use crate::destinations::{Change, ComposeError};
use crate::secret::{SecretBytes, SecretString};

/// What such a file holds, in the order in which it is written there.
pub(super) type Object = Map<String, Value>;

/// The object in a file. No file and an empty one are the same: a place to begin.
///
/// # Errors
/// [`ComposeError::NotUnderstood`] where it is no JSON object.
pub(super) fn read(existing: Option<&[u8]>) -> Result<Object, ComposeError> {
    match existing.map(<[u8]>::trim_ascii) {
        None | Some([]) => Ok(Object::new()),
        Some(content) => serde_json::from_slice(content).map_err(|_| {
            ComposeError::NotUnderstood("it is no JSON object, so what it holds could be lost".to_owned())
        }),
    }
}

/// The object as a file.
///
/// # Errors
/// [`ComposeError::NotUnderstood`] where it can't be written as JSON, which is not known to happen.
pub(super) fn write(object: &Object) -> Result<Change, ComposeError> {
    let mut content = serde_json::to_vec_pretty(object).map_err(|why| ComposeError::NotUnderstood(why.to_string()))?;
    content.push(b'\n');
    Ok(Change::Write(SecretBytes::new(content)))
}

/// Whether what was composed says the same as what is there, however that is laid out.
pub(super) fn is_same(composed: &Result<Change, ComposeError>, existing: &[u8]) -> bool {
    match composed {
        Ok(Change::Keep) => true,
        Ok(Change::Write(new)) => {
            read(Some(new.expose())).is_ok_and(|new| read(Some(existing)).is_ok_and(|existing| existing == new))
        }
        _ => false,
    }
}

/// The keys under which an object has its tokens.
pub(super) struct TokenKeys {
    /// The access token's.
    pub(super) access: &'static str,
    /// The refresh token's.
    pub(super) refresh: &'static str,
}

impl TokenKeys {
    /// The access token in a file; none where there is none.
    pub(super) fn token(&self, existing: &[u8]) -> Option<SecretString> {
        Some(self.access_token(&read(Some(existing)).ok()?)).filter(|token| !token.is_empty())
    }

    /// What lies in a file.
    pub(super) fn found(&self, existing: Option<&[u8]>) -> Found {
        let Ok(object) = read(existing) else { return Found::NotUnderstood };
        let token = self.access_token(&object);
        match object.contains_key(self.access) {
            _ if self.is_sign_in(&object) => Found::SignIn(Fingerprint::of(&token)),
            false => Found::Nothing,
            true if token.is_empty() => Found::Blank,
            true => Found::Token(Fingerprint::of(&token)),
        }
    }

    /// Whether there is a refresh token in it.
    pub(super) fn is_sign_in(&self, object: &Object) -> bool {
        object.get(self.refresh).and_then(Value::as_str).is_some_and(|token| !token.is_empty())
    }

    /// Whether the token in it may be taken away: it is ours, or was blanked, and no refresh token is with it.
    pub(super) fn is_ours(&self, object: &Object, ours: &dyn Fn(&Fingerprint) -> bool) -> bool {
        let token = self.access_token(object);
        let is_ours = token.is_empty() || ours(&Fingerprint::of(&token));
        object.contains_key(self.access) && is_ours && !self.is_sign_in(object)
    }

    fn access_token(&self, object: &Object) -> SecretString {
        SecretString::new(object.get(self.access).and_then(Value::as_str).unwrap_or_default())
    }
}

/// The object without these keys: a file that then holds nothing goes.
pub(super) fn without(mut object: Object, keys: &[&str]) -> Result<Change, ComposeError> {
    // In their order, which `remove` would not keep.
    object.retain(|key, _| !keys.contains(&key.as_str()));
    if object.is_empty() { Ok(Change::Remove) } else { write(&object) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: TokenKeys = TokenKeys { access: "a", refresh: "r" };

    fn object(text: &str) -> Object {
        read(Some(text.as_bytes())).unwrap()
    }

    #[test]
    fn what_lies_there_is_told_apart() {
        let token = |text: &str| Fingerprint::of(&SecretString::new(text));
        for (existing, expected) in [
            ("", Found::Nothing),
            (r#"{"x":1}"#, Found::Nothing),
            (r#"{"a":""}"#, Found::Blank),
            (r#"{"a":null,"r":""}"#, Found::Blank),
            (r#"{"a":"t","r":""}"#, Found::Token(token("t"))),
            (r#"{"a":"t","r":"s"}"#, Found::SignIn(token("t"))),
            (r#"{"r":"s"}"#, Found::SignIn(token(""))),
            ("[]", Found::NotUnderstood),
            ("{", Found::NotUnderstood),
        ] {
            assert_eq!(KEYS.found(Some(existing.as_bytes())), expected, "{existing}");
        }
        assert_eq!(KEYS.found(None), Found::Nothing);
    }

    #[test]
    fn only_our_token_may_go() {
        let ours = |token: &Fingerprint| *token == Fingerprint::of(&SecretString::new("t"));
        for (text, expected) in [
            (r#"{"a":"t"}"#, true),
            (r#"{"a":""}"#, true),
            (r#"{"a":"u"}"#, false),
            (r#"{"a":"t","r":"s"}"#, false),
            (r#"{"x":"t"}"#, false),
        ] {
            assert_eq!(KEYS.is_ours(&object(text), &ours), expected, "{text}");
        }
    }

    #[test]
    fn the_layout_is_no_difference() {
        let composed = write(&object(r#"{"a":1,"b":[2,3]}"#));
        assert!(is_same(&composed, br#"{ "b": [2,3], "a": 1 }"#));
        assert!(!is_same(&composed, br#"{"a":1,"b":[3,2]}"#));
        assert!(!is_same(&composed, b"{"));
        assert!(is_same(&Ok(Change::Keep), b"{"));
        assert!(!is_same(&Err(ComposeError::Foreign), b"{}"));
    }

    #[test]
    fn what_is_taken_away_leaves_the_rest_in_its_order() {
        let Ok(Change::Write(left)) = without(object(r#"{"z":1,"a":"t","y":2,"x":3}"#), &["a"]) else {
            panic!("not written")
        };
        assert_eq!(left.expose(), b"{\n  \"z\": 1,\n  \"y\": 2,\n  \"x\": 3\n}\n");
        assert!(matches!(without(object(r#"{"a":"t"}"#), &["a"]), Ok(Change::Remove)));
    }
}
