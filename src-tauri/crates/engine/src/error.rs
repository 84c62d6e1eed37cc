//! What a face tells a person: what happened, what to do, and a stable code for programs.

use crate::account::AccountName;
use crate::credentials::{Misfit, NotAnApiKey};
use crate::destinations::docker::EngineError;
use crate::grants::GrantName;
use crate::home::HomeError;
use crate::journal::JournalError;
use crate::keeper::KeepError;
use crate::provider::{BadProvider, ProviderError};
use crate::settings::{DestinationName, SettingsError};
use crate::sign_in::{CallbackError, ImportError, UnreadablePending};
use crate::vault::lock::LockError;
use crate::vault::{BadVaultKind, VaultError};

/// Why a journey ended early.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is what its content says")]
pub enum Error {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    BadProvider(#[from] BadProvider),
    #[error(transparent)]
    BadVaultKind(#[from] BadVaultKind),
    #[error(transparent)]
    Vault(VaultError),
    #[error(transparent)]
    Lock(LockError),
    #[error(transparent)]
    Keep(KeepError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    Pending(#[from] UnreadablePending),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The code belongs to no sign-in that waits.
    #[error("No sign-in waits for this code: it was begun elsewhere, was finished, or took longer than ten minutes.")]
    NotPending,
    /// The provider gave nothing that could be kept fresh.
    #[error("Claude gave a token without a refresh token, which can't be kept fresh.")]
    NoRefreshToken,
    /// The provider does not take the API key.
    #[error("Claude does not take this API key.")]
    KeyRefused,
    /// What was given is no API key.
    #[error(transparent)]
    NotAnApiKey(#[from] NotAnApiKey),
    /// Several accounts, and none was named.
    #[error("There are several accounts: {0}.")]
    WhichAccount(String),
    /// There is no account of this name.
    #[error("{0} is not signed in.")]
    NoAccount(AccountName),
    /// There is a grant of this name.
    #[error("There is a grant {0} already.")]
    GrantTaken(GrantName),
    /// There is none.
    #[error("There is no grant {0}.")]
    NoGrant(GrantName),
    /// The system gives no random bytes.
    #[error("The system gives no random bytes, so no key can be made.")]
    NoChance,
    /// The loopback listener could not be had.
    #[error("No port could be opened for the browser's answer: {0}.")]
    Listener(std::io::Error),
    /// Nothing is there to be delivered.
    #[error("There is no destination yet.")]
    NoDestinations,
    /// The account's kind of credential can't be had in this format.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The place can't hold this format. Holds that in a sentence.
    #[error("{0}")]
    OddPair(String),
    /// No destination, or more than one, has the format that LiteLLM reads.
    #[error("Which destination LiteLLM shall read is not clear: there is not just one in the format token-file.")]
    NoTokenFile,
    /// What is asked for is of volumes alone.
    #[error("Destination {0} is in no Docker volume.")]
    NoVolume(DestinationName),
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        Self::Lock(error)
    }
}

impl From<KeepError> for Error {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Vault(error) => Self::Vault(error),
            KeepError::Lock(error) => Self::Lock(error),
            KeepError::Journal(error) => Self::Journal(error),
            KeepError::Provider(error) => Self::Provider(error),
            other => Self::Keep(other),
        }
    }
}

impl Error {
    /// The stable word for it in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Home(_) => "home_unusable",
            Self::Settings(SettingsError::Mistake(..)) => "settings_mistake",
            Self::Settings(SettingsError::Taken(_)) => "name_taken",
            Self::Settings(SettingsError::SamePlace(_)) => "place_taken",
            Self::Settings(SettingsError::NoDestination(_)) => "no_such_destination",
            Self::Settings(SettingsError::Io(..)) => "settings_unusable",
            Self::Journal(_) => "journal_unusable",
            Self::BadProvider(_) => "bad_provider",
            Self::BadVaultKind(_) => "bad_vault",
            Self::Vault(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Keep(KeepError::SignedOut(_)) | Self::NoAccount(_) => "signed_out",
            Self::Keep(KeepError::SignInNeeded { .. }) => "needs_sign_in",
            Self::Keep(KeepError::OtherProvider { .. }) => "other_provider",
            Self::Keep(KeepError::Ended { .. }) => "ended",
            Self::Keep(KeepError::NothingToRenew { .. }) => "nothing_to_renew",
            Self::Keep(KeepError::NothingToHandOver { .. }) => "nothing_to_hand_over",
            Self::Keep(_) => "renewal_failed",
            Self::KeyRefused => "api_key_refused",
            Self::NotAnApiKey(why) => why.code(),
            Self::Provider(error) => error.code(),
            Self::Callback(CallbackError::Denied { .. }) => "denied",
            Self::Callback(CallbackError::Incomplete) => "code_incomplete",
            Self::Pending(_) | Self::NotPending => "not_pending",
            Self::Import(ImportError::Io(..)) => "import_unreadable",
            Self::Import(ImportError::TakenBefore(_)) => "imported_before",
            Self::Import(_) => "nothing_to_import",
            Self::Engine(error) => error.code(),
            Self::NoRefreshToken => "no_refresh_token",
            Self::WhichAccount(_) => "which_account",
            Self::GrantTaken(_) => "grant_taken",
            Self::NoGrant(_) => "no_such_grant",
            Self::NoChance => "no_chance",
            Self::Listener(_) => "no_port",
            Self::NoDestinations => "no_destinations",
            Self::NoVolume(_) => "no_volume",
            Self::NoTokenFile => "no_token_file",
            Self::OddPair(_) => "format_misfit",
            Self::Misfit(misfit) => misfit.code(),
        }
    }

    /// What to do, in a sentence; empty where the first sentence says it, or where nothing needs doing.
    pub fn fix(&self) -> String {
        match self {
            Self::Vault(error) => error.fix(),
            Self::Lock(error) => error.fix(),
            Self::Engine(error) => error.fix(),
            Self::Keep(KeepError::SignedOut(account) | KeepError::SignInNeeded { account, .. })
            | Self::NoAccount(account) => {
                format!("Sign in with `tokenferry login{}`.", account_option(account))
            }
            Self::Keep(KeepError::OtherProvider { account, .. }) => {
                format!(
                    "Set TOKENFERRY_PROVIDER as it was then, or sign in here with `tokenferry login{}`.",
                    account_option(account)
                )
            }
            Self::Keep(KeepError::Ended { account, kind }) => {
                format!("Get another with `{}{}`.", kind.command(), account_option(account))
            }
            Self::Keep(KeepError::NothingToRenew { account, kind }) => {
                format!("For another in its place, use `{}{}`.", kind.command(), account_option(account))
            }
            Self::Keep(KeepError::NothingToHandOver { account, .. }) => {
                format!(
                    "`tokenferry token{}` prints it, and it may be used at several places.",
                    account_option(account)
                )
            }
            Self::KeyRefused => {
                "Copy it once more from the API keys of the Claude Console, or make a new one there.".to_owned()
            }
            Self::NotAnApiKey(why) => why.fix().to_owned(),
            Self::Keep(KeepError::Later { .. }) => "Check the network; Tokenferry tries again by itself.".to_owned(),
            Self::Keep(_) => "Try again.".to_owned(),
            Self::Provider(ProviderError::Refused { .. }) => {
                "Start again with `tokenferry login`; a code is good once, and for a few minutes.".to_owned()
            }
            Self::Provider(_) => "Check the network, and try again in a moment.".to_owned(),
            Self::NotPending | Self::NoRefreshToken => "Start again with `tokenferry login`.".to_owned(),
            Self::WhichAccount(_) => "Name one with --account.".to_owned(),
            Self::GrantTaken(name) => {
                format!("Choose another name, or end it first with `tokenferry grant revoke {name}`.")
            }
            Self::NoGrant(_) => "`tokenferry grant list` shows those that there are.".to_owned(),
            Self::Listener(_) => "Sign in with `tokenferry login --paste` instead.".to_owned(),
            Self::Misfit(misfit) => misfit.fix().to_owned(),
            Self::NoTokenFile => {
                "Name it, or add one with `tokenferry destination add litellm --directory PATH --format token-file`."
                    .to_owned()
            }
            Self::NoDestinations => "Add one with `tokenferry destination add NAME --volume claude-auth`.".to_owned(),
            _ => String::new(),
        }
    }

    /// Whether signing in is what helps.
    pub fn is_sign_in_needed(&self) -> bool {
        matches!(
            self,
            Self::NoAccount(_)
                | Self::Keep(KeepError::SignedOut(_) | KeepError::SignInNeeded { .. } | KeepError::Ended { .. })
        )
    }
}

fn account_option(account: &AccountName) -> String {
    if *account == AccountName::default() { String::new() } else { format!(" --account {account}") }
}
