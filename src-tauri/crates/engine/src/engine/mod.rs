//! The engine as a face has it: opened over one installation's state, with a method for each journey.
//!
//! Opening is cheap: the vault, the provider and Docker are touched when a journey first needs them.

mod consenting;
mod delivering;
mod discovering;
mod engines;
mod examining;
mod granting;
mod handing_over;
mod installation;
mod keeping;
mod loose;
mod pasting;
mod proving;
mod proxying;
mod signing_in;
mod standing;
mod telling;
mod turning;
mod usage;
mod users;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

pub use consenting::TERMS;
pub use delivering::Synced;
pub use discovering::{Discovered, Looking};
pub use engines::{EngineProblem, KnownEngine, KnownEngines};
pub use examining::Mended;
pub use proving::{CliUser, Proven};
pub use proxying::Proxy;
pub use signing_in::{Earlier, Goodbye, Obtained};

use crate::account::AccountName;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::destinations::docker::Environment;
use crate::error::Error;
use crate::given_key::GivenKey;
use crate::home::Home;
use crate::journal::{AccountRow, Event, Journal};
use crate::keeper::Keeper;
use crate::provider::{Endpoints, Provider};
use crate::renewal::Policy;
use crate::settings::{Remembered, Settings};
use crate::status::{Facts, Status};
use crate::vault::{self, VaultError, VaultKind};

/// What the process's environment says.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// `TOKENFERRY_HOME`
    pub home: Option<OsString>,
    /// `TOKENFERRY_PROVIDER`
    pub provider: Option<String>,
    /// `TOKENFERRY_VAULT`
    pub vault: Option<String>,
    /// `CLAUDE_TOKEN_ENCRYPTION_KEY` and `CLAUDE_TOKEN_ENCRYPTION_KEY_FILE`
    pub encryption_key: GivenKey,
    /// What says which Docker engine is meant.
    pub docker: Environment,
    /// What time it is.
    pub clock: Clock,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            home: std::env::var_os("TOKENFERRY_HOME"),
            provider: text("TOKENFERRY_PROVIDER"),
            vault: text("TOKENFERRY_VAULT"),
            encryption_key: GivenKey::of_process(),
            docker: Environment::of_process(),
            clock: Clock::system(),
        }
    }
}

/// An installation's state, opened.
#[derive(Debug)]
pub struct Engine {
    home: Home,
    journal: Arc<Journal>,
    clock: Clock,
    provider: Arc<Provider>,
    other_provider: bool,
    vault_kind: VaultKind,
    encryption_key: GivenKey,
    policy: Policy,
    keeper: OnceCell<Arc<Keeper>>,
    delivery: Arc<Delivery>,
    remembered: Remembered,
    /// What goes on to its end where the caller has gone away meanwhile.
    tasks: TaskTracker,
}

impl Engine {
    /// Opens the installation, and makes what is missing.
    ///
    /// # Errors
    /// [`Error`]: a mistake in the settings or the environment, a folder or journal that can't be used.
    pub fn open(surroundings: Surroundings) -> Result<Self, Error> {
        Self::open_with(surroundings, |home| Ok(Settings::read(home.settings())?))
    }

    /// As [`open`](Self::open), but by `settings`.
    fn open_with(
        surroundings: Surroundings,
        settings: impl FnOnce(&Home) -> Result<Settings, Error>,
    ) -> Result<Self, Error> {
        let Surroundings { home, provider, vault, encryption_key, docker, clock } = surroundings;
        let home = Home::named_by(home)?;
        home.make()?;
        let settings = settings(&home)?;
        let vault_kind = match vault {
            Some(word) => word.parse()?,
            None => settings.vault.unwrap_or(VaultKind::Keychain),
        };
        let other_provider = provider.is_some();
        let endpoints = provider.map_or_else(Endpoints::claude, |address| Endpoints::below(&address))?;
        let journal = Arc::new(Journal::open(&home.journal())?);
        let installation = installation::id(home.state())?;
        let delivery =
            Arc::new(Delivery::new(journal.clone(), home.state().to_owned(), installation, docker, clock.clone()));
        Ok(Self {
            journal,
            clock,
            provider: Arc::new(Provider::new(endpoints)),
            other_provider,
            vault_kind,
            encryption_key,
            policy: Policy { renew_before: settings.renew_before() },
            keeper: OnceCell::new(),
            delivery,
            remembered: Remembered::default(),
            tasks: TaskTracker::new(),
            home,
        })
    }

    /// Where the state lies.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The provider that is asked.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The settings as they are now: a person may have edited them since the start.
    ///
    /// # Errors
    /// [`Error::Settings`]
    pub fn settings(&self) -> Result<Settings, Error> {
        Ok(self.remembered.read(self.home.settings())?)
    }

    /// What there is to tell.
    ///
    /// # Errors
    /// [`Error::Settings`], [`Error::Journal`] or [`Error::Lock`].
    pub fn status(&self) -> Result<Status, Error> {
        let now = self.clock.now();
        let signing_in: Vec<String> = self
            .journal
            .pending()?
            .into_iter()
            .filter(|(.., ends)| *ends > now)
            .map(|(_, account, _)| account)
            .collect();
        let (accounts, settings) = (self.journal.accounts()?, self.settings()?);
        let is_changing = |name: &AccountName| vault::lock::is_account_busy(self.home.state(), name).unwrap_or(false);
        let renewing: Vec<_> = accounts.iter().map(|row| row.name.clone()).filter(is_changing).collect();
        let hosts: BTreeSet<_> = settings.destinations.iter().map(|it| it.place.host()).collect();
        let delivering: Vec<_> = hosts.into_iter().filter(|host| self.delivery.is_busy(host)).collect();
        Ok(Status::of(&Facts {
            now,
            zone: &TimeZone::system(),
            provider: self.other_provider.then(|| self.provider.endpoints().name.clone()),
            vault: self.vault_kind,
            kept_fresh: vault::lock::is_kept(self.home.state())?,
            paused: settings.paused,
            quiet: settings.quiet,
            accounts: &accounts,
            renewing: &renewing,
            delivering: &delivering,
            signing_in: &signing_in,
            copies: &self.journal.copies()?,
            destinations: &settings.destinations,
        }))
    }

    /// The newest events, oldest of them first.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn activity(&self, most: u32) -> Result<Vec<Event>, Error> {
        Ok(self.journal.events(most)?)
    }

    /// The account that is meant: the named one, or the only one there is. One that is still to be ended at the provider
    /// counts where there is no other.
    ///
    /// # Errors
    /// [`Error::WhichAccount`] where there are several; [`Error::NoAccount`] where there is none.
    pub fn account(&self, named: Option<AccountName>) -> Result<AccountName, Error> {
        if let Some(name) = named {
            return Ok(name);
        }
        let kept = |row: &AccountRow| !row.stage.is_over();
        let (kept, leaving): (Vec<_>, Vec<_>) = self.journal.accounts()?.into_iter().partition(kept);
        let rows = if kept.is_empty() { leaving } else { kept };
        let mut names: Vec<AccountName> = rows.into_iter().map(|row| row.name).collect();
        match (names.pop(), names.is_empty()) {
            (None, _) => Err(Error::NoAccount(AccountName::default())),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                names.push(last);
                let names: Vec<&str> = names.iter().map(AccountName::as_str).collect();
                Err(Error::WhichAccount(names.join(", ")))
            }
        }
    }

    /// Waits until everything that was begun has been stored, and what was given up has been ended.
    pub async fn finish(&self) {
        self.delivery.finish().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
        if let Some(keeper) = self.keeper.get() {
            keeper.finish().await;
        }
    }

    /// The keeper, over a vault that has been tried out.
    async fn keeper(&self) -> Result<&Arc<Keeper>, Error> {
        self.keeper
            .get_or_try_init(|| async {
                let service = self.home.keychain_service();
                let state = self.home.state();
                self.same_kind_of_vault()?;
                let vault = vault::open(self.vault_kind, state, &service, &self.encryption_key).await?;
                vault::try_out(vault.as_ref(), state).await?;
                let (provider, journal) = (self.provider.clone(), self.journal.clone());
                let keeper = Keeper::new(vault, provider, journal, state.to_owned(), self.clock.clone(), self.policy);
                Ok(Arc::new(keeper))
            })
            .await
    }

    /// Another kind of vault would know of no sign-in, and those in the first would be forgotten.
    fn same_kind_of_vault(&self) -> Result<(), Error> {
        let chosen = self.vault_kind;
        match vault::last_tried(self.home.state()).filter(|kept_in| *kept_in != chosen) {
            Some(kept_in) if !self.journal.accounts()?.is_empty() => {
                Err(VaultError::OtherKind { kept_in, chosen }.into())
            }
            _ => Ok(()),
        }
    }
}
