//! Who an access token belongs to.

use serde::Deserialize;

use super::ProviderError;
use crate::account::Identity;

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    account: Account,
    #[serde(default)]
    organization: Organization,
}

#[derive(Default, Deserialize)]
struct Account {
    uuid: Option<String>,
    email: Option<String>,
}

#[derive(Default, Deserialize)]
struct Organization {
    uuid: Option<String>,
    name: Option<String>,
    organization_type: Option<String>,
    rate_limit_tier: Option<String>,
}

/// Reads `/api/oauth/profile`. What is missing stays unknown.
pub(super) fn read(body: &[u8]) -> Result<Identity, ProviderError> {
    let Profile { account, organization } =
        serde_json::from_slice(body).map_err(|_| ProviderError::strange("the profile is not in its usual shape"))?;
    let plan = organization.organization_type.map(|kind| kind.trim_start_matches("claude_").to_owned());
    Ok(Identity {
        account_uuid: account.uuid,
        email: account.email,
        organization_uuid: organization.uuid,
        organization: organization.name,
        plan,
        rate_limit_tier: organization.rate_limit_tier,
    }
    .plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_in_the_clis_own_word() {
        let body = br#"{"account":{"uuid":"a","email":"ada@x"},"organization":{"organization_type":"claude_max"}}"#;
        let identity = read(body).unwrap();
        assert_eq!((identity.plan.as_deref(), identity.email.as_deref()), (Some("max"), Some("ada@x")));
        assert_eq!(read(b"{}").unwrap(), Identity::default());
        read(b"<html>").unwrap_err();
    }
}
