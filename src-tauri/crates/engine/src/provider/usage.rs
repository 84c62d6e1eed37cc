//! How much of a plan is used.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ProviderError;

/// A window of time in which so much of the plan may be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UsageWindow {
    /// The provider's word for it: `five_hour`, `seven_day`, and others that may come.
    pub name: String,
    /// How much of it is used, in percent.
    pub used: f64,
    /// When it begins anew, where the provider tells.
    pub resets: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Window {
    utilization: f64,
    resets_at: Option<Timestamp>,
}

/// Reads `/api/oauth/usage`. What is no window, or none of this plan's, is passed over.
pub(super) fn read(body: &[u8]) -> Result<Vec<UsageWindow>, ProviderError> {
    let fields: BTreeMap<String, Value> =
        serde_json::from_slice(body).map_err(|_| ProviderError::strange("the usage is not in its usual shape"))?;
    let windows = fields.into_iter().filter_map(|(name, value)| {
        let Window { utilization, resets_at } = serde_json::from_value(value).ok()?;
        Some(UsageWindow { name, used: utilization, resets: resets_at })
    });
    Ok(windows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_the_rest_is_passed_over() {
        let body =
            br#"{"seven_day":{"utilization":34.5,"resets_at":null},"seven_day_opus":null,"extra":{"is_enabled":false},
            "five_hour":{"utilization":12,"resets_at":"2026-11-29T12:00:00.5+00:00"}}"#;
        let windows = read(body).unwrap();
        let told: Vec<_> = windows.iter().map(|it| (it.name.as_str(), it.used, it.resets.is_some())).collect();
        assert_eq!(told, [("five_hour", 12.0, true), ("seven_day", 34.5, false)]);
        assert_eq!(read(b"{}").unwrap(), []);
        read(b"<html>").unwrap_err();
    }
}
