//! A token endpoint's answer, put into the shape that `oauth2` reads.
//!
//! What is not of the kind that RFC 6749 section 5.1 has it is left out, field by field: among the others may be a refresh
//! token whose predecessor is used up, and to refuse the whole answer would be to lose the sign-in.

use serde_json::{Map, Value};

use super::ProviderError;

/// The answer with the fields that `oauth2` can read. An access token that is missing, or none, is empty in it.
pub(super) fn readable(body: &[u8]) -> Result<Vec<u8>, ProviderError> {
    let no_object = |_| ProviderError::strange("the answer is no JSON object");
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(no_object)?;
    for name in ["access_token", "refresh_token", "scope", "token_type"] {
        leave_out_unless(&mut fields, name, Value::is_string);
    }
    for name in ["account", "organization"] {
        leave_out_unless(&mut fields, name, Value::is_object);
        if let Some(Value::Object(about)) = fields.get_mut(name) {
            about.retain(|_, value| value.is_string());
        }
    }
    for name in ["expires_in", "refresh_token_expires_in"] {
        match fields.get(name).and_then(seconds) {
            Some(seconds) => fields.insert(name.to_owned(), seconds.into()),
            None => fields.shift_remove(name),
        };
    }
    // The RFC demands it; the real endpoint was never seen to send it.
    fields.entry("token_type").or_insert_with(|| "Bearer".into());
    fields.entry("access_token").or_insert_with(|| "".into());
    serde_json::to_vec(&fields).map_err(no_object)
}

fn leave_out_unless(fields: &mut Map<String, Value>, name: &str, fits: impl Fn(&Value) -> bool) {
    if fields.get(name).is_some_and(|value| !fits(value)) {
        fields.shift_remove(name);
    }
}

/// A number of seconds, however it is written. Of a fraction, what is whole.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) if number.is_f64() => number.to_string().split('.').next()?.parse().ok(),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Value {
        serde_json::from_slice(&readable(answer.to_string().as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_good_answer_stays_as_it_is() {
        let answer = json!({
            "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 28800, "scope": "x y",
            "account": {"uuid": "u", "email_address": "e"}, "refresh_token_expires_in": 5, "unknown": [1],
        });
        assert_eq!(read(&answer), answer);
    }

    #[test]
    fn what_makes_no_sense_costs_no_more_than_itself() {
        let answer = json!({
            "access_token": 5, "refresh_token": "r", "expires_in": "soon", "scope": ["x"],
            "account": {"uuid": "u", "email_address": 5}, "organization": "o", "refresh_token_expires_in": -1,
        });
        let left = json!({"refresh_token": "r", "account": {"uuid": "u"}, "token_type": "Bearer", "access_token": ""});
        assert_eq!(read(&answer), left);
        readable(b"[]").unwrap_err();
    }

    #[test]
    fn seconds_may_be_written_in_many_ways() {
        let seconds = |value: Value| read(&json!({"expires_in": value}))["expires_in"].as_u64();
        assert_eq!(seconds(json!("3600")), Some(3600));
        assert_eq!(seconds(json!(3600.9)), Some(3600));
        for none in [json!(-5), json!(-0.5e300), json!(1e300), json!(null), json!([1])] {
            assert_eq!(seconds(none.clone()), None, "{none}");
        }
    }
}
