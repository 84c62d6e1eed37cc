//! What is wrong with this installation itself: settings, keychain, provider, clock, sign-ins.

use std::time::Duration;

use bed::{Canary, Dockerd, Home, Keychain, Provider, Vault};
use jiff::SignedDuration;
use practice::{Endpoint, Fault, Trouble};
use rustix::process::Signal;
use serde_json::json;

use super::{Scene, fix, told, told_by, write};
use crate::steps::{approve, delivering, refusal, report, sign_in, sign_in_as, vault_entries};

#[tokio::test]
async fn nothing_found_is_told_in_one_line() {
    let provider = Provider::start();
    let engine = Dockerd::start().await;
    let engine = engine.engine();
    let home = Home::new().provider(&provider).engine(engine);
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    let app = bed::Run::app(["sleep"]).user("node").mount(&volume, "/home/node/.claude");
    let _app = engine.run(app).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Keeping everything fresh.").await;
    let all_well = home.tokenferry(["doctor"]).run().await.succeeds();
    assert_eq!(
        all_well.stdout,
        "All is well. Looked at 1 account, 1 destination, 1 engine with 1 container, the vault and the provider.\n"
    );
    assert_eq!(told(&home, 0).await.codes(""), [] as [&str; 0]);

    // Without a program that keeps it all fresh there is a note, and a note is no failure.
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    let told = told(&home, 0).await;
    assert_eq!(told.codes(""), ["nothing_keeps_fresh"]);
    assert_eq!(told.only("nothing_keeps_fresh")["severity"], "note");
    let words = home.tokenferry(["doctor"]).run().await.succeeds().stdout;
    assert!(words.contains("tokenferry run") && words.contains("1 note, and nothing that needs you."), "{words}");
}

#[tokio::test]
async fn whoever_has_nothing_yet_is_told_how_to_begin() {
    let told = told(&Home::new(), 1).await;
    assert_eq!(told.codes(""), ["engine_not_running", "nobody_signed_in", "provider_unreachable"]);
    assert_eq!(told.only("engine_not_running")["severity"], "note", "nothing depends on it yet");
    told.says("nobody_signed_in", &["tokenferry login"]);
    told.says("provider_unreachable", &["Claude can't be reached", "http://127.0.0.1:9"]);
}

#[tokio::test]
async fn with_a_mistake_in_the_settings_the_rest_is_looked_at_all_the_same() {
    let scene = Scene::delivered().await;
    scene.write(r#"{"claudeAiOauth":{"accessToken":""}}"#).await;
    let file = scene.home.state().join("config.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("renew-befor = 3\n{before}")).unwrap();
    assert_eq!(refusal(scene.home.tokenferry(["status"]), 1).await, "settings_mistake");

    // Where it was delivered to is known all the same.
    let found = scene.told(1).await;
    assert_eq!(found.codes("web"), ["file_blank"]);
    found.says("settings_mistake", &["config.toml", "line 1", "renew-befor"]);
    let words = scene.home.tokenferry(["doctor"]).run().await.ends_with(1).stdout;
    assert!(words.starts_with("Problem: "), "{words}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("renew-befor = 3\n{before}"));
    std::fs::write(&file, before).unwrap();
    assert!(!scene.told(1).await.codes("").contains(&"settings_mistake"));
}

#[tokio::test]
async fn what_keeps_everything_from_being_opened_is_told() {
    let home = Home::new();
    let with = |name: &str, value: &str| home.tokenferry(["doctor"]).set(name, value);
    told_by(with("TOKENFERRY_PROVIDER", "http://claude.example"), 1).await.says("bad_provider", &["https"]);
    told_by(with("TOKENFERRY_VAULT", "paper"), 1).await.says("bad_vault", &["keychain, file or memory"]);
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    told_by(with("TOKENFERRY_HOME", file.to_str().unwrap()), 1).await.says("home_unusable", &["TOKENFERRY_HOME"]);
    std::fs::write(home.state().join("journal.db"), "no database, whatever its name says".repeat(99)).unwrap();
    told(&home, 1).await.says("journal_unusable", &["journal.db"]);
}

#[tokio::test]
async fn the_keychain_s_states_are_told_apart() {
    let provider = Provider::start();
    let mut keychain = Keychain::unlocked();
    let home = Home::new().provider(&provider).vault(Vault::Keychain(keychain.address()));
    sign_in(&home).await;
    let vault_codes = async |home: &Home| {
        let told = told(home, 1).await;
        let codes: Vec<String> = told.codes("").into_iter().map(str::to_owned).collect();
        codes.into_iter().filter(|code| code.contains("keychain") || code.contains("vault")).collect::<Vec<_>>()
    };
    keychain.lock();
    assert_eq!(vault_codes(&home).await, ["keychain_locked"]);
    told(&home, 1).await.says("keychain_locked", &["Unlock it", "TOKENFERRY_VAULT=file"]);
    keychain.restart();
    assert_eq!(told(&home, 0).await.codes("default"), [] as [&str; 0]);
    keychain.hang();
    assert_eq!(vault_codes(&home).await, ["keychain_timed_out"]);
    let other = Home::new().vault(Vault::Keychain(Keychain::absent().address()));
    assert_eq!(vault_codes(&other).await, ["keychain_absent"]);
}

#[tokio::test]
async fn entries_that_are_lost_or_damaged_or_elsewhere_are_told() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let entry = home.state().join("vault").join(&vault_entries(&home)[0]);
    let whole = std::fs::read(&entry).unwrap();
    std::fs::write(&entry, "{").unwrap();
    let damaged = told(&home, 1).await;
    assert_eq!(damaged.codes("default"), ["vault_entry_corrupt"]);
    assert_eq!(std::fs::read(&entry).unwrap(), b"{", "looking changed it");
    std::fs::remove_file(&entry).unwrap();
    told(&home, 1).await.says("sign_in_missing", &["account default", "tokenferry login"]);
    std::fs::write(&entry, whole).unwrap();
    told(&home, 0).await;
    let elsewhere = home.tokenferry(["doctor"]).set("TOKENFERRY_VAULT", "memory");
    told_by(elsewhere, 1).await.says("vault_other_kind", &["encrypted file", "TOKENFERRY_VAULT=file"]);
}

#[tokio::test]
async fn a_clock_that_differs_from_the_provider_s_is_told_with_how_much() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    for (offset, said) in [(300, "5 min ahead of"), (-7200, "2 h behind"), (100, "100 s ahead of")] {
        provider.set(|options| options.clock_offset = SignedDuration::from_secs(offset));
        let told = told(&home, 1).await;
        // A round trip may cost a second.
        let what = told.only("own_clock_differs")["what"].as_str().unwrap();
        assert!(what.contains(said) || what.contains(" min ") || what.contains(" s "), "{what}");
        assert!(what.contains(&provider.url()), "{what}");
    }
    provider.set(|options| options.clock_offset = SignedDuration::from_secs(20));
    told(&home, 0).await;
}

#[tokio::test]
async fn sign_ins_that_need_a_person_are_told() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    provider.set(|options| {
        options.show_sign_in_end = true;
        options.sign_in_lifetime = Duration::from_secs(3 * 24 * 3600);
    });
    sign_in_as(&home, &provider, "ada@practice.example", "soon").await;
    provider.set(|options| options.sign_in_lifetime = Duration::from_secs(30 * 24 * 3600));
    sign_in_as(&home, &provider, "ada@practice.example", "over").await;
    home.tokenferry(["destination", "add", "web", "--volume", "v", "--account", "nobody"]).run().await.succeeds();
    provider.fault(Fault::at(Endpoint::Refresh, Trouble::oauth_error("invalid_grant")).times(1));
    home.tokenferry(["refresh", "--account", "over"]).run().await.ends_with(4);
    let found = told(&home, 1).await;
    assert_eq!(found.codes("soon"), ["sign_in_ends_soon"]);
    assert_eq!(found.codes("over"), ["needs_sign_in"]);
    found.says("needs_sign_in", &["`tokenferry login --account over`"]);
    found.says("account_signed_out", &["nobody is signed in", "`tokenferry login --account nobody`"]);
}

#[tokio::test]
async fn no_secret_is_in_any_of_it() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let home = home.talkative();
    sign_in(&home).await;
    let volume = engine.volume().await;
    approve(&home, "web", &volume).await;
    let theirs = json!({"claudeAiOauth": {"accessToken": "canary-access", "refreshToken": "canary-refresh"}});
    write(&volume, theirs).await;
    let app = bed::Run::app(["sleep"]).set("ANTHROPIC_API_KEY", "canary-api-key").mount(&volume, "/data");
    let _app = engine.run(app).await;
    fix(&home, 1).await;
    report(home.tokenferry(["status"])).await;
    let mut canary = Canary::new(
        provider.secrets().into_iter().chain(["access", "refresh", "api-key"].map(|it| format!("canary-{it}"))),
    );
    home.search(&mut canary);
    canary.assert_unseen();
}
