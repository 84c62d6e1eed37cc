//! Settings by the page's own switches, seen where they count.

use bed::{Home, Provider};

use crate::session::{Session, until};

fn config(home: &Home) -> String {
    std::fs::read_to_string(home.state().join("config.toml")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_switch_is_turned_and_what_a_terminal_turns_is_seen() {
    let provider = Provider::start();
    let mut session = Session::new(&provider.url());
    let person = session.sit_down(&[]).await;
    person.reads("Nobody is signed in yet").await;
    session.shoot("accounts-empty");
    person.go("Settings").await;
    session.shoot("settings");
    for (switch, line) in [("Pause", "paused = true"), ("Quiet", "quiet = true")] {
        assert!(!person.is_on(switch).await, "{switch}");
        person.turn(switch).await;
        until(&format!("{switch} is on"), async || person.is_on(switch).await).await;
        assert!(config(&session.home).lines().any(|it| it == line), "{}", config(&session.home));
    }
    person.go("Accounts").await;
    person.reads("Nothing is delivered by itself. Renewals go on.").await;
    person.press("Go on").await;
    person.reads_no_more("Nothing is delivered by itself").await;
    assert!(!config(&session.home).contains("paused = true"), "{}", config(&session.home));

    // Somebody edits the file.
    person.go("Settings").await;
    std::fs::write(session.home.state().join("config.toml"), "paused = true\n").unwrap();
    until("the edit is seen", async || person.is_on("Pause").await && !person.is_on("Quiet").await).await;
    // And makes a mistake, which the page tells of until it is mended.
    std::fs::write(session.home.state().join("config.toml"), "paused = perhaps\n").unwrap();
    person.turn("Quiet").await;
    person.reads("config.toml").await;
    std::fs::write(session.home.state().join("config.toml"), "").unwrap();

    let entry = session.home.environment().iter().find(|(name, _)| *name == "XDG_CONFIG_HOME").unwrap().1.clone();
    let entry = std::path::PathBuf::from(entry).join("autostart/tokenferry.desktop");
    person.turn("Start at login").await;
    until("it starts at login", async || person.is_on("Start at login").await).await;
    assert!(std::fs::read_to_string(&entry).unwrap().lines().any(|line| line.ends_with("tokenferry tray")));
    person.turn("Start at login").await;
    until("it does not", async || !person.is_on("Start at login").await).await;
    assert!(!entry.exists());

    person.select("Language", "Deutsch").await;
    person.reads("Einstellungen").await;
    session.shoot("settings-german");
}
