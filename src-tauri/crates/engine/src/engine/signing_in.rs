//! The journey of a sign-in, a one-year token or an API key: begin, obtain, keep or discard; and its end.

use jiff::Timestamp;
use oauth2::RedirectUrl;
use tokio::sync::oneshot;
use url::Url;

use super::Engine;
use super::loose::Loose;
use crate::account::{AccountName, Identity};
use crate::credentials::{self, ApiKey, Credentials};
use crate::delivery::Carried;
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::keeper::{Adopted, Farewell, KeepError, SignedIn};
use crate::provider::{Provider, ProviderError, Wanted};
use crate::renewal::later;
use crate::secret::SecretString;
use crate::sign_in::{Callback, ImportError, Imported, OfficialCli, PendingId, PendingSignIn, TakenOver};
use crate::vault::VaultError;

/// Tokens that were obtained and are kept nowhere yet: to be kept or discarded. A new sign-in that is dropped, since the
/// person has gone away meanwhile, is discarded.
#[derive(Debug)]
pub struct Obtained {
    account: AccountName,
    sign_in: SignedIn,
    earlier: Option<Earlier>,
    /// None where it has another owner still.
    loose: Option<Loose>,
}

/// What is kept under the name so far.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What it is.
    pub kind: credentials::Kind,
    /// Whose it is.
    pub identity: Identity,
}

impl From<Credentials> for Earlier {
    fn from(credentials: Credentials) -> Self {
        Self { kind: credentials.kind, identity: credentials.identity }
    }
}

impl Obtained {
    /// Under which name they would be kept.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// Who signed in.
    pub fn identity(&self) -> &Identity {
        &self.sign_in.identity
    }

    /// What it is.
    pub fn kind(&self) -> credentials::Kind {
        self.sign_in.kind
    }

    /// What is kept under this name, where that is of another kind, or certainly somebody else's, or an API key: then the
    /// user is to be asked.
    pub fn replaces(&self) -> Option<&Earlier> {
        self.earlier.as_ref().filter(|earlier| {
            earlier.kind != self.sign_in.kind
                || earlier.kind == credentials::Kind::ApiKey
                || earlier.identity.differs_from(&self.sign_in.identity)
        })
    }
}

/// What became of signing out.
#[derive(Debug)]
pub struct Goodbye {
    /// What became of each copy.
    pub copies: Vec<Carried>,
    /// Why the provider could not be told. The sign-in is then kept for that alone, and signing out can be tried again.
    pub untold: Option<ProviderError>,
    /// Why the sign-in could not be read. It was removed here, and the provider was not told: there it ends by itself.
    pub unreadable: Option<VaultError>,
    /// What is good at the provider all the same, and until when, where it has an end: an API key, or a token that the
    /// provider does not end.
    pub outlived: Option<(credentials::Kind, Option<Timestamp>)>,
}

impl Engine {
    /// Makes sure that a sign-in under this name could be kept: better known before a person signs in than after.
    ///
    /// # Errors
    /// The vault's.
    pub async fn can_keep(&self, account: &AccountName) -> Result<(), Error> {
        self.keeper().await?.read(account).await?;
        Ok(())
    }

    /// Begins a sign-in, or the way to a one-year token, whose answer comes by this redirect. Nothing of it is kept: whoever
    /// waits has it.
    pub fn begin_sign_in(&self, account: AccountName, wanted: Wanted, redirect: RedirectUrl) -> (PendingSignIn, Url) {
        PendingSignIn::begin(&self.provider, account, wanted, redirect, self.clock.now())
    }

    /// Begins a sign-in whose code will be pasted, perhaps to another process, within ten minutes.
    ///
    /// # Errors
    /// The vault's, where the verifier can't be kept.
    pub async fn begin_pasted_sign_in(
        &self,
        account: AccountName,
        wanted: Wanted,
    ) -> Result<(PendingSignIn, Url), Error> {
        let redirect = RedirectUrl::from_url(self.provider.endpoints().paste_redirect.clone());
        let (pending, url) = self.begin_sign_in(account, wanted, redirect);
        self.keep_pending(&pending).await?;
        Ok((pending, url))
    }

    /// The sign-in that a pasted code belongs to. It waits no more from then on: a code is good once.
    ///
    /// # Errors
    /// [`Error::NotPending`] where none waits for it.
    pub async fn take_pending(&self, callback: &Callback) -> Result<PendingSignIn, Error> {
        let id = PendingId::of(&callback.state);
        if !self.journal.is_pending(&id)? {
            self.forget_late_sign_ins().await?;
            return Err(Error::NotPending);
        }
        let kept = self.keeper().await?.pending(&id).await?;
        self.forget_pending(&id).await?;
        self.forget_late_sign_ins().await?;
        let pending = PendingSignIn::decode(&kept.ok_or(Error::NotPending)?)?;
        let fits = pending.state == callback.state
            && pending.provider == self.provider.endpoints().name
            && pending.ends() > self.clock.now();
        if fits { Ok(pending) } else { Err(Error::NotPending) }
    }

    /// Forgets a sign-in that waits: it was given up.
    ///
    /// # Errors
    /// The vault's or the journal's.
    pub async fn forget_pending(&self, id: &PendingId) -> Result<(), Error> {
        self.keeper().await?.forget_pending(id).await?;
        Ok(self.journal.no_longer_pending(id)?)
    }

    /// Trades the code for tokens, and asks who that is.
    ///
    /// # Errors
    /// [`Error::Provider`]; [`Error::NoRefreshToken`].
    pub async fn obtain(&self, pending: PendingSignIn, code: &SecretString) -> Result<Obtained, Error> {
        // Before the code is used up: a keychain that is locked is better known now.
        let keeper = self.keeper().await?;
        let earlier = keeper.read(&pending.account).await?.map(Earlier::from);
        let (provider, tasks, code, asked) =
            (self.provider.clone(), self.tasks.clone(), code.clone(), self.clock.now());
        let obtain = async move {
            let PendingSignIn { account, wanted, state, verifier, redirect, .. } = pending;
            let kind = wanted.kind();
            let tokens = provider.exchange(wanted, &code, &verifier, state.expose(), &redirect).await?;
            let refresh_token = match (tokens.refresh_token, kind.is_renewed()) {
                (None, true) => return Err(Error::NoRefreshToken),
                (token, _) => token.unwrap_or_else(|| SecretString::new("")),
            };
            let grant = kind.grant(&tokens.access_token, &refresh_token);
            let loose = grant.map(|grant| Loose::new(provider.clone(), tasks, grant));
            let identity = match wanted {
                Wanted::SignIn => identity(&provider, &tokens.access_token, tokens.identity).await,
                // A token for inference alone may not ask for the profile.
                Wanted::OneYear => tokens.identity,
            };
            let sign_in = SignedIn {
                kind,
                refresh_token,
                access_token_ends: later(asked, tokens.access_token_lives),
                sign_in_ends: tokens.sign_in_lives.map(|life| later(asked, life)),
                scopes: or_asked_for(tokens.scopes, wanted),
                access_token: tokens.access_token,
                identity,
            };
            Ok(Obtained { account, sign_in, earlier, loose })
        };
        // The answer is waited for in any case: who was given a sign-in must end it, or keep it.
        let (give, take) = oneshot::channel();
        self.tasks.spawn(async move { drop(give.send(obtain.await)) });
        take.await.unwrap_or(Err(Error::Keep(KeepError::Stopped)))
    }

    /// Keeps what was obtained. An earlier sign-in under the same name is ended at the provider.
    ///
    /// # Errors
    /// The vault's, the lock's or the journal's: then the earlier sign-in is as it was.
    pub async fn keep(&self, obtained: Obtained) -> Result<Credentials, Error> {
        let keeper = self.keeper().await?.clone();
        self.kept(async move {
            let Obtained { account, sign_in, loose, .. } = obtained;
            let adopted = keeper.adopt(&account, sign_in).await?;
            if let Some(loose) = loose {
                loose.seen_to();
            }
            Ok(adopted)
        })
        .await
    }

    /// Ends, at the provider, what was obtained and shall not be kept. An API key is its owner's to delete.
    ///
    /// # Errors
    /// [`Error::Provider`]
    pub async fn discard(&self, obtained: Obtained) -> Result<(), Error> {
        let Obtained { sign_in, loose, .. } = obtained;
        let told = match sign_in.kind.grant(&sign_in.access_token, &sign_in.refresh_token) {
            Some(grant) => self.provider.revoke(&grant).await.map(drop),
            None => Ok(()),
        };
        if let Some(loose) = loose {
            loose.seen_to();
        }
        Ok(told?)
    }

    /// Takes an API key in, to be kept by [`Self::keep`]. With `check`, the provider is asked whether it is good.
    ///
    /// # Errors
    /// The vault's; [`Error::KeyRefused`] or [`Error::Provider`] where it was checked.
    pub async fn api_key(&self, account: AccountName, key: &ApiKey, check: bool) -> Result<Obtained, Error> {
        let earlier = self.keeper().await?.read(&account).await?.map(Earlier::from);
        if check {
            self.provider.check_api_key(key.secret()).await.map_err(|why| match why {
                ProviderError::Refused { .. } => Error::KeyRefused,
                why => Error::Provider(why),
            })?;
        }
        let sign_in = SignedIn {
            kind: credentials::Kind::ApiKey,
            access_token: key.secret().clone(),
            refresh_token: SecretString::new(""),
            access_token_ends: credentials::NEVER,
            sign_in_ends: None,
            scopes: Vec::new(),
            identity: Identity::default(),
        };
        Ok(Obtained { account, sign_in, earlier, loose: None })
    }

    /// Reads a sign-in of the official CLI, to be taken over by [`Self::take_over`].
    ///
    /// # Errors
    /// [`Error::Import`]
    pub async fn imported(&self, account: AccountName, cli: &OfficialCli) -> Result<Obtained, Error> {
        let Imported { access_token, refresh_token, access_token_ends, sign_in_ends, scopes, identity } = cli.read()?;
        if TakenOver::of(self.home.state()).has(&refresh_token)? {
            return Err(ImportError::TakenBefore(cli.path().to_owned()).into());
        }
        let earlier = self.keeper().await?.read(&account).await?.map(Earlier::from);
        let identity = match access_token_ends > self.clock.now() {
            true => self::identity(&self.provider, &access_token, identity).await,
            false => identity,
        };
        let scopes = or_asked_for(scopes, Wanted::SignIn);
        let kind = credentials::Kind::SignIn;
        let sign_in = SignedIn { kind, access_token, refresh_token, access_token_ends, sign_in_ends, scopes, identity };
        Ok(Obtained { account, sign_in, earlier, loose: None })
    }

    /// Takes an imported sign-in over: renews it, so that no other copy is good any more, and keeps what came of that.
    ///
    /// # Errors
    /// [`Error::Provider`] where it can't be renewed, as it is used up for instance: then all is as it was, and so is an
    /// earlier sign-in under the same name. Otherwise as [`Self::keep`].
    pub async fn take_over(&self, imported: Obtained) -> Result<Credentials, Error> {
        let keeper = self.keeper().await?.clone();
        let taken = TakenOver::of(self.home.state());
        self.kept(async move {
            let Obtained { account, sign_in, .. } = imported;
            let used_up = sign_in.refresh_token.clone();
            let adopted = keeper.take_over(&account, sign_in).await?;
            taken.add(&used_up)?;
            Ok(adopted)
        })
        .await
    }

    /// Ends, at the provider, what the official CLI may have got in the last moment before it was given up: nobody else
    /// would. It must not run any more.
    pub async fn give_up(&self, account: AccountName, cli: &OfficialCli) {
        if cli.path().exists()
            && let Ok(obtained) = self.imported(account, cli).await
            && let Err(why) = self.discard(obtained).await
        {
            tracing::warn!("a sign-in of the Claude CLI that was given up could not be ended: {why}");
        }
    }

    /// Signs out: takes every copy away, ends the sign-in at the provider, forgets it. What could not be reached is told,
    /// and stays on the list until it could.
    ///
    /// # Errors
    /// [`Error::NoAccount`] where nothing is known of the account; the vault's, the lock's or the journal's.
    pub async fn sign_out(&self, account: &AccountName) -> Result<Goodbye, Error> {
        let known = self.journal.account(account)?;
        if known.is_none() && self.journal.copies()?.iter().all(|copy| copy.account != *account) {
            return Err(Error::NoAccount(account.clone()));
        }
        // Before anything is begun: a keychain that is locked is better known now.
        let unreadable = match self.can_keep(account).await {
            Err(Error::Vault(why)) if why.is_of_the_entry() => Some(why),
            readable => readable.map(|()| None)?,
        };
        let keeper = self.keeper().await?;
        let told = if unreadable.is_some() {
            keeper.remove(account).await.map(|()| Farewell::Ended)
        } else {
            keeper.end(account).await
        };
        let (untold, outlived) = match told {
            Ok(Farewell::Outlived(kind, ends)) => (None, Some((kind, ends))),
            Ok(Farewell::Ended) | Err(KeepError::SignedOut(_)) => (None, None),
            Err(KeepError::Provider(why)) => (Some(why), None),
            Err(other) => return Err(other.into()),
        };
        if let Some(row) = known {
            let text = match row.kind {
                credentials::Kind::SignIn => format!("Signed out {account}."),
                kind => format!("Removed the {kind} of {account}."),
            };
            self.journal.note(Event::new(self.clock.now(), Kind::SignedOut, text).to(account))?;
        }
        // Only now: a delivery that is under way can't call it off any more.
        self.journal.withdraw_account(account)?;
        let copies = self.journal.copies()?.into_iter().filter(|copy| copy.account == *account).collect();
        let copies = self.delivery.withdraw(copies).await?;
        Ok(Goodbye { copies, untold, unreadable, outlived })
    }

    /// Carries an adoption to its end, whether or not the caller waits for it, and ends an earlier sign-in.
    async fn kept(
        &self,
        adopt: impl Future<Output = Result<Adopted, Error>> + Send + 'static,
    ) -> Result<Credentials, Error> {
        let adopted = self.tasks.spawn(adopt).await.unwrap_or(Err(Error::Keep(KeepError::Stopped)));
        let (kept, earlier) = adopted?;
        let text = match kept.kind {
            credentials::Kind::SignIn => format!("Signed in {}: {}.", kept.account, kept.identity),
            credentials::Kind::OneYear => format!("Got a one-year token for {}: {}.", kept.account, kept.identity),
            credentials::Kind::ApiKey => format!("Added an API key as {}.", kept.account),
        };
        self.journal.note(Event::new(kept.created, Kind::SignedIn, text).to(&kept.account))?;
        if let Some(earlier) = earlier.filter(|it| !it.is_one_with(&kept))
            && let Err(why) = self.keeper().await?.revoke(&earlier).await
        {
            tracing::warn!("the earlier sign-in of {} could not be ended: {why}", kept.account);
        }
        Ok(kept)
    }

    async fn keep_pending(&self, pending: &PendingSignIn) -> Result<(), Error> {
        let keeper = self.keeper().await?;
        self.forget_late_sign_ins().await?;
        let id = pending.id();
        self.journal.wait_for(&id, &pending.account, pending.ends())?;
        if let Err(why) = keeper.keep_pending(&id, &pending.encode()?).await {
            self.journal.no_longer_pending(&id)?;
            return Err(why.into());
        }
        Ok(())
    }

    /// Forgets the sign-ins whose time is over.
    pub(super) async fn forget_late_sign_ins(&self) -> Result<(), Error> {
        let now = self.clock.now();
        for (id, ..) in self.journal.pending()?.into_iter().filter(|(.., ends)| *ends <= now) {
            self.forget_pending(&id).await?;
        }
        Ok(())
    }
}

/// Who it is: the profile's word, completed by what is known. A profile that can't be had holds no sign-in up.
async fn identity(provider: &Provider, access_token: &SecretString, known: Identity) -> Identity {
    match provider.profile(access_token).await {
        Ok(told) => told.or(known),
        Err(why) => {
            tracing::warn!("who signed in could not be asked: {why}");
            known
        }
    }
}

/// What was granted; where nothing is named, it is what was asked for. RFC 6749 section 5.1.
fn or_asked_for(scopes: Vec<String>, wanted: Wanted) -> Vec<String> {
    if scopes.is_empty() { wanted.scopes().iter().map(|scope| (*scope).to_owned()).collect() } else { scopes }
}
