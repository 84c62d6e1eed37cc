//! Codes, sign-ins and tokens: who was granted what, and what of it still holds. Does no IO; the time comes in with
//! each call.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    fingerprint::Fingerprint,
    mint::{self, mint},
    options::{Options, Person},
    refusal::OAuthRefusal,
};

/// What a client asked for at the authorize page, and what its code is bound to. Already checked.
pub(crate) struct Authorization {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: String,
    pub(crate) state: String,
    pub(crate) scopes: Vec<String>,
}

/// The body that exchanges a code.
pub(crate) struct Exchange {
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
    pub(crate) client_id: String,
    pub(crate) code_verifier: String,
    pub(crate) state: String,
    /// The lifetime of a year, in seconds, that the client wishes for its access token, as `setup-token` does. Such a
    /// token is for inference alone, and comes without a refresh token.
    pub(crate) expires_in: Option<u32>,
}

/// The body that renews.
pub(crate) struct Refresh {
    pub(crate) refresh_token: String,
    /// The scopes wanted, within those granted; without it all of them.
    pub(crate) scopes: Option<Vec<String>>,
}

/// What a token answer tells.
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    /// None where the old one stays valid.
    pub(crate) refresh_token: Option<String>,
    /// Seconds.
    pub(crate) expires_in: u64,
    /// Seconds to the end of the sign-in.
    pub(crate) sign_in_ends_in: i64,
    pub(crate) scopes: Vec<String>,
    pub(crate) person: Person,
    pub(crate) granted: Granted,
}

/// That a request was granted tokens, and which: told in the record even where the answer got lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// [`SignIn::id`].
    pub sign_in: u32,
    /// [`SignIn::generation`] after the request.
    pub generation: u32,
}

/// Who holds a good access token or API key, and for what.
pub(crate) struct Bearer {
    pub(crate) person: Person,
    pub(crate) scopes: Vec<String>,
}

/// What ended a sign-in before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Its code was exchanged a second time, RFC 6749 section 4.1.2.
    CodeReuse,
    /// A refresh token was used a second time, RFC 9700 section 4.14.2.
    RefreshTokenReuse,
    /// The client revoked it, RFC 7009.
    Revocation,
}

/// One sign-in, as tests may ask about it. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignIn {
    /// Counts from 1.
    pub id: u32,
    /// Whose it is.
    pub email: String,
    /// Whether its newest refresh token would be taken now; of a one-year token, which has none, whether it is good.
    pub alive: bool,
    /// What ended it before its time.
    pub ended_by: Option<EndedBy>,
    /// When the code was exchanged, by the provider's clock.
    pub started: Timestamp,
    /// When it ends at the latest, by the provider's clock.
    pub ends: Timestamp,
    /// How often its refresh token rotated: 0 after the exchange.
    pub generation: u32,
    /// How many renewals succeeded, with a rotation or without.
    pub refreshes: u32,
    /// The newest refresh token; of a one-year token, one that nobody was given.
    pub refresh_token: Fingerprint,
    /// Whether the newest refresh token was ever used. It can be, and stay good, where
    /// [`crate::Trouble::KeepRefreshToken`] held back its successor.
    pub refresh_token_used: bool,
}

struct Code {
    authorization: Authorization,
    person: Person,
    expires: Timestamp,
    used: bool,
    /// The sign-in that it made.
    sign_in: Option<u32>,
}

struct Family {
    person: Person,
    scopes: Vec<String>,
    started: Timestamp,
    ends: Timestamp,
    generation: u32,
    refreshes: u32,
    refresh_token: String,
    refresh_token_used: bool,
    ended_by: Option<EndedBy>,
    access_tokens_ended: bool,
}

struct AccessToken {
    sign_in: u32,
    scopes: Vec<String>,
    expires: Timestamp,
}

/// Everything granted so far. Nothing is ever forgotten: a practice provider is short-lived, and its secrets are
/// searched for at the end.
#[derive(Default)]
pub(crate) struct State {
    codes: BTreeMap<String, Code>,
    sign_ins: BTreeMap<u32, Family>,
    /// Every refresh token ever issued, and its sign-in.
    refresh_tokens: BTreeMap<String, u32>,
    access_tokens: BTreeMap<String, AccessToken>,
    /// API keys, and whose they are.
    api_keys: BTreeMap<String, Person>,
}

/// What a one-year token is for.
const YEAR_SCOPES: [&str; 1] = ["user:inference"];

impl State {
    /// Makes an API key, which is good for as long as this runs.
    pub(crate) fn make_api_key(&mut self, person: Person) -> Result<String, getrandom::Error> {
        let key = mint(mint::API_KEY)?;
        self.api_keys.insert(key.clone(), person);
        Ok(key)
    }

    /// Whose API key this is.
    pub(crate) fn holder(&self, api_key: &str) -> Option<&Person> {
        self.api_keys.get(api_key)
    }

    /// Grants a code for what was asked, to be exchanged within the options' time.
    pub(crate) fn grant_code(
        &mut self,
        authorization: Authorization,
        person: Person,
        options: &Options,
        now: Timestamp,
    ) -> Result<String, getrandom::Error> {
        let code = mint(mint::CODE)?;
        let expires = after(now, options.code_lifetime);
        self.codes.insert(code.clone(), Code { authorization, person, expires, used: false, sign_in: None });
        Ok(code)
    }

    /// Exchanges a code for a new sign-in. An attempt uses the code up, whatever comes of it.
    pub(crate) fn exchange(
        &mut self,
        asked: &Exchange,
        options: &Options,
        now: Timestamp,
    ) -> Result<Tokens, OAuthRefusal> {
        let access_token = mint(mint::ACCESS_TOKEN)?;
        let refresh_token = mint(mint::REFRESH_TOKEN)?;
        let code = self.codes.get_mut(&asked.code).ok_or_else(|| OAuthRefusal::invalid_grant("no such code"))?;
        if code.used {
            if let Some(family) = code.sign_in.and_then(|id| self.sign_ins.get_mut(&id)) {
                family.end(EndedBy::CodeReuse, options);
            }
            return Err(OAuthRefusal::invalid_grant("the code was used before"));
        }
        code.used = true;
        code.check(asked, now)?;
        let is_for_a_year = asked.expires_in.is_some();
        if is_for_a_year && code.authorization.scopes != YEAR_SCOPES {
            return Err(OAuthRefusal::invalid_scope("a token of a year is for user:inference alone"));
        }

        let id = u32::try_from(self.sign_ins.len()).unwrap_or(u32::MAX).saturating_add(1);
        code.sign_in = Some(id);
        let family = Family {
            person: code.person.clone(),
            scopes: code.authorization.scopes.clone(),
            started: now,
            ends: after(now, if is_for_a_year { options.year_token_lifetime } else { options.sign_in_lifetime }),
            generation: 0,
            refreshes: 0,
            refresh_token: refresh_token.clone(),
            refresh_token_used: false,
            ended_by: None,
            access_tokens_ended: false,
        };
        let lives = if is_for_a_year { options.year_token_lifetime } else { options.access_token_lifetime };
        let given = (!is_for_a_year).then(|| refresh_token.clone());
        let scopes = family.scopes.clone();
        let tokens = family.tokens(id, access_token, given, lives.as_secs(), scopes, now);
        self.sign_ins.insert(id, family);
        if !is_for_a_year {
            self.refresh_tokens.insert(refresh_token, id);
        }
        self.remember(&tokens, now);
        Ok(tokens)
    }

    /// Renews. The refresh token is used up and its successor given, unless `keep` says that it stays.
    pub(crate) fn refresh(
        &mut self,
        asked: &Refresh,
        keep: bool,
        options: &Options,
        now: Timestamp,
    ) -> Result<Tokens, OAuthRefusal> {
        let access_token = mint(mint::ACCESS_TOKEN)?;
        let successor = mint(mint::REFRESH_TOKEN)?;
        let known = self.refresh_tokens.get(&asked.refresh_token).copied();
        let (id, family) = known
            .and_then(|id| Some((id, self.sign_ins.get_mut(&id)?)))
            .ok_or_else(|| OAuthRefusal::invalid_grant("no such refresh token"))?;
        if family.refresh_token != asked.refresh_token {
            family.end(EndedBy::RefreshTokenReuse, options);
            return Err(OAuthRefusal::invalid_grant("the refresh token was used before, so its sign-in has ended"));
        }
        if !family.alive(now) {
            return Err(OAuthRefusal::invalid_grant("the sign-in has ended"));
        }
        let scopes = asked.scopes.clone().unwrap_or_else(|| family.scopes.clone());
        if !scopes.iter().all(|scope| family.scopes.contains(scope)) {
            return Err(OAuthRefusal::invalid_scope("the sign-in was not granted all of these scopes"));
        }

        family.refreshes = family.refreshes.saturating_add(1);
        family.refresh_token_used = keep;
        if !keep {
            family.generation = family.generation.saturating_add(1);
            family.refresh_token.clone_from(&successor);
            self.refresh_tokens.insert(successor.clone(), id);
        }
        let refresh_token = (!keep).then_some(successor);
        let expires_in = options.access_token_lifetime.as_secs();
        let tokens = family.tokens(id, access_token, refresh_token, expires_in, scopes, now);
        self.remember(&tokens, now);
        Ok(tokens)
    }

    /// Ends the sign-in of a refresh token. A token that is not the newest of its sign-in ends nothing, RFC 7009
    /// section 2.2; tells whether anything ended.
    pub(crate) fn revoke(&mut self, refresh_token: &str, options: &Options) -> bool {
        let known = self.refresh_tokens.get(refresh_token).and_then(|id| self.sign_ins.get_mut(id));
        match known {
            Some(family) if family.refresh_token == refresh_token && family.ended_by.is_none() => {
                family.end(EndedBy::Revocation, options);
                true
            }
            _ => false,
        }
    }

    /// Ends the one-year token that this is. An access token of a sign-in ends by itself, or with its sign-in, RFC 7009
    /// section 2.1; tells whether anything ended.
    pub(crate) fn revoke_access_token(&mut self, access_token: &str) -> bool {
        let Some(token) = self.access_tokens.get(access_token) else { return false };
        let has_refresh_token = self.refresh_tokens.values().any(|sign_in| *sign_in == token.sign_in);
        match self.sign_ins.get_mut(&token.sign_in) {
            Some(family) if !has_refresh_token && family.ended_by.is_none() => {
                family.ended_by = Some(EndedBy::Revocation);
                family.access_tokens_ended = true;
                true
            }
            _ => false,
        }
    }

    /// Whose access token this is; None where it is unknown or has ended.
    pub(crate) fn bearer(&self, access_token: &str, now: Timestamp) -> Option<Bearer> {
        let token = self.access_tokens.get(access_token)?;
        let family = self.sign_ins.get(&token.sign_in)?;
        let good = now < token.expires && !family.access_tokens_ended;
        good.then(|| Bearer { person: family.person.clone(), scopes: token.scopes.clone() })
    }

    /// Every sign-in, oldest first.
    pub(crate) fn sign_ins(&self, now: Timestamp) -> Vec<SignIn> {
        self.sign_ins.iter().map(|(id, family)| family.describe(*id, now)).collect()
    }

    /// Every code and token ever issued.
    pub(crate) fn issued(&self) -> impl Iterator<Item = &str> {
        let tokens = self.refresh_tokens.keys().chain(self.access_tokens.keys());
        let issued: BTreeSet<&str> =
            self.codes.keys().chain(tokens).chain(self.api_keys.keys()).map(String::as_str).collect();
        issued.into_iter()
    }

    fn remember(&mut self, tokens: &Tokens, now: Timestamp) {
        let token = AccessToken {
            sign_in: tokens.granted.sign_in,
            scopes: tokens.scopes.clone(),
            expires: after(now, std::time::Duration::from_secs(tokens.expires_in)),
        };
        self.access_tokens.insert(tokens.access_token.clone(), token);
    }
}

impl Code {
    fn check(&self, asked: &Exchange, now: Timestamp) -> Result<(), OAuthRefusal> {
        let Authorization { client_id, redirect_uri, code_challenge, state, .. } = &self.authorization;
        let complaint = if now >= self.expires {
            "the code has expired"
        } else if asked.client_id != *client_id {
            "the code was granted to another client"
        } else if asked.redirect_uri != *redirect_uri {
            "redirect_uri is not the one that the code was sent to"
        } else if asked.state != *state {
            "state is not the one that the code was granted for"
        } else if challenge(&asked.code_verifier) != *code_challenge {
            "code_verifier does not fit the code_challenge"
        } else {
            return Ok(());
        };
        Err(OAuthRefusal::invalid_grant(complaint))
    }
}

impl Family {
    fn alive(&self, now: Timestamp) -> bool {
        self.ended_by.is_none() && now < self.ends
    }

    /// Ends it; the first reason stays.
    fn end(&mut self, by: EndedBy, options: &Options) {
        self.ended_by.get_or_insert(by);
        self.access_tokens_ended |= options.end_access_tokens;
    }

    fn tokens(
        &self,
        id: u32,
        access_token: String,
        refresh_token: Option<String>,
        expires_in: u64,
        scopes: Vec<String>,
        now: Timestamp,
    ) -> Tokens {
        Tokens {
            access_token,
            refresh_token,
            expires_in,
            sign_in_ends_in: self.ends.duration_since(now).as_secs(),
            scopes,
            person: self.person.clone(),
            granted: Granted { sign_in: id, generation: self.generation },
        }
    }

    fn describe(&self, id: u32, now: Timestamp) -> SignIn {
        SignIn {
            id,
            email: self.person.email.clone(),
            alive: self.alive(now),
            ended_by: self.ended_by,
            started: self.started,
            ends: self.ends,
            generation: self.generation,
            refreshes: self.refreshes,
            refresh_token: Fingerprint::of(&self.refresh_token),
            refresh_token_used: self.refresh_token_used,
        }
    }
}

/// The S256 challenge of a verifier, RFC 7636 section 4.2.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn after(now: Timestamp, lifetime: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(lifetime)
        .ok()
        .and_then(|lifetime| now.checked_add(lifetime).ok())
        .unwrap_or(Timestamp::MAX)
}
