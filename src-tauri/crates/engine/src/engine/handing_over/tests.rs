//! The order of things: wherever it is cut off, somebody has the sign-in, and at most one uses it. Each engine that is
//! opened anew stands for a process that came after one that ended in between.

use crate::account::{AccountName, Identity};
use crate::credentials::{self, Credentials, Kind};
use crate::keeper::{Need, SignedIn};
use crate::secret::SecretString;
use crate::status::AccountState;
use crate::{Engine, Surroundings};

struct Desk {
    home: tempfile::TempDir,
    account: AccountName,
}

impl Desk {
    async fn with(kind: Kind) -> Self {
        let desk = Self { home: tempfile::tempdir().unwrap(), account: AccountName::default() };
        desk.sign_in(kind, "canary-refresh").await;
        desk
    }

    /// A process that has just begun. Nobody listens where its provider is: whatever it asked would fail.
    fn engine(&self) -> Engine {
        let surroundings = Surroundings {
            home: Some(self.home.path().into()),
            provider: Some("http://127.0.0.1:9".to_owned()),
            vault: Some("file".to_owned()),
            ..Surroundings::default()
        };
        Engine::open(surroundings).unwrap()
    }

    async fn sign_in(&self, kind: Kind, refresh_token: &str) {
        let sign_in = SignedIn {
            kind,
            access_token: SecretString::new(format!("access of {refresh_token}")),
            refresh_token: SecretString::new(if kind == Kind::SignIn { refresh_token } else { "" }),
            access_token_ends: credentials::NEVER,
            sign_in_ends: None,
            scopes: Vec::new(),
            identity: Identity::default(),
        };
        self.engine().keeper().await.unwrap().adopt(&self.account, sign_in).await.unwrap();
    }

    async fn in_vault(&self) -> Option<Credentials> {
        self.engine().keeper().await.unwrap().read(&self.account).await.unwrap()
    }

    /// What a process that came later would say, asked for a token, for a renewal, and by the standing work.
    async fn used_by_nobody(&self) {
        let engine = self.engine();
        let keeper = engine.keeper().await.unwrap();
        keeper.reconcile_all().await.unwrap();
        for need in [Need::Living, Need::NotDue, Need::After(1)] {
            let refused = keeper.fresh(&self.account, need).await.unwrap_err();
            assert!(matches!(refused, crate::keeper::KeepError::SignedOut(_)), "{need:?}: {refused}");
        }
        assert_eq!(engine.refresh(&self.account).await.unwrap_err().code(), "signed_out");
        assert!(engine.journal.accounts().unwrap()[0].stage.is_over());
    }
}

#[tokio::test]
async fn what_was_given_is_used_by_nobody_and_kept_until_it_is_forgotten() {
    let desk = Desk::with(Kind::SignIn).await;
    let given = desk.engine().hand_over(&desk.account).await.unwrap();
    assert_eq!(given.credentials().refresh_token.expose(), "canary-refresh");
    assert!(!given.was_given_before());
    // The process may end here: there is an owner still, and no second.
    assert_eq!(desk.in_vault().await.as_ref(), Some(given.credentials()));
    desk.used_by_nobody().await;
    let status = desk.engine().status().unwrap();
    assert_eq!(status.accounts[0].code, AccountState::HandingOver);
    assert!(status.accounts[0].state.contains("handed over"), "{}", status.accounts[0].state);

    let engine = desk.engine();
    assert!(engine.handed_over(given).await.unwrap().is_empty(), "there were no copies");
    assert_eq!(desk.in_vault().await, None);
    assert!(engine.journal.accounts().unwrap().is_empty());
    let told = engine.activity(10).unwrap().pop().unwrap();
    assert_eq!(told.text, "Handed the sign-in of default over to another owner.");
    assert_eq!(engine.hand_over(&desk.account).await.unwrap_err().code(), "signed_out");
}

#[tokio::test]
async fn who_was_cut_off_is_given_the_same_again() {
    let desk = Desk::with(Kind::SignIn).await;
    let first = desk.engine().hand_over(&desk.account).await.unwrap();
    let again = desk.engine().hand_over(&desk.account).await.unwrap();
    assert_eq!(again.credentials(), first.credentials());
    assert!(again.was_given_before());
    // Somebody may have the first: what is taken back must not make a second owner of us.
    desk.engine().take_back(again).await.unwrap();
    desk.used_by_nobody().await;
    desk.engine().take_back(first).await.unwrap();
    assert!(desk.engine().token(&desk.account).await.is_ok());
}

#[tokio::test]
async fn signing_out_forgets_what_may_be_anothers_and_ends_it_nowhere() {
    let desk = Desk::with(Kind::SignIn).await;
    let _given = desk.engine().hand_over(&desk.account).await.unwrap();
    // Where the provider was asked, this would say that it can't be reached.
    let goodbye = desk.engine().sign_out(&desk.account).await.unwrap();
    assert!(goodbye.untold.is_none());
    assert_eq!(desk.in_vault().await, None);
}

#[tokio::test]
async fn who_signs_in_anew_meanwhile_stays_signed_in() {
    let desk = Desk::with(Kind::SignIn).await;
    let given = desk.engine().hand_over(&desk.account).await.unwrap();
    desk.sign_in(Kind::SignIn, "canary-anew").await;
    let engine = desk.engine();
    assert_eq!(engine.token(&desk.account).await.unwrap().refresh_token.expose(), "canary-anew");
    engine.handed_over(given).await.unwrap();
    assert_eq!(desk.in_vault().await.unwrap().refresh_token.expose(), "canary-anew");
    assert!(desk.engine().token(&desk.account).await.is_ok());
}

#[tokio::test]
async fn what_was_given_is_not_ended_by_a_new_sign_in() {
    let desk = Desk::with(Kind::SignIn).await;
    let _given = desk.engine().hand_over(&desk.account).await.unwrap();
    let engine = desk.engine();
    let anew = SignedIn {
        kind: Kind::SignIn,
        access_token: SecretString::new("access"),
        refresh_token: SecretString::new("canary-anew"),
        access_token_ends: credentials::NEVER,
        sign_in_ends: None,
        scopes: Vec::new(),
        identity: Identity::default(),
    };
    let (_, earlier) = engine.keeper().await.unwrap().adopt(&desk.account, anew).await.unwrap();
    assert_eq!(earlier, None, "it would be revoked, and is another's by now");
}

#[tokio::test]
async fn what_has_no_refresh_token_has_no_owner_to_change() {
    for kind in [Kind::OneYear, Kind::ApiKey] {
        let desk = Desk::with(kind).await;
        let refused = desk.engine().hand_over(&desk.account).await.unwrap_err();
        assert_eq!(refused.code(), "nothing_to_hand_over");
        assert!(desk.engine().token(&desk.account).await.is_ok(), "all is as it was");
    }
}
