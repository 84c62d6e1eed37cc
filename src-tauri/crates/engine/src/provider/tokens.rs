//! What the token endpoint answers, read with care.

use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{ExtraTokenFields, RequestTokenError, StandardTokenResponse, TokenResponse};
use serde::{Deserialize, Serialize};

use super::ProviderError;
use crate::account::Identity;
use crate::secret::SecretString;

/// A lifetime beyond this is a mistake, and would overflow what is counted with it.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
/// How long an access token is held to live where that is not told, which RFC 6749 section 5.1 allows: well below the
/// hours that real ones live.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(3600);

/// Fresh tokens, with lifetimes as the provider counts them: from the moment of its answer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What takers are given.
    pub access_token: SecretString,
    /// The successor of the refresh token; `None` where the old one stays valid.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives.
    pub access_token_lives: Duration,
    /// How long the sign-in lives, where the provider names an end.
    pub sign_in_lives: Option<Duration>,
    /// What was granted; empty where the provider named nothing, which means what was asked for.
    pub scopes: Vec<String>,
    /// Who it is, as far as the answer tells.
    pub identity: Identity,
}

pub(super) type TokenAnswer = StandardTokenResponse<Extra, BasicTokenType>;

/// What the provider adds to RFC 6749 section 5.1. It holds no secret.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Extra {
    refresh_token_expires_in: Option<u64>,
    account: Option<Account>,
    organization: Option<Organization>,
}

impl ExtraTokenFields for Extra {}

#[derive(Debug, Deserialize, Serialize)]
struct Account {
    uuid: Option<String>,
    email_address: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Organization {
    uuid: Option<String>,
    name: Option<String>,
}

impl Tokens {
    pub(super) fn read(answer: TokenAnswer) -> Result<Self, ProviderError> {
        let access_token = SecretString::new(answer.access_token().secret().as_str());
        if access_token.is_empty() {
            return Err(ProviderError::strange("there is no access token in it"));
        }
        let extra = answer.extra_fields();
        let (account, organization) = (extra.account.as_ref(), extra.organization.as_ref());
        Ok(Self {
            access_token,
            refresh_token: refresh_token(&answer),
            access_token_lives: answer.expires_in().filter(makes_sense).unwrap_or(ASSUMED_LIFETIME),
            sign_in_lives: extra.refresh_token_expires_in.map(Duration::from_secs).filter(makes_sense),
            scopes: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
            identity: Identity {
                account_uuid: account.and_then(|it| it.uuid.clone()),
                email: account.and_then(|it| it.email_address.clone()),
                organization_uuid: organization.and_then(|it| it.uuid.clone()),
                organization: organization.and_then(|it| it.name.clone()),
                ..Identity::default()
            }
            .plain(),
        })
    }
}

fn makes_sense(life: &Duration) -> bool {
    !life.is_zero() && *life <= LONGEST_LIFETIME
}

/// The refresh token in an answer.
pub(super) fn refresh_token(answer: &TokenAnswer) -> Option<SecretString> {
    answer.refresh_token().map(|token| SecretString::new(token.secret().as_str())).filter(|token| !token.is_empty())
}

/// Only `invalid_grant` is about the sign-in. The other words of RFC 6749 section 5.2 are about this program or the
/// server, and a later version or a mended server may be answered otherwise.
pub(super) fn sort_out(error: RequestTokenError<ProviderError, BasicErrorResponse>) -> ProviderError {
    match error {
        RequestTokenError::Request(judged) => judged,
        RequestTokenError::ServerResponse(said) => match said.error() {
            BasicErrorResponseType::InvalidGrant => ProviderError::Refused { reason: "invalid_grant".to_owned() },
            // A word that the standard doesn't know is the server's own text, which may hold anything.
            BasicErrorResponseType::Extension(_) => ProviderError::strange("an error that the standard does not know"),
            known => ProviderError::Strange { what: format!("it says {}", known.as_ref()) },
        },
        // The body goes no further: it may hold tokens.
        RequestTokenError::Parse(..) => ProviderError::strange("a field is missing, or of the wrong kind"),
        RequestTokenError::Other(_) => ProviderError::strange("the answer is empty or no JSON"),
    }
}
