//! Claude's endpoints, or another provider's in their place: exchange, renew, revoke, profile.
//!
//! Answers are judged here once, by what the caller does next ([`ProviderError`]). What is sent and answered is in
//! `claude-code-cli` of the facts; nothing here writes or decides when to ask.

mod answer;
mod endpoints;
mod error;
mod http;
mod profile;
mod tokens;

use std::borrow::Cow;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardRevocableToken, TokenUrl,
};

pub(crate) use endpoints::is_on_this_machine;
pub use endpoints::{BadProvider, Endpoints};
pub use error::{ProviderError, Unrenewed};
use jiff::SignedDuration;
pub use tokens::Tokens;
use url::Url;

use crate::account::Identity;
use crate::clock::Clock;
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

    /// The page on which a person says yes. RFC 6749 section 4.1.1, RFC 7636 section 4.3.
    pub fn authorize_url(&self, challenge: PkceCodeChallenge, state: &str, redirect: &RedirectUrl) -> Url {
        let state = CsrfToken::new(state.to_owned());
        let (url, _) = self
            .oauth
            .authorize_url(|| state)
            .set_redirect_uri(Cow::Borrowed(redirect))
            .add_scopes(scopes())
            .set_pkce_challenge(challenge)
            .add_extra_param("code", "true")
            .url();
        url
    }

    /// Trades an authorization code for tokens. RFC 6749 section 4.1.3, RFC 7636 section 4.5.
    ///
    /// # Errors
    /// See [`ProviderError`]; `Refused` means that this code is of no more use.
    pub async fn exchange(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        state: &str,
        redirect: &RedirectUrl,
    ) -> Result<Tokens, ProviderError> {
        let answer = self
            .oauth
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .set_redirect_uri(Cow::Borrowed(redirect))
            .add_extra_param("state", state)
            .request_async(&self.http)
            .await
            .map_err(sort_out)?;
        Tokens::read(answer)
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
            .add_scopes(scopes().filter(|scope| granted.contains(scope)))
            .request_async(&self.http)
            .await
            .map_err(sort_out)?;
        let successor = tokens::refresh_token(&answer);
        Tokens::read(answer).map_err(|why| Unrenewed { why, successor })
    }

    /// Ends a sign-in at the provider. RFC 7009. That it had ended before is no error there.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn revoke(&self, refresh_token: &SecretString) -> Result<(), ProviderError> {
        let body = serde_json::json!({
            "token": refresh_token.expose(),
            "token_type_hint": "refresh_token",
            "client_id": CLIENT_ID,
        });
        self.http.post(&self.endpoints.revoke, &body).await
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
    /// See [`ProviderError`]; `Refused` means that the access token is not good.
    pub async fn profile(&self, access_token: &SecretString) -> Result<Identity, ProviderError> {
        let answer = self.http.get(&self.endpoints.profile, access_token).await?;
        profile::read(&answer)
    }
}

fn scopes() -> impl Iterator<Item = Scope> {
    SCOPES.into_iter().map(|scope| Scope::new(scope.to_owned()))
}
