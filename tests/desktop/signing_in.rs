//! Signing in by the page's own sheet, in each of its ways; and giving it up, being refused, being somebody else.

use bed::steps::account;
use bed::webdriver::invoke;
use bed::{ClaudeHosts, Provider};
use fantoccini::key::Key;
use practice::Options;
use serde_json::json;

use crate::person::Person;
use crate::session::{Session, signing_in, until};

const ADA: &str = "ada@practice.example";

/// Where somebody has to press something, so the page waits.
fn unhurried() -> Provider {
    Provider::start_with(Options::default())
}

/// Waits until the account is this person's, as the state says and as the page says.
async fn is_signed_in(session: &Session, person: &Person, name: &str, email: &str) {
    until(&format!("{name} is {email}"), async || {
        let account = account(&session.home, name).await;
        account["code"] == "fresh" && account["identity"]["email"] == email
    })
    .await;
    person.reads("Fresh until").await;
    person.reads(email).await;
}

/// The window of a sign-in as everybody has it: it keeps no cookies, and nothing of the app is in it.
#[tokio::test(flavor = "multi_thread")]
async fn the_window_takes_the_answer_before_it_is_loaded() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let person = session.sit_down(&[]).await;
    person.press("Sign in…").await;
    session.shoot("sign-in-ways");
    person.press("In a window").await;
    is_signed_in(&session, &person, "default", ADA).await;
    session.shows_no("– Sign in").await;
    session.shoot("signed-in");

    // A second account, under a name of its own, with the browser.
    person.press("Add account…").await;
    person.write("Name of the account", "not a name").await;
    person.reads("Only letters, digits, dots, dashes and underscores").await;
    person.write("Name of the account", "work").await;
    person.press("Use my browser").await;
    is_signed_in(&session, &person, "work", ADA).await;
    person.reads("work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_pasted_and_a_wrong_one_ends_nothing() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let person = session.sit_down(&[]).await;
    let refused = invoke(&person.page, "sign_in_paste", json!({"code": "a#b"})).await.unwrap_err();
    assert_eq!(refused["code"], "not_pending", "nothing waits for a code");
    person.press("Sign in…").await;
    person.press("Paste a code").await;
    person.reads("Open the page, sign in, and paste the code that it shows.").await;
    session.shoot("sign-in-paste");
    for (wrong, said) in
        [("half a code", "Copy all of it"), ("code#of-another-state", "That code belongs to another sign-in.")]
    {
        person.write("Code", wrong).await;
        person.press("Hand in").await;
        person.reads(said).await;
    }
    until("an address is told", async || signing_in(&person.page).await["url"].is_string()).await;
    let address = signing_in(&person.page).await["url"].as_str().unwrap().to_owned();
    let code = provider.code_to_paste(&address).await;
    // As one does: pasted, and Enter.
    person.write("Code", &code).await;
    person.key(Key::Enter).await;
    is_signed_in(&session, &person, "default", ADA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_given_up_in_every_way_and_leaves_nothing() {
    let provider = unhurried();
    let mut session = Session::new(&provider.url());
    // As the menu's Sign in… starts it.
    let person = session.sit_down(&["--sign-in"]).await;
    session.shows("– Sign in").await;
    person.reads("Waiting for you").await;
    let second = invoke(&person.page, "sign_in", json!({"account": "work", "way": "window"})).await.unwrap_err();
    assert_eq!(second["code"], "signing_in");
    // It lies above the app's own window, also where that was slower.
    let shown = async || session.display.top().is_some_and(|it| it.contains("– Sign in"));
    until("the sign-in is at the front", shown).await;
    session.shoot("sign-in-window");
    // By the window's cross.
    session.display.close("– Sign in");
    person.reads("Nobody is signed in yet").await;
    // By the page's button.
    person.press("Sign in…").await;
    person.press("In a window").await;
    session.shows("– Sign in").await;
    person.press("Cancel").await;
    session.shows_no("– Sign in").await;
    // By the key, also before a way was chosen.
    person.press("Sign in…").await;
    person.press("Use my browser").await;
    person.reads("Sign in in your browser.").await;
    person.key(Key::Escape).await;
    person.reads_no_more("Sign in in your browser.").await;
    person.press("Sign in…").await;
    person.reads("How would you like to sign in?").await;
    person.key(Key::Escape).await;
    person.reads("Nobody is signed in yet").await;
    assert!(signing_in(&person.page).await.is_null());
    assert_eq!(session.accounts().await, json!([]));
    assert!(provider.sign_ins().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_says_what_to_do_and_leads_back_to_the_ways() {
    let provider = unhurried();
    let mut session = Session::new(&provider.url()).with_plain_sign_in();
    let person = session.sit_down(&["--sign-in"]).await;
    person.turns_to(&provider.url()).await;
    person.press_and_leave("Deny").await;
    person.turns_back().await;
    person.reads("That didn’t work").await;
    person.reads("Sign in again when you are ready").await;
    session.shows_no("– Sign in").await;
    session.shoot("sign-in-failed");
    person.press("Begin again").await;
    person.press("In a window").await;
    person.authorizes_as("Grace", &provider.url()).await;
    is_signed_in(&session, &person, "default", "grace@practice.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_is_replaced_only_after_a_yes() {
    let provider = Provider::start();
    let other = "grace@practice.example";
    let mut session = Session::new(&provider.url());
    session.home.tokenferry(["login"]).run().await.succeeds();
    provider.set(|options| other.clone_into(&mut options.person));
    let person = session.sit_down(&["--sign-in"]).await;
    person.reads("Replace the account that is there?").await;
    person.reads(&format!("You are now signing in as {other}")).await;
    session.shoot("sign-in-replace");
    person.press("Keep as it is").await;
    is_signed_in(&session, &person, "default", ADA).await;
    session.app(&["--sign-in"]).run().await.succeeds();
    person.press("Replace").await;
    is_signed_in(&session, &person, "default", other).await;
    let alive = provider.sign_ins().into_iter().filter(|it| it.alive).count();
    assert_eq!(alive, 1, "what was turned down and what was replaced are ended at the provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_cli_signs_in_and_its_sign_in_is_taken_over() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let cli = session.with_stand_in_cli(&provider).await;
    let person = session.sit_down(&[]).await;
    person.press("Sign in…").await;
    for (code, is_good) in [("wrong", false), ("code#s", true)] {
        person.press("Through the official Claude CLI").await;
        person.reads("The Claude CLI has opened its page.").await;
        // What it says is relayed, as plain text and without what its address carries.
        person.reads("Opening browser to sign in…\nIf the browser didn't open, visit: http://127.0.0.1:9/oauth/").await;
        until("its address is told", async || signing_in(&person.page).await["url"].is_string()).await;
        let address = signing_in(&person.page).await["url"].as_str().unwrap().to_owned();
        assert!(address.ends_with("?code=true&state=s"), "{address}");
        assert!(cli.told_folder().is_dir());
        session.shoot("sign-in-cli");
        person.write("Code", code).await;
        person.press("Hand in").await;
        if is_good {
            is_signed_in(&session, &person, "default", ADA).await;
        } else {
            person.reads("The Claude CLI ended without a sign-in.").await;
            person.reads("Couldn't log in: … is not the code.").await;
            session.shoot("sign-in-cli-failed");
        }
        until("its folder is gone", async || !cli.told_folder().exists()).await;
        if !is_good {
            person.press("Begin again").await;
        }
    }
    let renewed = provider.sign_ins().into_iter().filter(|it| it.alive).all(|it| it.generation > 0);
    assert!(renewed, "what the CLI had is of no more use");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_window_ends_the_official_cli() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let cli = session.with_stand_in_cli(&provider).await;
    let person = session.sit_down(&[]).await;
    person.press("Sign in…").await;
    person.press("Through the official Claude CLI").await;
    person.reads("Paste code here if prompted >").await;
    session.display.close("Tokenferry");
    until("it is gone", async || !cli.runs() && !cli.told_folder().exists()).await;
    until("the app has ended", async || session.running("tokenferry-desktop").is_empty()).await;
    let alive = provider.sign_ins().into_iter().filter(|it| it.alive).count();
    assert_eq!(alive, 1, "the CLI's own, which it has not got yet");
}

/// The real CLI, with the practice provider in place of Claude's hosts.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_signs_in() {
    let provider = Provider::start();
    let hosts = ClaudeHosts::start(&provider).await;
    let mut session = Session::new(&provider.url());
    if !session.with_real_cli(&hosts).await {
        return;
    }
    let person = session.sit_down(&[]).await;
    person.press("Sign in…").await;
    person.press("Through the official Claude CLI").await;
    person.reads("visit: https://claude.com/cai/oauth/authorize?…").await;
    until("its address is told", async || signing_in(&person.page).await["url"].is_string()).await;
    let address = signing_in(&person.page).await["url"].as_str().unwrap().to_owned();
    person.write("Code", &provider.code_to_paste(&hosts.at_practice(&address)).await).await;
    person.press("Hand in").await;
    is_signed_in(&session, &person, "default", ADA).await;
    assert_eq!(provider.sign_ins().iter().filter(|it| it.alive && it.generation > 0).count(), 1);
}
