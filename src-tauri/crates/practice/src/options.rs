//! What can be set about the provider: who signs in, how long things live, how its clock runs. The same type serves
//! tests in process, the command line and the control interface.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// How the provider behaves while nothing is wrong; for what is wrong see [`crate::Fault`].
///
/// In JSON and on the command line a duration reads `2s`, `90m` or `720h`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Authorize at once, without showing the page.
    #[arg(long)]
    pub automatic: bool,

    /// Answer every authorization with `access_denied`.
    #[arg(long)]
    pub deny: bool,

    /// Email of the practice person who signs in where the client gives no `login_hint`.
    #[arg(long, value_name = "EMAIL", default_value = ADA)]
    pub person: String,

    /// How long an access token lives.
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "8h")]
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub access_token_lifetime: Duration,

    /// How long a sign-in lives; renewing does not move its end.
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "720h")]
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub sign_in_lifetime: Duration,

    /// How long an authorization code can be exchanged.
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "10m")]
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub code_lifetime: Duration,

    /// Name the sign-in's end in token answers, as `refresh_token_expires_in`.
    #[arg(long)]
    pub show_sign_in_end: bool,

    /// When a sign-in is revoked, or ended because a code or refresh token was used twice, end its access tokens too.
    #[arg(long)]
    pub end_access_tokens: bool,

    /// Refuse to end a one-year token before its time, as a provider may that ends refresh tokens alone.
    #[arg(long)]
    pub keep_year_tokens: bool,

    /// How long a one-year token lives, whatever the client wishes.
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "8760h")]
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub year_token_lifetime: Duration,

    /// How far the provider's clock is ahead of the system's, or behind it: `-2h`. Dates, and what has expired,
    /// go by the provider's clock.
    #[arg(long, value_name = "DURATION", default_value = "0s", allow_hyphen_values = true)]
    pub clock_offset: SignedDuration,

    /// The people who can sign in.
    #[arg(skip = Person::everyone())]
    pub people: Vec<Person>,
}

/// The person who signs in unless another is asked for.
const ADA: &str = "ada@practice.example";

impl Default for Options {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        Self {
            automatic: false,
            deny: false,
            person: ADA.to_owned(),
            access_token_lifetime: Duration::from_secs(8 * HOUR),
            sign_in_lifetime: Duration::from_secs(30 * 24 * HOUR),
            code_lifetime: Duration::from_secs(10 * MINUTE),
            show_sign_in_end: false,
            end_access_tokens: false,
            keep_year_tokens: false,
            year_token_lifetime: Duration::from_secs(365 * 24 * HOUR),
            clock_offset: SignedDuration::ZERO,
            people: Person::everyone(),
        }
    }
}

impl Options {
    /// The person with that email.
    pub(crate) fn find(&self, email: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.email == email)
    }
}

/// Reads a duration that is not negative, such as `2s`, `90m` or `720h`.
///
/// # Errors
/// A sentence saying what is wrong with it.
pub fn lifetime(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text.parse().map_err(|error| format!("{error}; write it like 2s, 90m or 720h"))?;
    Duration::try_from(signed).map_err(|_| "a lifetime can't be negative".to_owned())
}

/// Somebody who can sign in here. Nobody real.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their email, which also is what the provider tells them apart by.
    pub email: String,
    /// Their name.
    pub full_name: String,
    /// A UUID that stays the same over restarts.
    pub account_uuid: String,
    /// Their organization's name.
    pub organization_name: String,
    /// Their organization's UUID; it stays the same over restarts.
    pub organization_uuid: String,
    /// What they pay for.
    pub plan: Plan,
}

/// A practice person's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Claude Pro.
    Pro,
    /// Claude Max.
    Max,
    /// A seat in a team.
    Team,
}

impl Plan {
    /// The profile's `organization_type`.
    pub(crate) fn organization_type(self) -> &'static str {
        match self {
            Self::Pro => "claude_pro",
            Self::Max => "claude_max",
            Self::Team => "claude_team",
        }
    }

    /// The profile's `rate_limit_tier`.
    pub(crate) fn rate_limit_tier(self) -> &'static str {
        match self {
            Self::Pro => "default_claude_ai",
            Self::Max => "default_claude_max_20x",
            Self::Team => "default_raven",
        }
    }
}

impl Person {
    /// The people who live here unless others are named.
    fn everyone() -> Vec<Self> {
        let person = |number: u8, full_name: &str, email: &str, organization: &str, plan| Self {
            email: email.to_owned(),
            full_name: full_name.to_owned(),
            account_uuid: format!("00000000-0000-4000-8000-0000000000{number:02}"),
            organization_name: organization.to_owned(),
            organization_uuid: format!("00000000-0000-4000-9000-0000000000{number:02}"),
            plan,
        };
        vec![
            person(1, "Ada Practice", ADA, "Ada's practice organization", Plan::Max),
            person(2, "Grace Practice", "grace@practice.example", "Grace's practice organization", Plan::Pro),
            person(3, "Alan Practice", "alan@practice.example", "Practice Works", Plan::Team),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args as _, FromArgMatches as _};

    use super::{Options, lifetime};

    #[test]
    fn the_command_line_starts_from_the_same_defaults() {
        let matches = Options::augment_args(clap::Command::new("test")).get_matches_from(["test"]);
        assert_eq!(Options::from_arg_matches(&matches).unwrap(), Options::default());
    }

    #[test]
    fn json_round_trips() {
        let json = serde_json::to_string(&Options::default()).unwrap();
        assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), Options::default());
    }

    #[test]
    fn lifetimes_are_read_strictly() {
        assert_eq!(lifetime("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(lifetime("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(lifetime("-2s").is_err());
        assert!(lifetime("2").is_err());
    }
}
