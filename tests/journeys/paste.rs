//! Signing in by pasting: the address is printed, and the code comes at the prompt or later, to another process.

use std::time::Duration;

use bed::{Canary, Home, Provider};
use engine::clock::Clock;
use engine::provider::Wanted;
use engine::secret::SecretString;
use engine::sign_in::Callback;
use engine::{Engine, Surroundings};
use jiff::{SignedDuration, Timestamp};
use practice::{EndedBy, Endpoint, Fault, Trouble};
use rustix::process::Signal;
use serde_json::json;

use crate::steps::{account, eventually, refusal, report, status, vault_entries};

/// Begins a sign-in without anybody at the prompt; gives the `CODE#STATE` that the page shows for it.
async fn begun(home: &Home, provider: &Provider) -> String {
    let printed = home.tokenferry(["login", "--paste"]).run().await.succeeds();
    assert!(printed.stderr.contains("tokenferry callback CODE#STATE"), "{printed}");
    let address = printed.stdout.strip_suffix('\n').expect("the address, and nothing else");
    provider.code_to_paste(address).await
}

/// The vault of files, as it lies on the disk.
fn vault_files(home: &Home) -> Vec<Vec<u8>> {
    let vault = home.state().join("vault");
    let journal = ["journal.db", "journal.db-wal"].map(|name| home.state().join(name));
    let files = vault_entries(home).into_iter().map(|name| vault.join(name)).chain(journal);
    files.filter_map(|file| std::fs::read(file).ok()).collect()
}

/// The engine over the same home, so much later.
fn engine_later(home: &Home, provider: &Provider, by: SignedDuration) -> Engine {
    let surroundings = Surroundings {
        home: Some(home.state().into_os_string()),
        provider: Some(provider.url()),
        vault: Some("file".to_owned()),
        clock: Clock::told_by(move || Timestamp::now() + by),
        ..Surroundings::default()
    };
    Engine::open(surroundings).unwrap()
}

#[tokio::test]
async fn another_process_finishes_it() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let code = begun(&home, &provider).await;
    assert_eq!(account(&home, "default").await["code"], "signing_in");
    let while_waiting = vault_files(&home);
    assert_eq!(vault_entries(&home).len(), 1, "the verifier is in the vault");

    let done = home.tokenferry(["callback", &code]).run().await.succeeds();
    assert!(done.stderr.contains("Signed in as ada@practice.example"), "{done}");
    assert_eq!(account(&home, "default").await["code"], "fresh");
    assert_eq!(vault_entries(&home).len(), 1, "the sign-in alone is in the vault");
    // A code is good once, and so is the wait for it.
    assert_eq!(refusal(home.tokenferry(["callback", &code]), 1).await, "not_pending");

    // By now the provider has seen the verifier, and knows what to look for.
    let mut canary = Canary::new(provider.secrets());
    for file in while_waiting {
        canary.look("the state while it waited", &file);
    }
    home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn the_code_may_come_in_any_way_that_a_person_has_it() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let code = begun(&home, &provider).await;
    home.tokenferry(["callback"]).input(format!("  {code}\n")).run().await.succeeds();

    let code = begun(&home, &provider).await;
    let (code, state) = code.split_once('#').unwrap();
    let page = format!("{}/oauth/code/callback?code={code}&state={state}", provider.url());
    home.tokenferry(["callback", &page]).run().await.succeeds();

    let mut login = home.tokenferry(["login", "--paste", "--account", "prompted"]).input_stays_open().spawn();
    login.says("Paste the code").await;
    let address = login.gives("\n").await;
    let code = provider.code_to_paste(address.trim()).await;
    login.types(&format!("{code}\n")).await;
    login.finish().await.succeeds();
    assert_eq!(account(&home, "prompted").await["code"], "fresh");
}

#[tokio::test]
async fn a_program_gets_the_address_as_json() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let told = report(home.tokenferry(["login", "--paste", "--account", "work"])).await;
    let left = told["ends"].as_str().unwrap().parse::<Timestamp>().unwrap().duration_since(Timestamp::now());
    assert!(left <= SignedDuration::from_mins(10) && left > SignedDuration::from_mins(9), "{told}");
    let code = provider.code_to_paste(told["authorization_url"].as_str().unwrap()).await;
    assert_eq!(report(home.tokenferry(["callback", &code])).await["account"], "work");
}

#[tokio::test]
async fn what_is_wrong_with_a_code_is_told() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let pasted = begun(&home, &provider).await;
    let (code, state) = pasted.split_once('#').unwrap();
    for half in [code, &format!("{code}#"), "", "#"] {
        assert_eq!(refusal(home.tokenferry(["callback", half]), 1).await, "code_incomplete", "{half:?}");
    }
    assert_eq!(refusal(home.tokenferry(["callback"]), 1).await, "code_incomplete");
    let wrong_state = format!("{code}#a-state-of-somebody-else");
    assert_eq!(refusal(home.tokenferry(["callback", &wrong_state]), 1).await, "not_pending");
    let denied = format!("{}/oauth/code/callback?error=access_denied&state={state}", provider.url());
    assert_eq!(refusal(home.tokenferry(["callback", &denied]), 1).await, "denied");
    assert_eq!(provider.record().count(Endpoint::Exchange), 0, "none of these is worth asking");

    // None of that ended the wait; a code that the provider does not know does.
    let unknown = format!("no-such-code#{state}");
    assert_eq!(refusal(home.tokenferry(["callback", &unknown]), 1).await, "provider_refused");
    assert_eq!(status(&home).await["accounts"], json!([]));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
}

#[tokio::test]
async fn several_may_wait_at_once() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let mut codes = Vec::new();
    for name in ["ada", "bob"] {
        let printed = home.tokenferry(["login", "--paste", "--account", name]).run().await.succeeds().stdout;
        codes.push((name, provider.code_to_paste(printed.trim()).await));
    }
    for (name, code) in codes.iter().rev() {
        assert_eq!(&report(home.tokenferry(["callback", code])).await["account"], name);
    }
}

#[tokio::test]
async fn ten_minutes_are_the_end_of_it() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let callback = Callback::pasted(&begun(&home, &provider).await).unwrap();
    let late = engine_later(&home, &provider, SignedDuration::from_secs(10 * 60 + 1));
    assert_eq!(late.take_pending(&callback).await.unwrap_err().code(), "not_pending");
    assert_eq!(vault_entries(&home), [] as [String; 0], "the verifier is gone");

    // And the next sign-in sweeps up what nobody came back for.
    begun(&home, &provider).await;
    let (_, _address) = engine_later(&home, &provider, SignedDuration::from_mins(11))
        .begin_pasted_sign_in("work".parse().unwrap(), Wanted::SignIn)
        .await
        .unwrap();
    assert_eq!(vault_entries(&home).len(), 1);
    assert_eq!(account(&home, "default").await, json!(null));

    let callback = Callback::pasted(&begun(&home, &provider).await).unwrap();
    let in_time = engine_later(&home, &provider, SignedDuration::from_secs(9 * 60 + 30));
    let pending = in_time.take_pending(&callback).await.unwrap();
    in_time.obtain(pending, &SecretString::new(callback.code.expose())).await.unwrap();
}

#[tokio::test]
async fn ctrl_c_at_the_prompt_gives_it_up() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    // Whoever forgets may be stopped halfway by luck; several rounds leave less to it.
    for _ in 0..5 {
        let mut login = home.tokenferry(["login", "--paste"]).input_stays_open().spawn();
        login.says("Paste the code").await;
        login.signal(Signal::INT);
        login.finish().await.ends_with(130);
        assert_eq!(status(&home).await["accounts"], json!([]));
        assert_eq!(vault_entries(&home), [] as [String; 0]);
    }
}

/// The provider has made a sign-in by then, and nobody would ever end it.
#[tokio::test]
async fn ctrl_c_while_the_code_is_traded_leaves_nothing_behind() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let code = begun(&home, &provider).await;
    provider.fault(Fault::at(Endpoint::Exchange, Trouble::SlowHeaders { ms: 1500 }).after_work().times(1));
    let callback = home.tokenferry(["callback", &code]).within(Duration::from_secs(20)).spawn();
    eventually("the code is traded", async || !provider.sign_ins().is_empty()).await;
    callback.signal(Signal::INT);
    callback.finish().await.ends_with(130);
    assert_eq!(status(&home).await["accounts"], json!([]));
    assert_eq!(vault_entries(&home), [] as [String; 0]);
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation), "the tokens are still good");
}
