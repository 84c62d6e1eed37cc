//! An account that is signed in, in a home of its own, as the real program and as the engine on the test's clock see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bed::{Home, Output, Provider};
use engine::{
    Engine, Surroundings,
    account::AccountName,
    clock::Clock,
    journal::Journal,
    keeper::{KeepError, Keeper, Need},
    provider::Endpoints,
    renewal::Policy,
    status::{AccountState, AccountStatus},
    vault::{self, VaultKind},
};
use jiff::{SignedDuration, Timestamp};
use practice::{Endpoint, Options, SignIn};
use serde_json::Value;

/// How long access tokens live here.
pub(crate) const LIFE: Duration = Duration::from_secs(3600);

/// The buffer that the settings have by default.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// A provider, and a home of somebody who signs in there.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    pub(crate) account: AccountName,
    /// How far the test's clock is ahead of the system's, in milliseconds.
    ahead: Arc<AtomicI64>,
}

impl Scene {
    /// Nobody is signed in yet.
    pub(crate) fn new() -> Self {
        Self::with(Options { access_token_lifetime: LIFE, ..Options::default() })
    }

    /// Nobody is signed in yet, at a provider with these options that authorizes by itself.
    pub(crate) fn with(options: Options) -> Self {
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let home = Home::new().provider(&provider);
        Self { provider, home, account: AccountName::default(), ahead: Arc::default() }
    }

    /// Somebody is signed in, and the provider has forgotten how that went.
    pub(crate) async fn signed_in() -> Self {
        let scene = Self::new();
        scene.sign_in().await;
        scene
    }

    /// Signs in, with the real program.
    pub(crate) async fn sign_in(&self) {
        self.run(&["login"]).await.succeeds();
        self.provider.clear_record();
    }

    /// Runs `tokenferry`.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.home.tokenferry(arguments).run().await
    }

    /// Runs `tokenferry`, which is expected to fail with this exit code, and gives what it says of the failure. The
    /// sentence and what to do are there.
    pub(crate) async fn fails(&self, arguments: &[&str], exit: i32) -> Value {
        let output = self.home.tokenferry(arguments).arg("--json").run().await.ends_with(exit);
        let error = output.json()["error"].clone();
        for part in ["code", "message", "fix"] {
            assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{part} is missing:\n{output}");
        }
        error
    }

    /// What `status --json` says of the only account.
    pub(crate) async fn told(&self) -> Value {
        let status = self.run(&["status", "--json"]).await.succeeds().json();
        assert_eq!(status["accounts"].as_array().map(Vec::len), Some(1), "{status:#}");
        status["accounts"][0].clone()
    }

    /// Expects `status --json` to tell this state, and this trouble if any.
    #[track_caller]
    pub(crate) fn expects(&self, state: &'static str, trouble: Option<&'static str>) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let told = self.told().await;
            let found = (told["code"].as_str(), told["trouble"]["code"].as_str());
            assert_eq!(found, (Some(state), trouble), "at {caller}: {told:#}");
        }
    }

    /// Lets time pass on the test's clock.
    pub(crate) fn pass(&self, time: Duration) {
        self.ahead.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the test's clock back.
    pub(crate) fn set_back(&self, time: Duration) {
        self.ahead.fetch_sub(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Puts the test's clock to a time that is yet to come.
    pub(crate) fn pass_until(&self, time: Timestamp) {
        let left = time.duration_since(self.clock().now());
        // Times are kept in milliseconds, so this is the first at which it is over.
        self.pass(Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1));
    }

    /// The test's clock.
    pub(crate) fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.ahead);
        Clock::told_by(move || Timestamp::now() + SignedDuration::from_millis(ahead.load(Ordering::SeqCst)))
    }

    /// The engine over this home, by the test's clock.
    pub(crate) fn engine(&self) -> Engine {
        let surroundings = Surroundings {
            home: Some(self.home.state().into()),
            provider: Some(self.provider.url()),
            vault: Some("file".to_owned()),
            clock: self.clock(),
            ..Surroundings::default()
        };
        Engine::open(surroundings).expect("the engine should open")
    }

    /// The account's state by the test's clock.
    pub(crate) fn state(&self) -> AccountState {
        self.account_status().code
    }

    /// Why the last renewal failed, by its code.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.account_status().trouble.map(|trouble| trouble.code)
    }

    pub(crate) fn account_status(&self) -> AccountStatus {
        let mut accounts = self.engine().status().expect("there should be a status").accounts;
        assert_eq!(accounts.len(), 1);
        accounts.remove(0)
    }

    /// A keeper over this home, by the test's clock: as another process would have it.
    pub(crate) async fn keeper(&self) -> Arc<Keeper> {
        let state = self.home.state();
        let vault = vault::open(VaultKind::File, &state, "", &engine::given_key::GivenKey::default())
            .await
            .expect("the vault should open");
        let endpoints = Endpoints::below(&self.provider.url()).expect("it should be an address");
        let provider = Arc::new(engine::provider::Provider::new(endpoints));
        let journal = Arc::new(Journal::open(&state.join("journal.db")).expect("the journal should open"));
        let policy = Policy { renew_before: RENEW_BEFORE };
        Arc::new(Keeper::new(vault, provider, journal, state, self.clock(), policy))
    }

    /// How often the provider was asked to renew.
    pub(crate) fn renewals_asked(&self) -> usize {
        self.provider.record().count(Endpoint::Refresh)
    }

    /// The newest sign-in, as the provider has it.
    pub(crate) fn at_provider(&self) -> SignIn {
        self.provider.sign_ins().pop().expect("somebody should have signed in")
    }
}

/// Asks a keeper many times for a token that lives, and expects each to be put off to the same moment.
pub(crate) async fn all_put_off(keeper: &Arc<Keeper>, account: &AccountName) -> Timestamp {
    let mut put_off: Vec<Timestamp> = Vec::new();
    for _ in 0..20 {
        match keeper.fresh(account, Need::Living).await {
            Err(KeepError::Later { next, .. }) => put_off.push(next),
            other => panic!("it should have been put off, but: {other:?}"),
        }
    }
    put_off.dedup();
    assert_eq!(put_off.len(), 1, "{put_off:?}");
    put_off[0]
}
