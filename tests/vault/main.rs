//! The keychain as a vault, on a real gnome-keyring in a private D-Bus session: each way in which it can fail, and that
//! none of them hangs.
//!
//! Where the bus is belongs to a process, so each step runs in a process of its own: this test program once more.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use bed::Keychain;
use engine::account::AccountName;
use engine::secret::SecretBytes;
use engine::vault::{Entry, VaultError, VaultKind};

/// Tells this test program to do a step, such as `read ada`.
const STEP: &str = "TOKENFERRY_TEST_STEP";
/// How the line with a step's outcome begins.
const OUTCOME: &str = "outcome: ";
/// A step that asks nobody takes well under a second; a slow machine is given more, but not the time of a hang.
const PROMPT_FREE: Duration = Duration::from_secs(8);

/// What came of a step.
#[derive(Debug)]
struct Outcome {
    said: String,
    took: Duration,
}

/// Does a step in a process of its own, with the keychain's environment.
fn step(keychain: &Keychain, step: &str) -> Outcome {
    let program = std::env::current_exe().expect("this program has a path");
    let begun = Instant::now();
    let output = keychain
        .command(&program.to_string_lossy())
        .args(["--exact", "child", "--nocapture"])
        .env(STEP, step)
        .stdin(Stdio::null())
        .output()
        .expect("this program should start");
    let took = begun.elapsed();
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = printed.lines().find_map(|line| line.split_once(OUTCOME));
    let (_, said) = said.unwrap_or_else(|| panic!("the step {step} said nothing: {output:?}"));
    Outcome { said: said.to_owned(), took }
}

#[test]
fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = match runtime.block_on(act(&step)) {
        Ok(said) => said,
        Err(error) => format!("{}: {error} {}", error.code(), error.fix()),
    };
    println!("{OUTCOME}{said}");
}

/// `read NAME`, `write NAME CONTENT`, `delete NAME`, `try-out FOLDER`.
async fn act(step: &str) -> Result<String, VaultError> {
    let vault = engine::vault::open(
        VaultKind::Keychain,
        "".as_ref(),
        "tokenferry:test",
        &engine::given_key::GivenKey::default(),
    )
    .await?;
    let words: Vec<&str> = step.split(' ').collect();
    let name: AccountName = words[1].parse().unwrap_or_default();
    let entry = Entry::Account(&name);
    match words[0] {
        "read" => Ok(match vault.read(entry).await? {
            Some(content) => format!("holds {}", String::from_utf8_lossy(content.expose())),
            None => "holds nothing".to_owned(),
        }),
        "write" => vault.write(entry, &SecretBytes::new(words[2].into())).await.map(|()| "written".to_owned()),
        "delete" => vault.delete(entry).await.map(|()| "deleted".to_owned()),
        "try-out" => engine::vault::try_out(vault.as_ref(), words[1].as_ref()).await.map(|()| "faithful".to_owned()),
        other => panic!("no step is called {other}"),
    }
}

#[test]
fn what_is_written_outlives_the_process_and_the_service() {
    let mut keychain = Keychain::unlocked();
    assert_eq!(step(&keychain, "read ada").said, "holds nothing");
    assert_eq!(step(&keychain, "delete ada").said, "deleted");
    assert_eq!(step(&keychain, "write ada one").said, "written");
    assert_eq!(step(&keychain, "write ada two").said, "written");
    assert_eq!(step(&keychain, "read ada").said, "holds two");
    assert_eq!(step(&keychain, "read bob").said, "holds nothing");
    keychain.restart();
    assert_eq!(step(&keychain, "read ada").said, "holds two");
    assert_eq!(step(&keychain, "delete ada").said, "deleted");
    assert_eq!(step(&keychain, "read ada").said, "holds nothing");
}

#[test]
fn others_find_the_entry_where_the_keychain_shows_it() {
    let keychain = Keychain::unlocked();
    step(&keychain, "write ada content-of-ada");
    let search = ["search", "--all", "service", "tokenferry:test", "username", "account:ada"];
    let found = keychain.command("secret-tool").args(search).output().unwrap();
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains("label = Tokenferry (account:ada)"), "{found}");
    assert!(found.contains("secret = content-of-ada"), "{found}");
    assert_eq!(found.matches("secret = ").count(), 1, "{found}");
}

#[test]
fn the_trial_leaves_nothing() {
    let keychain = Keychain::unlocked();
    let home = tempfile::tempdir().unwrap();
    assert_eq!(step(&keychain, &format!("try-out {}", home.path().display())).said, "faithful");
    let search = ["search", "--all", "service", "tokenferry:test"];
    let found = keychain.command("secret-tool").args(search).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn a_locked_keychain_is_named_and_works_when_it_is_open_again() {
    let mut keychain = Keychain::unlocked();
    step(&keychain, "write ada one");
    keychain.lock();
    for what in ["read ada", "read bob", "write ada two", "write bob two", "delete ada"] {
        let outcome = step(&keychain, what);
        assert!(outcome.said.starts_with("keychain_locked: The keychain is locked. Unlock it "), "{what}: {outcome:?}");
        assert!(outcome.took < PROMPT_FREE, "{what}: {outcome:?}");
    }
    keychain.restart();
    assert_eq!(step(&keychain, "read ada").said, "holds one");
}

#[test]
fn a_keychain_without_a_collection_holds_nothing_and_takes_nothing() {
    let keychain = Keychain::unused();
    assert_eq!(step(&keychain, "read ada").said, "holds nothing");
    let outcome = step(&keychain, "write ada one");
    assert!(outcome.said.starts_with("keychain_locked: "), "{outcome:?}");
    assert!(outcome.took < PROMPT_FREE, "{outcome:?}");
}

#[test]
fn without_a_service_the_way_on_is_named() {
    let keychain = Keychain::absent();
    let outcome = step(&keychain, "read ada");
    assert!(
        outcome.said.starts_with(
            "keychain_absent: No keychain was found: nothing on the D-Bus session offers org.freedesktop.secrets. "
        ),
        "{outcome:?}"
    );
    assert!(outcome.said.contains("TOKENFERRY_VAULT=file"), "{outcome:?}");
    assert!(outcome.took < PROMPT_FREE, "{outcome:?}");
}

#[test]
fn without_a_bus_the_way_on_is_named() {
    let keychain = Keychain::absent();
    let home = tempfile::tempdir().unwrap();
    for nowhere in ["unix:path=/nowhere/at/all", "", "rubbish"] {
        let mut child = keychain.command(&std::env::current_exe().unwrap().to_string_lossy());
        child.args(["--exact", "child", "--nocapture"]).env(STEP, "read ada");
        child.env("DBUS_SESSION_BUS_ADDRESS", nowhere).env("XDG_RUNTIME_DIR", home.path());
        let output = child.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains("outcome: keychain_absent: No keychain was found: "), "{nowhere:?}: {printed}");
    }
}

#[test]
fn a_service_that_hangs_is_given_up() {
    let keychain = Keychain::unlocked();
    keychain.hang();
    let outcome = step(&keychain, "read ada");
    assert!(outcome.said.starts_with("keychain_timed_out: The keychain did not answer within 15 s."), "{outcome:?}");
    assert!(outcome.took < Duration::from_secs(15) + PROMPT_FREE, "{outcome:?}");
}

/// Somebody has the prompter's name and never answers. Here gnome-keyring gives up first, after 25 s; a prompt that is
/// shown has the minute that a person is given.
#[test]
fn a_prompt_that_nobody_answers_is_given_up() {
    let keychain = Keychain::locked();
    let _prompter = zbus::blocking::connection::Builder::address(keychain.address().as_str())
        .and_then(|bus| bus.name("org.gnome.keyring.SystemPrompter"))
        .and_then(|bus| bus.build())
        .unwrap();
    let outcome = step(&keychain, "read ada");
    assert!(outcome.said.starts_with("keychain_locked: "), "{outcome:?}");
    assert!(outcome.took > PROMPT_FREE, "nobody was asked: {outcome:?}");
    assert!(outcome.took < Duration::from_secs(60) + PROMPT_FREE, "{outcome:?}");
}

#[test]
fn many_at_once_all_read_and_write() {
    let keychain = Keychain::unlocked();
    std::thread::scope(|scope| {
        let steps: Vec<_> = (0..10)
            .map(|n| {
                let keychain = &keychain;
                scope.spawn(move || {
                    assert_eq!(step(keychain, &format!("write user{n} content{n}")).said, "written");
                    assert_eq!(step(keychain, &format!("write shared content{n}")).said, "written");
                    assert_eq!(step(keychain, &format!("read user{n}")).said, format!("holds content{n}"));
                })
            })
            .collect();
        for step in steps {
            step.join().unwrap();
        }
    });
    assert!(step(&keychain, "read shared").said.starts_with("holds content"));
}
