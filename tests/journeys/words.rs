//! What is said: to whoever makes a mistake, to programs, and in pipes.

use bed::{Home, Provider};

use crate::steps::{refusal, sign_in, status};

#[tokio::test]
async fn wrong_usage_is_told_apart() {
    let home = Home::new();
    let wrong: [&[&str]; 9] = [
        &[],
        &["fly"],
        &["login", "--fast"],
        &["login", "--account", "no spaces"],
        &["destination", "add", "web"],
        &["destination", "add", "../web", "--volume", "v"],
        &["destination", "add", "web", "--volume", "v", "--owner", "me"],
        &["destination", "add", "web", "--volume", "v", "--format", "cobol"],
        &["completions", "abacus"],
    ];
    for words in wrong {
        let told = home.tokenferry(words).run().await.ends_with(2);
        assert!(!told.stderr.is_empty() && told.stdout.is_empty(), "{told}");
    }
    assert!(std::fs::read_dir(home.state()).unwrap().next().is_none(), "a mistake left something behind");
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_named_by_line() {
    let home = Home::new();
    std::fs::write(home.state().join("config.toml"), "# mine\nvault = \"file\"\nrenew-befor = 3\n").unwrap();
    let told = home.tokenferry(["status"]).run().await.ends_with(1);
    for part in ["config.toml", "line 3", "renew-befor"] {
        assert!(told.stderr.contains(part), "{told}\nlacks {part}");
    }
    assert_eq!(refusal(home.tokenferry(["status"]), 1).await, "settings_mistake");
}

#[tokio::test]
async fn tokens_are_sent_to_no_other_machine_in_the_clear() {
    let home = Home::new();
    for (address, good) in [
        ("http://claude.example", false),
        ("http://192.0.2.1:8080", false),
        ("claude.example", false),
        ("http://127.0.0.1:9", true),
        ("https://claude.example", true),
    ] {
        let status = home.tokenferry(["status"]).set("TOKENFERRY_PROVIDER", address);
        if good {
            let told = status.run().await.succeeds();
            assert!(told.stdout.contains(&format!("In place of Claude: {address}")), "{told}");
        } else {
            assert_eq!(refusal(status, 1).await, "bad_provider", "{address}");
        }
    }
    let unset = home.tokenferry(["status"]).unset("TOKENFERRY_PROVIDER").run().await.succeeds();
    assert!(!unset.stdout.contains("In place of Claude"), "{unset}");
    assert_eq!(refusal(home.tokenferry(["status"]).set("TOKENFERRY_VAULT", "paper"), 1).await, "bad_vault");
}

#[tokio::test]
async fn a_sign_in_is_shown_to_no_other_provider() {
    let provider = Provider::start();
    let other = Provider::start();
    let home = Home::new().provider(&provider);
    sign_in(&home).await;
    let refresh = home.tokenferry(["refresh"]).set("TOKENFERRY_PROVIDER", other.url());
    assert_eq!(refusal(refresh, 1).await, "other_provider");
    assert_eq!(other.record().entries(), []);
}

#[tokio::test]
async fn shells_are_helped_along() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let told = home.tokenferry(["completions", shell]).run().await.succeeds();
        assert!(told.stdout.contains("tokenferry") && told.stdout.contains("destination"), "{shell}");
    }
}

#[tokio::test]
async fn each_command_has_a_page_of_the_manual() {
    let home = Home::new();
    let folder = home.path().join("manual/pages");
    home.tokenferry(["man", "--out"]).arg(&folder).run().await.succeeds();
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for part in ["EXIT STATUS", "TOKENFERRY_HOME", "config.toml", "tokenferry\\-login(1)"] {
        assert!(page("tokenferry.1").contains(part), "{part} is not in the first page");
    }
    assert!(page("tokenferry-destination-add.1").contains("claude\\-code"));
    let help = home.tokenferry(["--help"]).run().await.succeeds();
    let commands = help.stdout.split_once("Commands:").unwrap().1.lines().skip(1).take_while(|line| !line.is_empty());
    let mut told = 0;
    // A line that goes on from the one before begins further in.
    let commands = commands.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        let has_page = folder.join(format!("tokenferry-{command}.1")).is_file();
        assert_eq!(has_page, command != "help", "{command}");
        told += 1;
    }
    assert!(told > 10, "{help}");
    assert!(!folder.join("tokenferry-man.1").exists(), "what is hidden is in the manual");
}

#[tokio::test]
async fn a_person_and_a_program_are_told_the_same() {
    let home = Home::new();
    let person = home.tokenferry(["token"]).run().await.ends_with(4);
    assert_eq!(person.stdout, "");
    let program = home.tokenferry(["token", "--json"]).run().await.ends_with(4);
    assert_eq!(program.stderr, "");
    let error = &program.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap();
    assert_eq!(person.stderr, format!("{}\n{}\n", text("message"), text("fix")));
    assert_eq!(text("code"), "signed_out");
}

#[tokio::test]
async fn pipes_get_lines_and_nothing_that_moves() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    let mut outputs = vec![home.tokenferry(["login"]).run().await.succeeds()];
    for words in [&["refresh"][..], &["status"], &["activity"], &["logout"], &["--help"]] {
        outputs.push(home.tokenferry(words).run().await.succeeds());
    }
    for output in outputs {
        let moves = |text: &str| text.contains(['\r', '\u{1b}', '\u{8}']);
        assert!(!moves(&output.stdout) && !moves(&output.stderr), "{output}");
    }
}

#[tokio::test]
async fn the_first_look_says_how_to_begin() {
    let home = Home::new();
    let told = home.tokenferry(["status"]).run().await.succeeds();
    for part in ["tokenferry login", "tokenferry destination add", "tokenferry run"] {
        assert!(told.stdout.contains(part), "{told}\nlacks {part}");
    }
    let status = status(&home).await;
    for name in ["at", "provider", "vault", "kept_fresh", "accounts", "destinations", "copies_left"] {
        assert!(status.get(name).is_some(), "{status} lacks {name}");
    }
}

#[tokio::test]
async fn nobody_hears_the_end_of_a_pipe() {
    let home = Home::new();
    let binary = bed::programs::built("tokenferry");
    let closed = format!("{} completions bash | true", binary.display());
    let output = home.program("sh", ["-c", &closed]).run().await.succeeds();
    assert!(!output.stderr.contains("panicked"), "{output}");
}
