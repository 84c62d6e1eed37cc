//! Claude's endpoints, or another provider's in their place: exchange, renew, revoke, profile, and the checks of a key and of a
//! token for inference alone.
//!
//! Answers are judged here once, by what the caller does next ([`ProviderError`]). What is sent and answered is in
//! `claude-code-cli` of the facts; nothing here writes or decides when to ask.

mod answer;
mod endpoints;
mod error;
mod grant;
mod http;
mod profile;
mod tokens;
mod usage;

use std::borrow::Cow;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardRevocableToken, TokenUrl,
};

pub(crate) use endpoints::is_on_this_machine;
pub use endpoints::{BadProvider, Endpoints};
pub use error::{ProviderError, Unrenewed};
pub use grant::Grant;
use jiff::SignedDuration;
pub use tokens::Tokens;
use url::Url;
pub use usage::UsageWindow;

use crate::account::Identity;
use crate::clock::Clock;
use crate::credentials::Kind;
use crate::secret::SecretString;
use http::Http;
use tokens::{TokenAnswer, sort_out};

/// The public client that Claude's own programs sign in as. Not a secret.
pub const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

/// What a sign-in asks for, and a renewal again.
pub const SCOPES: [&str; 6] = [
    "user:profile",
    "user:inference",
    "user:sessions:claude_code",
    "user:mcp_servers",
    "user:file_upload",
    "user:plugins",
];

/// What a one-year token asks for: the official CLI's `setup-token` asks for no more.
pub const ONE_YEAR_SCOPES: [&str; 1] = ["user:inference"];
/// The model that a prompt is counted for, as Anthropic names it. One that is known no more proves and disproves nothing.
const MODEL: &str = "claude-opus-5-5";
/// How long a one-year token is asked to live, as `setup-token` asks.
const ONE_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

type OAuthClient = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A provider that can be asked.
#[derive(Debug)]
pub struct Provider {
    endpoints: Endpoints,
    http: Http,
    oauth: OAuthClient,
}

impl Provider {
    /// A provider at these endpoints. Nothing is sent, and no connection is made until something is.
    pub fn new(endpoints: Endpoints) -> Self {
        let oauth = oauth2::Client::new(ClientId::new(CLIENT_ID.to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token.clone()));
        let http = Http::new(endpoints.on_this_machine());
        Self { endpoints, http, oauth }
    }

    /// Where this provider is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The page on which a person says yes to what is wanted. RFC 6749 section 4.1.1, RFC 7636 section 4.3.
    pub fn authorize_url(
        &self,
        wanted: Wanted,
        challenge: PkceCodeChallenge,
        state: &str,
        redirect: &RedirectUrl,
    ) -> Url {
        let state = CsrfToken::new(state.to_owned());
        let (url, _) = self
            .oauth
            .authorize_url(|| state)
            .set_redirect_uri(Cow::Borrowed(redirect))
            .add_scopes(scopes(wanted))
            .set_pkce_challenge(challenge)
            .add_extra_param("code", "true")
            .url();
        url
    }

    /// Trades an authorization code for tokens. RFC 6749 section 4.1.3, RFC 7636 section 4.5. For a one-year token the
    /// lifetime is asked for here.
    ///
    /// # Errors
    /// See [`ProviderError`]; `Refused` means that this code is of no more use.
    pub async fn exchange(
        &self,
        wanted: Wanted,
        code: &SecretString,
        verifier: &SecretString,
        state: &str,
        redirect: &RedirectUrl,
    ) -> Result<Tokens, ProviderError> {
        let exchange = self
            .oauth
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .set_redirect_uri(Cow::Borrowed(redirect))
            .add_extra_param("state", state);
        let exchange = match wanted {
            Wanted::SignIn => exchange,
            Wanted::OneYear => exchange.add_extra_param(http::LIFETIME, ONE_YEAR.as_secs().to_string()),
        };
        Tokens::read(exchange.request_async(&self.http).await.map_err(sort_out)?)
    }

    /// Trades a refresh token for fresh tokens. RFC 6749 section 6. The refresh token is used up by it. No more scopes are
    /// asked for than were granted: a sign-in that another client made may have fewer than ours.
    ///
    /// # Errors
    /// See [`Unrenewed`]; `Refused` alone means that the sign-in is over.
    pub async fn renew(&self, refresh_token: &SecretString, granted: &[String]) -> Result<Tokens, Unrenewed> {
        let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
        let answer = self
            .oauth
            .exchange_refresh_token(&refresh_token)
            .add_scopes(scopes(Wanted::SignIn).filter(|scope| granted.contains(scope)))
            .request_async(&self.http)
            .await
            .map_err(sort_out)?;
        let successor = tokens::refresh_token(&answer);
        Tokens::read(answer).map_err(|why| Unrenewed { why, successor })
    }

    /// Ends what was granted, at the provider. RFC 7009. That it had ended before is no error there. False where the provider
    /// says that it doesn't end such a thing: `unsupported_token_type` for an access token, section 2.2.1.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn revoke(&self, grant: &Grant) -> Result<bool, ProviderError> {
        let body = serde_json::json!({
            "token": grant.token().expose(),
            "token_type_hint": grant.hint(),
            "client_id": CLIENT_ID,
        });
        self.http.post(&self.endpoints.revoke, &body).await
    }

    /// Whether the provider takes this API key: one request that costs nothing.
    ///
    /// # Errors
    /// See [`ProviderError`]; `Refused` means that the key is not good.
    pub async fn check_api_key(&self, key: &SecretString) -> Result<(), ProviderError> {
        self.http.get_with_key(&self.endpoints.models, key).await.map(drop)
    }

    /// Whether the provider takes this access token for inference: it counts a prompt's tokens, which costs nothing.
    ///
    /// # Errors
    /// See [`ProviderError`]; `Refused` means that the access token is not good.
    pub async fn check_inference(&self, access_token: &SecretString) -> Result<(), ProviderError> {
        let prompt = serde_json::json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]});
        self.http.post_as_holder(&self.endpoints.count_tokens, access_token, &prompt).await.map(drop)
    }

    /// Whether it answers, and how far its clock is ahead of ours, where it tells. Nothing is said of who asks.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn clock_ahead(&self, clock: &Clock) -> Result<Option<SignedDuration>, ProviderError> {
        let asked = clock.now();
        let told = self.http.date(&self.endpoints.token).await?;
        let taken = clock.now().duration_since(asked);
        // It told the time somewhere between the question and the answer.
        Ok(told.map(|told| told.duration_since(asked) - taken / 2))
    }

    /// Who the holder of this access token is.
    ///
    /// # Errors
    /// See [`ProviderError`]; `Refused` means that the access token is not good, `NotAllowed` that it is for inference
    /// alone.
    pub async fn profile(&self, access_token: &SecretString) -> Result<Identity, ProviderError> {
        let answer = self.http.get(&self.endpoints.profile, access_token).await?;
        profile::read(&answer)
    }

    /// How much of their plan the holder of this access token has used.
    ///
    /// # Errors
    /// As [`profile`](Self::profile).
    pub async fn usage(&self, access_token: &SecretString) -> Result<Vec<UsageWindow>, ProviderError> {
        usage::read(&self.http.get(&self.endpoints.usage, access_token).await?)
    }
}

/// What a person is asked to grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A sign-in, to be renewed.
    #[default]
    SignIn,
    /// A token of a year, for inference alone.
    OneYear,
}

impl Wanted {
    /// The kind of credential that comes of it.
    pub fn kind(self) -> Kind {
        match self {
            Self::SignIn => Kind::SignIn,
            Self::OneYear => Kind::OneYear,
        }
    }

    /// What is asked for. RFC 6749 section 3.3.
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::SignIn => &SCOPES,
            Self::OneYear => &ONE_YEAR_SCOPES,
        }
    }
}

fn scopes(wanted: Wanted) -> impl Iterator<Item = Scope> {
    wanted.scopes().iter().map(|scope| Scope::new((*scope).to_owned()))
}
