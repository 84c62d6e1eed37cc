//! API keys: given unseen, kept as a sign-in is, told apart from what looks like one, removed.

use bed::{Canary, Home, Provider};
use practice::{EndedBy, Endpoint, Fault, Trouble};
use serde_json::{Value, json};

use super::{Desk, prompted};
use crate::steps::{account, at_a_terminal, refusal, report, sign_in, token};

const ADA: &str = "ada@practice.example";

fn make_key(provider: &Provider) -> String {
    provider.make_api_key(ADA).expect("Ada lives there")
}

/// Adds a key by standard input.
async fn add(home: &Home, name: &str, key: &str) {
    let add = home.tokenferry(["account", "add-api-key", "--account", name]);
    add.input(format!("{key}\n")).run().await.succeeds();
}

#[tokio::test]
async fn a_key_from_standard_input_is_kept_shown_and_removed() {
    let desk = Desk::new();
    let Desk { provider, home, .. } = &desk;
    let key = make_key(provider);
    let told =
        home.tokenferry(["account", "add-api-key", "--account", "key"]).input(format!("  {key}\r\n")).run().await;
    assert!(told.stderr.ends_with("Added an API key as key.\n"), "{told}");
    let shown = account(home, "key").await;
    assert_eq!((&shown["kind"], &shown["code"], &shown["state"]), (&json!("api_key"), &json!("fresh"), &json!("Good")));
    assert_eq!((&shown["access_token_ends"], &shown["sign_in_ends"]), (&Value::Null, &Value::Null));
    let words = home.tokenferry(["status"]).run().await.succeeds().stdout;
    assert!(words.contains("An API key: it has no end, and is never renewed\n"), "{words}");

    assert_eq!(token(home).await, key);
    assert_eq!(prompted(provider, &key).await, 200);
    let told = home.tokenferry(["token", "--json"]).prints_a_secret().run().await.succeeds().json();
    assert_eq!((&told["kind"], &told["ends"]), (&json!("api_key"), &Value::Null));
    assert_eq!(refusal(home.tokenferry(["refresh"]), 1).await, "nothing_to_renew");

    let list = home.tokenferry(["account", "list"]).run().await.succeeds().stdout;
    assert_eq!(list, "key  API key         without an end\n");
    let rows = report(home.tokenferry(["account", "list"])).await;
    assert_eq!((&rows[0]["name"], &rows[0]["kind"]), (&json!("key"), &json!("api_key")));

    let gone = home.tokenferry(["account", "remove", "key"]).run().await.succeeds();
    assert!(gone.stderr.contains("delete it in the Claude Console") && gone.stderr.contains("Removed key."), "{gone}");
    assert_eq!(account(home, "key").await, Value::Null);
    assert_eq!(refusal(home.tokenferry(["account", "remove", "key"]), 4).await, "signed_out");
    assert_eq!(provider.record().count(Endpoint::Revoke), 0, "a key is its owner's to delete");
    desk.search();
}

#[tokio::test]
async fn what_is_typed_at_a_terminal_is_not_shown() {
    let desk = Desk::new();
    let Desk { provider, home, .. } = &desk;
    let key = make_key(provider);
    let mut add = at_a_terminal(home, "account add-api-key --check").spawn();
    add.gives("it is not shown: ").await;
    add.types(&format!("{key}\n")).await;
    let told = add.finish().await.succeeds();
    assert!(told.stdout.contains("Added an API key as default. Claude takes it."), "{told}");
    assert_eq!(token(home).await, key);
    // Whatever the terminal showed was printed in this home.
    desk.search();
}

#[tokio::test]
async fn ctrl_c_at_the_prompt_leaves_the_terminal_as_it_was() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let program = bed::programs::built("tokenferry");
    let command = format!("trap : INT; {} account add-api-key; echo \"ended with $?\"; stty -a", program.display());
    let shell = ["--quiet", "--return", "--command", &command, "/dev/null"];
    let mut add = home.program("script", shell).input_stays_open().spawn();
    add.gives("it is not shown: ").await;
    add.types("\u{3}").await;
    let told = add.finish().await.succeeds();
    assert!(told.stdout.contains("ended with 130"), "{told}");
    let shows = |what: &str| told.stdout.split_whitespace().any(|word| word.trim_end_matches(';') == what);
    assert!(shows("echo") && !shows("-echo") && shows("-echonl"), "{told}");
    assert_eq!(account(&home, "default").await, Value::Null);
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_what_to_do_instead() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let tokens = ["sk-ant-oat01-canary-0123456789", "sk-ant-ort01-canary-0123456789", "sk-ant-admin01-canary-012345"];
    for (given, code) in [
        (tokens[0], "oauth_token"),
        (tokens[1], "oauth_token"),
        (tokens[2], "admin_key"),
        ("", "no_api_key"),
        ("sk-ant-api03-short", "bad_api_key"),
        ("password", "bad_api_key"),
    ] {
        let add = home.tokenferry(["account", "add-api-key"]).input(format!("{given}\n"));
        assert_eq!(refusal(add, 1).await, code, "{given}");
    }
    assert_eq!(refusal(home.tokenferry(["account", "add-api-key"]), 1).await, "no_api_key");
    let told = home.tokenferry(["account", "add-api-key"]).input(tokens[0]).run().await.ends_with(1).stderr;
    assert!(told.contains("`tokenferry login`") && told.contains("`tokenferry login --one-year`"), "{told}");
    assert_eq!(account(&home, "default").await, Value::Null);
    let mut canary = Canary::new(tokens.map(str::to_owned));
    home.search(&mut canary);
    canary.assert_unseen();
    // An argument would be seen by everybody on the machine.
    home.tokenferry(["account", "add-api-key", "sk-ant-api03-given-as-an-argument"]).run().await.ends_with(2);
}

#[tokio::test]
async fn a_key_is_checked_where_that_is_wanted() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let check = |key: &str| home.tokenferry(["account", "add-api-key", "--check"]).input(key);
    assert_eq!(refusal(check("sk-ant-api03-practice-never-made"), 1).await, "api_key_refused");
    let key = make_key(&provider);
    provider.fault(Fault::at(Endpoint::Models, Trouble::status(529)).times(1));
    assert_eq!(refusal(check(&key), 1).await, "provider_busy");
    assert_eq!(account(&home, "default").await, Value::Null, "nothing is kept of what was not taken");
    assert_eq!(report(check(&key)).await["checked"], true);
    let asked: Vec<_> = provider.record().entries().iter().map(|entry| entry.endpoint).collect();
    assert_eq!(asked, [Endpoint::Models; 3]);

    add(&home, "unchecked", "sk-ant-api03-practice-never-made").await;
    assert_eq!(provider.record().count(Endpoint::Models), 3, "nobody was asked");
}

#[tokio::test]
async fn it_takes_the_place_of_something_else_only_where_somebody_says_so() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let (first, second) = (make_key(&provider), make_key(&provider));
    let over = |key: &str| home.tokenferry(["account", "add-api-key"]).input(key);
    assert_eq!(refusal(over(&first), 1).await, "declined");
    assert_eq!(account(&home, "default").await["kind"], "sign_in");
    over(&first).arg("--yes").run().await.succeeds();
    assert_eq!(token(&home).await, first);
    assert_eq!(provider.sign_ins()[0].ended_by, Some(EndedBy::Revocation), "nobody has that sign-in any more");
    assert_eq!(refusal(over(&second), 1).await, "declined", "who knows whose the first is");
    assert_eq!(token(&home).await, first);
    over(&second).arg("--yes").run().await.succeeds();
    assert_eq!(token(&home).await, second);
}
