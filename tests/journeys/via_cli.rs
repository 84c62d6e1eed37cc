//! Signing in through the official CLI, in the terminal: it signs in, and its sign-in is taken over.

use std::path::Path;

use bed::{Canary, ClaudeCli, ClaudeHosts, Home, Provider};
use practice::Endpoint;
use rustix::process::Signal;

use crate::steps::{account, eventually, refusal, token};

const LOGIN: [&str; 2] = ["login", "--via-claude-cli"];

#[tokio::test]
async fn its_sign_in_is_taken_over_and_its_folder_goes() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    let mut login = home.tokenferry(LOGIN).input_stays_open().spawn();
    // The CLI has the terminal: what it says is seen, and what is typed is its own.
    let said = login.says("Paste code here if prompted > ").await;
    assert!(said.contains("/oauth/authorize?code=true&state=s"), "{said}");
    assert!(cli.told_folder().is_dir());
    login.types("code#s\n").await;
    let done = login.finish().await.succeeds();
    assert!(done.stderr.contains("Login successful.") && done.stderr.contains("Signed in as ada@practice"), "{done}");
    assert_eq!(done.stdout, "", "standard output is for data");
    assert!(!cli.told_folder().exists());
    assert_eq!(account(&home, "default").await["code"], "fresh");
    // What the CLI had is of no more use: Tokenferry has renewed it.
    assert_eq!(provider.record().count(Endpoint::Refresh), 1);
    assert!(provider.sign_ins().iter().filter(|it| it.alive).all(|it| it.generation > 0));
    token(&home).await;
}

#[tokio::test]
async fn what_fails_is_told_and_leaves_nothing() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    let failed = home.tokenferry(LOGIN).input("wrong\n").run().await.ends_with(1);
    assert!(failed.stderr.contains("Couldn't log in: wrong is not the code.\n"), "its own words: {failed}");
    assert!(failed.stderr.contains("The Claude CLI ended without a sign-in.\nWhat it said above"), "{failed}");
    assert_eq!(refusal(home.tokenferry(LOGIN), 1).await, "cli_ended");
    let interrupted = home.tokenferry(LOGIN).input("\n").run().await.ends_with(130);
    assert!(!interrupted.stderr.contains("without a sign-in"), "the person knows: {interrupted}");
    assert!(!cli.told_folder().exists());
    assert!(account(&home, "default").await.is_null());
    home.tokenferry(LOGIN).arg("--paste").run().await.ends_with(2);

    let without = Home::new().provider(&provider).set("PATH", "/nowhere");
    assert_eq!(refusal(without.tokenferry(LOGIN), 1).await, "no_cli");
}

#[tokio::test]
async fn who_interrupts_it_leaves_neither_program_nor_folder_nor_sign_in() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    let mut login = home.tokenferry(LOGIN).input_stays_open().spawn();
    login.says("Paste code here").await;
    // It has got through, and has not ended yet.
    std::fs::copy(cli.sign_in(), cli.told_folder().join(".credentials.json")).unwrap();
    login.signal(Signal::TERM);
    login.finish().await.ends_with(130);
    assert!(!cli.runs() && !cli.told_folder().exists());
    eventually("it is ended at the provider", async || provider.sign_ins().iter().all(|it| !it.alive)).await;
    assert!(account(&home, "default").await.is_null());
}

#[tokio::test]
async fn somebody_else_is_replaced_only_after_a_yes() {
    let provider = Provider::start();
    let (cli, home) = ClaudeCli::stand_in(Home::new().provider(&provider), &provider).await;
    provider.set(|options| options.person = "grace@practice.example".to_owned());
    home.tokenferry(["login"]).run().await.succeeds();
    let kept = account(&home, "default").await;
    // Nobody can be asked in a pipe.
    let declined = home.tokenferry(LOGIN).input("code#s\n").run().await.ends_with(1);
    assert!(declined.stderr.contains("Say --yes"), "{declined}");
    assert_eq!(account(&home, "default").await, kept);
    let alive: Vec<_> = provider.sign_ins().into_iter().filter(|it| it.alive).collect();
    assert_eq!(alive.len(), 1, "what was turned down is ended at the provider: {alive:?}");
    assert!(!cli.told_folder().exists());
}

/// The real CLI, with the practice provider in place of Claude's hosts.
#[tokio::test]
async fn the_real_cli_signs_in() {
    let provider = Provider::start();
    let hosts = ClaudeHosts::start(&provider).await;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some((_cli, home)) = ClaudeCli::real(Home::new().provider(&provider), &hosts, kept).await else { return };
    // It opens no browser, which could only go to Claude.
    let home = home.set("BROWSER", "true");
    let mut login = home.tokenferry(LOGIN).input_stays_open().spawn();
    let said = login.says("Paste code here").await;
    let address = said.split_whitespace().find(|word| word.starts_with("https://")).expect("an address");
    let code = provider.code_to_paste(&hosts.at_practice(address)).await;
    login.types(&format!("{code}\n")).await;
    let done = login.finish().await.succeeds();
    assert!(done.stderr.contains("Signed in as ada@practice.example"), "{done}");
    assert_eq!(account(&home, "default").await["code"], "fresh");
    assert_eq!(provider.sign_ins().iter().filter(|it| it.alive && it.generation > 0).count(), 1);
    // The CLI has left nothing of it in its home either.
    let mut canary = Canary::new(provider.secrets());
    home.search(&mut canary);
    canary.assert_unseen();

    let failed = home.tokenferry(LOGIN).input("made-up-code#made-up-state\n").run().await.ends_with(1);
    assert!(failed.stderr.contains("Couldn't log in: That code wasn't accepted."), "{failed}");
    assert!(failed.stderr.contains("The Claude CLI ended without a sign-in."), "{failed}");
}
