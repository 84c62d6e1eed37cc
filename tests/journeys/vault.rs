//! Where sign-ins are kept: the keychain, or an encrypted file; and that one is never put in the other's place unasked.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use bed::steps::printed_token;
use bed::{Canary, Home, Keychain, Provider, Vault};
use practice::Endpoint;
use rustix::process::Signal;
use serde_json::json;

use crate::steps::{account, eventually, outlive_token, refusal, report, sign_in, status, token, vault_entries};

/// Nobody has to wait longer for a keychain that can ask nobody.
const PROMPT_FREE: Duration = Duration::from_secs(10);

const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn in_keychain(keychain: &Keychain, provider: &Provider) -> Home {
    Home::new().provider(provider).vault(Vault::Keychain(keychain.address()))
}

/// How many entries this home has in the keychain.
fn entries(keychain: &Keychain, home: &Home) -> usize {
    let service = engine::home::Home::at(home.state()).keychain_service();
    let found = keychain.command("secret-tool").args(["search", "--all", "service", &service]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).matches("secret = ").count()
}

#[tokio::test]
async fn the_whole_loop_in_a_real_keychain() {
    let provider = Provider::start();
    let mut keychain = Keychain::unlocked();
    let home = in_keychain(&keychain, &provider).talkative();
    provider.set(|options| options.access_token_lifetime = Duration::from_secs(1));
    sign_in(&home).await;
    assert_eq!(entries(&keychain, &home), 1);
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains("Sign-ins are kept in the system's keychain."), "{words}");
    provider.set(|options| options.access_token_lifetime = Duration::from_secs(8 * 3600));
    outlive_token(&home, "default").await;
    let renewed = token(&home).await;
    keychain.restart();
    assert_eq!(token(&home).await, renewed, "it outlives the keychain's own process");
    assert_eq!(provider.record().count(Endpoint::Refresh), 1);

    let printed = home.tokenferry(["login", "--paste", "--account", "later"]).run().await.succeeds().stdout;
    assert_eq!(entries(&keychain, &home), 2, "the verifier waits there too");
    let code = provider.code_to_paste(printed.trim()).await;
    home.tokenferry(["callback", &code]).run().await.succeeds();
    for name in ["default", "later"] {
        home.tokenferry(["logout", "--account", name]).run().await.succeeds();
    }
    assert_eq!(entries(&keychain, &home), 0);
    assert!(!home.state().join("vault").exists() && !home.state().join("vault.key").exists());
    let mut canary = Canary::new(provider.secrets());
    home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn a_locked_keychain_is_said_before_anything_is_asked_for_and_mends_itself() {
    let provider = Provider::start();
    let mut keychain = Keychain::unlocked();
    let home = in_keychain(&keychain, &provider);
    sign_in(&home).await;
    let before = token(&home).await;
    keychain.lock();
    provider.clear_record();
    for words in [&["token"][..], &["refresh"], &["login"], &["login", "--paste"], &["logout"]] {
        let begun = Instant::now();
        assert_eq!(refusal(home.tokenferry(words), 1).await, "keychain_locked", "{words:?}");
        assert!(begun.elapsed() < PROMPT_FREE, "{words:?} took {:?}", begun.elapsed());
    }
    let said = home.tokenferry(["token"]).run().await.ends_with(1).stderr;
    assert!(said.contains("Unlock it") && said.contains("TOKENFERRY_VAULT=file"), "{said}");
    assert_eq!(provider.record().entries(), [], "a person was sent to sign in for nothing");
    // What needs no secret still answers.
    assert_eq!(account(&home, "default").await["identity"]["email"], "ada@practice.example");
    keychain.restart();
    assert_eq!(token(&home).await, before);
    assert!(provider.sign_ins()[0].alive);
}

#[tokio::test]
async fn run_waits_for_a_keychain_that_is_locked() {
    let provider = Provider::start();
    let mut keychain = Keychain::unlocked();
    let home = in_keychain(&keychain, &provider);
    provider.set(|options| options.access_token_lifetime = Duration::from_secs(1));
    sign_in(&home).await;
    provider.set(|options| options.access_token_lifetime = Duration::from_secs(8 * 3600));
    keychain.lock();
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("The keychain is locked. Unlock it").await;
    assert_eq!(account(&home, "default").await["refresh_count"], 0);
    keychain.restart();
    // It looks again within a minute, or when anything happens.
    home.tokenferry(["destination", "add", "web", "--volume", "claude-auth"]).run().await.succeeds();
    run.says("Renewed default").await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
}

#[tokio::test]
async fn without_a_keychain_the_choice_is_told_and_none_is_made() {
    let provider = Provider::start();
    let absent = Keychain::absent();
    for home in [Home::new().provider(&provider).set("TOKENFERRY_VAULT", "keychain"), in_keychain(&absent, &provider)] {
        // Without any word the keychain is meant.
        let home = home.unset("TOKENFERRY_VAULT");
        for words in [&["login"][..], &["login", "--paste"]] {
            let refused = home.tokenferry(words).run().await.ends_with(1);
            assert!(refused.stderr.contains("No keychain was found"), "{refused}");
            assert!(refused.stderr.contains("TOKENFERRY_VAULT=file"), "{refused}");
            assert!(refused.stderr.contains("vault = \"file\""), "{refused}");
        }
        assert_eq!(refusal(home.tokenferry(["login"]), 1).await, "keychain_absent");
        assert_eq!(status(&home).await["accounts"], json!([]));
        assert!(!home.state().join("vault").exists());
        // The advice in config.toml helps.
        std::fs::write(home.state().join("config.toml"), "vault = \"file\"\n").unwrap();
        sign_in(&home).await;
        assert_eq!(status(&home).await["vault"], "file");
    }
    assert_eq!(provider.sign_ins().len(), 2, "somebody signed in for nothing");
}

#[tokio::test]
async fn an_encrypted_file_makes_its_own_key_that_nobody_else_may_read() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let key = home.state().join("vault.key");
    let entry = home.state().join("vault").join(&vault_entries(&home)[0]);
    for file in [&key, &entry, &home.state().join("journal.db")] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(refusal(home.tokenferry(["token"]), 1).await, "vault_key_exposed");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    token(&home).await;
    std::fs::rename(&key, home.path().join("lost")).unwrap();
    assert_eq!(refusal(home.tokenferry(["token"]), 1).await, "vault_key_missing");
    assert_eq!(refusal(home.tokenferry(["login"]), 1).await, "vault_key_missing");
    std::fs::rename(home.path().join("lost"), &key).unwrap();
    token(&home).await;
}

#[tokio::test]
async fn a_key_of_ones_own_is_used_and_lies_nowhere() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider).set("CLAUDE_TOKEN_ENCRYPTION_KEY", KEY).talkative();
    // The stand-in for the browser would note its environment, which a browser needs not do.
    let home = home.unset("PRACTICE_BROWSER_TRACE");
    sign_in(&home).await;
    let before = token(&home).await;
    assert!(!home.state().join("vault.key").exists());
    for (key, code) in [
        ("correct horse battery staple", "vault_key_malformed"),
        (OTHER_KEY, "vault_key_wrong"),
        ("", "vault_key_missing"),
    ] {
        for words in [["token"], ["login"], ["refresh"]] {
            let refused = home.tokenferry(words).set("CLAUDE_TOKEN_ENCRYPTION_KEY", key);
            assert_eq!(refusal(refused, 1).await, code, "{words:?}");
        }
    }
    // The same from a file, as secrets of containers come.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let with_file = || home.tokenferry(["token"]).set("CLAUDE_TOKEN_ENCRYPTION_KEY_FILE", &file);
    let by_file = || with_file().unset("CLAUDE_TOKEN_ENCRYPTION_KEY");
    assert_eq!(printed_token(by_file()).await, before);
    assert_eq!(refusal(with_file(), 1).await, "encryption_key_twice");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(refusal(by_file(), 1).await, "encryption_key_unreadable");
    assert_eq!(token(&home).await, before, "none of this cost the sign-in");
    assert_eq!(provider.sign_ins().len(), 1, "somebody signed in for nothing");
    let mut canary = Canary::new(provider.secrets().into_iter().chain([KEY.to_owned()]));
    home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn a_home_whose_sign_ins_lie_elsewhere_says_where_and_changes_nothing() {
    let provider = Provider::start();
    let keychain = Keychain::unlocked();
    let home = in_keychain(&keychain, &provider);
    sign_in(&home).await;
    let before = token(&home).await;
    for kind in ["file", "memory"] {
        for words in [&["token"][..], &["refresh"], &["logout"], &["login"], &["login", "--paste"]] {
            let other = home.tokenferry(words).set("TOKENFERRY_VAULT", kind);
            assert_eq!(refusal(other, 1).await, "vault_other_kind", "{words:?}");
        }
    }
    let said = home.tokenferry(["token"]).set("TOKENFERRY_VAULT", "file").run().await.ends_with(1).stderr;
    assert!(said.contains("system's keychain") && said.contains("TOKENFERRY_VAULT=keychain"), "{said}");
    // The standing work does no harm either.
    let run = home.tokenferry(["run"]).set("TOKENFERRY_VAULT", "file");
    assert_eq!(refusal(run, 1).await, "vault_other_kind");
    assert_eq!(token(&home).await, before);
    assert_eq!(account(&home, "default").await["code"], "fresh");
    assert_eq!((provider.sign_ins().len(), entries(&keychain, &home)), (1, 1));

    // Once nothing lies there any more, another may be chosen.
    home.tokenferry(["logout"]).run().await.succeeds();
    let home = home.set("TOKENFERRY_VAULT", "file");
    sign_in(&home).await;
    assert_eq!((vault_entries(&home).len(), entries(&keychain, &home)), (1, 0));
}

/// What the advice says has to work: to sign out, and in anew.
#[tokio::test]
async fn an_entry_that_cannot_be_read_is_left_until_a_person_signs_out() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    for damage in [&b"{"[..], b"{\"format\":1,\"key\":\"another\",\"fernet\":\"x\"}"] {
        sign_in(&home).await;
        let entry = home.state().join("vault").join(&vault_entries(&home)[0]);
        std::fs::write(&entry, damage).unwrap();
        let refused = home.tokenferry(["token"]).run().await.ends_with(1);
        assert!(refused.stderr.contains("`tokenferry logout` and `tokenferry login`"), "{refused}");
        assert_eq!(std::fs::read(&entry).unwrap(), damage);
        let told = home.tokenferry(["logout"]).run().await.ends_with(3);
        assert!(told.stderr.contains("Claude was not told: there, the sign-in ends by itself."), "{told}");
        assert_eq!(vault_entries(&home), [] as [String; 0]);
    }
    sign_in(&home).await;
    assert_eq!(account(&home, "default").await["code"], "fresh");
}

/// Whoever removed the entry in the keychain's own program has signed out as far as this machine goes.
#[tokio::test]
async fn an_entry_that_is_gone_is_a_sign_out() {
    let provider = Provider::start();
    let keychain = Keychain::unlocked();
    let home = in_keychain(&keychain, &provider);
    sign_in(&home).await;
    let service = engine::home::Home::at(home.state()).keychain_service();
    let cleared = keychain.command("secret-tool").args(["clear", "service", &service]).status().unwrap();
    assert!(cleared.success());
    assert_eq!(refusal(home.tokenferry(["token"]), 4).await, "signed_out");
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Keeping everything fresh.").await;
    eventually("the account is gone", async || status(&home).await["accounts"] == json!([])).await;
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
    sign_in(&home).await;
    assert_eq!(report(home.tokenferry(["refresh"])).await["refresh_count"], 1);
}
