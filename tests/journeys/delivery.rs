//! Destinations: approving of them, delivering to them, and what stands in the way.

use bed::{Provider, TestEngine};
use serde_json::{Value, json};

use crate::steps::{
    approve, delivering, destination, printed_token, refusal, report, sign_in, sign_in_as, status, token, token_in,
};

/// A file with a whole sign-in that somebody made in a container.
fn foreign() -> Value {
    json!({"claudeAiOauth": {"accessToken": "theirs", "refreshToken": "theirs-too", "expiresAt": 1, "scopes": []}})
}

#[tokio::test]
async fn a_destination_is_added_listed_delivered_to_and_removed() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    volume.make_folder(".", (1000, 1000, 0o755)).await;
    let none = home.tokenferry(["destination", "list"]).run().await.succeeds();
    assert!(none.stdout.contains("tokenferry destination add web --volume claude-auth"), "{none}");
    // A place may be approved of before anybody has signed in.
    approve(&home, "web", &volume).await;
    let due = home.tokenferry(["destination", "list"]).run().await.succeeds();
    assert!(due.stdout.contains("tokenferry login"), "{due}");
    sign_in(&home).await;
    assert_eq!(destination(&home, "web").await["code"], "due");

    let told = home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(told.stderr, "web: delivered, and read back.\n");
    let file = volume.read(".credentials.json").await;
    assert_eq!(file.rights(), (1000, 1000, 0o600));
    assert_eq!(file.json()["claudeAiOauth"]["accessToken"], token(&home).await);
    assert_eq!(file.json()["claudeAiOauth"].get("refreshToken"), None);
    assert!(volume.strange_containers().await.is_empty(), "the courier is still there");

    let list = report(home.tokenferry(["destination", "list"])).await;
    let web = &list[0];
    for (name, expected) in [("name", "web"), ("code", "up_to_date"), ("account", "default"), ("format", "claude-code")]
    {
        assert_eq!(web[name], expected, "{web}");
    }
    assert_eq!((&web["volume"], &web["engine"]), (&json!(volume.name()), &json!(engine.host())));
    assert!(web["read_back"].is_string() && web["delivered"].is_string() && web["fingerprint"].is_string(), "{web}");
    let words = home.tokenferry(["destination", "list"]).run().await.succeeds().stdout;
    assert!(words.contains("Up to date, read back ") && words.contains(volume.name()), "{words}");

    let removed = report(home.tokenferry(["destination", "remove", "web"])).await;
    assert_eq!((&removed["removed"], &removed["copies"][0]["outcome"]), (&json!("web"), &json!("withdrawn")));
    assert_eq!(volume.find(".credentials.json").await, None);
    assert_eq!(report(home.tokenferry(["destination", "list"])).await, json!([]));
}

#[tokio::test]
async fn names_and_places_are_taken_once() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let (one, two) = (engine.volume().await, engine.volume().await);
    approve(&home, "web", &one).await;
    let add =
        |name: &str, volume: &bed::Volume| home.tokenferry(["destination", "add", name, "--volume", volume.name()]);
    assert_eq!(refusal(add("web", &two), 1).await, "name_taken");
    assert_eq!(refusal(add("other", &one), 1).await, "place_taken");
    let added = report(add("other", &one).args(["--folder", "sub"])).await;
    assert_eq!((&added["name"], &added["folder"]), (&json!("other"), &json!("sub")));
    assert_eq!(refusal(home.tokenferry(["destination", "remove", "nobody"]), 1).await, "no_such_destination");
    assert_eq!(refusal(home.tokenferry(["sync", "nobody"]), 1).await, "no_such_destination");
    let outside = home.tokenferry(["destination", "add", "out", "--volume", "v", "--folder", "../x"]);
    let told = outside.run().await.ends_with(2);
    assert!(told.stderr.contains("can't be a folder in a volume"), "{told}");
}

#[tokio::test]
async fn what_else_is_in_the_file_stays() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    let theirs = json!({"mcpOAuth": {"tickets": {"accessToken": "the-token-of-the-tickets"}}, "more": [1, 2]});
    volume.write(".credentials.json", theirs.to_string().as_bytes(), (1234, 1235, 0o640)).await;
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    home.tokenferry(["sync"]).run().await.succeeds();
    let file = volume.read(".credentials.json").await;
    assert_eq!(file.rights(), (1234, 1235, 0o600));
    assert_eq!((&file.json()["mcpOAuth"], &file.json()["more"]), (&theirs["mcpOAuth"], &theirs["more"]));
    assert_eq!(token_in(&volume).await, token(&home).await);
}

#[tokio::test]
async fn somebody_elses_sign_in_is_replaced_only_when_that_is_said() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    volume.write(".credentials.json", foreign().to_string().as_bytes(), (1000, 1000, 0o600)).await;
    sign_in(&home).await;
    approve(&home, "web", &volume).await;
    let refused = home.tokenferry(["sync"]).run().await.ends_with(1);
    assert_eq!(volume.read(".credentials.json").await.json(), foreign());
    let foreign_status = destination(&home, "web").await;
    assert_eq!(
        (&foreign_status["code"], &foreign_status["state"]),
        (&json!("foreign"), &json!("Holds somebody else's sign-in"))
    );

    // The advice is followed to the letter.
    let advice = refused.stderr.split('`').nth(1).unwrap_or_else(|| panic!("{refused}\ngives no advice"));
    let words = advice.strip_prefix("tokenferry ").unwrap().replace("NAME", "web");
    home.tokenferry(words.split(' ')).run().await.succeeds();
    assert_eq!(token_in(&volume).await, token(&home).await);
    assert_eq!(destination(&home, "web").await["code"], "up_to_date");
    // Replacing is a decision about one place, never about all.
    home.tokenferry(["sync", "--replace"]).run().await.ends_with(2);
}

#[tokio::test]
async fn an_interactive_claude_is_made_to_ask_nothing_on_request_alone() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let (plain, ready) = (engine.volume().await, engine.volume().await);
    ready.write(".claude.json", br#"{"theme":"light","projects":{"/work":{"x":1}}}"#, (1000, 1000, 0o644)).await;
    sign_in(&home).await;
    approve(&home, "plain", &plain).await;
    let add = ["destination", "add", "ready", "--volume", ready.name(), "--ready-to-use"];
    home.tokenferry(add).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(plain.find(".claude.json").await, None);
    let seeded = ready.read(".claude.json").await.json();
    let expected = json!({"theme": "light", "hasCompletedOnboarding": true, "projects": {
        "/work": {"x": 1}, "/": {"hasTrustDialogAccepted": true, "allowedTools": []}}});
    assert_eq!(seeded, expected);
    // It holds nothing of ours, so it stays when the token goes.
    home.tokenferry(["logout"]).run().await.succeeds();
    assert_eq!(ready.find(".credentials.json").await, None);
    assert_eq!(ready.read(".claude.json").await.json(), expected);
}

#[tokio::test]
async fn folder_and_owner_are_as_they_were_said() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volume = engine.volume().await;
    sign_in(&home).await;
    let add =
        ["destination", "add", "web", "--volume", volume.name(), "--folder", "home/.claude", "--owner", "1234:1235"];
    home.tokenferry(add).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(volume.read("home/.claude/.credentials.json").await.rights(), (1234, 1235, 0o600));
    assert_eq!(volume.find(".credentials.json").await, None);
    home.tokenferry(["destination", "remove", "web"]).run().await.succeeds();
    assert_eq!(volume.find("home/.claude/.credentials.json").await, None);
}

#[tokio::test]
async fn each_account_goes_where_it_belongs() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let volumes = [engine.volume().await, engine.volume().await];
    let people = [("work", "ada@practice.example"), ("home", "grace@practice.example")];
    for ((name, email), volume) in people.iter().zip(&volumes) {
        sign_in_as(&home, &provider, email, name).await;
        let add = ["destination", "add", &format!("{name}-web"), "--volume", volume.name(), "--account", name];
        home.tokenferry(add).run().await.succeeds();
    }
    let unsaid = home.tokenferry(["destination", "add", "unsaid", "--volume", "v"]);
    assert_eq!(refusal(unsaid, 1).await, "which_account");
    home.tokenferry(["sync"]).run().await.succeeds();
    for ((name, _), volume) in people.iter().zip(&volumes) {
        let theirs = printed_token(home.tokenferry(["token", "--account", name])).await;
        assert_eq!(token_in(volume).await, theirs, "{name}");
    }
    home.tokenferry(["logout", "--account", "work"]).run().await.succeeds();
    assert_eq!(volumes[0].find(".credentials.json").await, None);
    assert!(!token_in(&volumes[1]).await.is_empty(), "the other's copy went as well");
}

#[tokio::test]
async fn the_exit_code_says_how_much_was_done() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let (good, missing) = (engine.volume().await, engine.missing_volume());
    assert_eq!(refusal(home.tokenferry(["sync"]), 1).await, "no_destinations");
    approve(&home, "good", &good).await;
    approve(&home, "missing", &missing).await;
    let nobody = home.tokenferry(["sync", "--json"]).run().await.ends_with(4).json();
    assert_eq!(nobody["destinations"][0]["code"], "signed_out", "{nobody}");
    sign_in(&home).await;

    let partly = home.tokenferry(["sync"]).run().await.ends_with(3);
    assert!(partly.stderr.contains("good: delivered, and read back."), "{partly}");
    assert!(partly.stderr.contains(&format!("docker volume create {}", missing.name())), "{partly}");
    assert!(!missing.exists().await, "the volume was made");
    let told = home.tokenferry(["sync", "missing", "--json"]).run().await.ends_with(1).json();
    let told = &told["destinations"][0];
    assert_eq!((&told["destination"], &told["outcome"]), (&json!("missing"), &json!("failed")));
    assert_eq!((&told["code"], &told["place"]["volume"]), (&json!("volume_missing"), &json!(missing.name())));
    assert!(told["message"].is_string() && told["fix"].is_string(), "{told}");
    let told = report(home.tokenferry(["sync", "good"])).await;
    let told = &told["destinations"][0];
    assert_eq!((&told["outcome"], told["read_back"].is_string()), (&json!("delivered"), true));
    assert_eq!(destination(&home, "missing").await["code"], "failing");
}

#[tokio::test]
async fn a_docker_that_is_away_is_waited_for() {
    let provider = Provider::start();
    let home = bed::Home::new().provider(&provider);
    sign_in(&home).await;
    home.tokenferry(["destination", "add", "web", "--volume", "claude-auth"]).run().await.succeeds();
    let told = home.tokenferry(["sync", "--json"]).run().await.ends_with(1).json();
    assert_eq!(told["destinations"][0]["code"], "engine_not_running", "{told}");
    let web = destination(&home, "web").await;
    assert_eq!((&web["code"], &web["trouble"]["code"]), (&json!("waiting"), &json!("engine_not_running")));
    assert_eq!(web["state"], "Waiting for Docker");
    // Nothing was ever sent, so nothing is owed.
    home.tokenferry(["logout"]).run().await.succeeds();
    assert_eq!(status(&home).await["copies_left"], json!([]));
}

#[tokio::test]
async fn an_engine_is_known_by_the_context_that_was_named() {
    let provider = Provider::start();
    let (home, engine) = delivering(&provider);
    let home = home.set("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let volume = engine.volume().await;
    sign_in(&home).await;
    let add = ["destination", "add", "web", "--volume", volume.name(), "--engine"];
    let unknown = home.tokenferry(add).arg("no-such-context");
    assert_eq!(refusal(unknown, 1).await, "context_unknown");
    home.tokenferry(add).arg(TestEngine::get().host()).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert_eq!(token_in(&volume).await, token(&home).await);
}
