use super::*;
use crate::settings::Place;
use crate::settings::samples::{destination, in_volume};

fn texts(subject: Subject<'_>, wish: &Wish) -> [String; 3] {
    [Kind::Compose, Kind::DevContainer, Kind::DockerRun].map(|kind| snippet(kind, subject, wish).text)
}

fn read_only() -> Wish {
    Wish { read_only: true, ..Wish::default() }
}

#[test]
fn a_destination_is_mounted_as_it_is_named() {
    let shop = destination("shop", "shop_claude-auth");
    let wish = Wish { image: Some("node:22".parse().unwrap()), ..Wish::default() };
    let [compose, devcontainer, docker_run] = texts(Subject::of(&shop).unwrap(), &wish);
    let expected = r#"services:
  app:
    image: "node:22"
    environment:
      CLAUDE_CONFIG_DIR: /claude
    volumes:
      - claude-auth:/claude
volumes:
  claude-auth:
    external: true
    name: shop_claude-auth
"#;
    assert_eq!(compose, expected);
    let expected = r#"{
  "image": "node:22",
  "mounts": [
    "type=volume,source=shop_claude-auth,target=/claude"
  ],
  "containerEnv": {
    "CLAUDE_CONFIG_DIR": "/claude"
  }
}
"#;
    assert_eq!(devcontainer, expected);
    let expected = "docker run --rm \\
  --volume shop_claude-auth:/claude \\
  --env CLAUDE_CONFIG_DIR=/claude \\
  node:22
";
    assert_eq!(docker_run, expected);
}

#[test]
fn read_only_names_the_credentials_alone() {
    let web = destination("web", "claude-auth");
    for text in texts(Subject::of(&web).unwrap(), &read_only()) {
        assert!(text.contains("CLAUDE_SECURESTORAGE_CONFIG_DIR"), "{text}");
        assert!(!text.contains("CLAUDE_CONFIG_DIR"), "{text}");
        assert!(text.contains(":/claude:ro") || text.contains("target=/claude,readonly"), "{text}");
    }
}

#[test]
fn a_folder_is_named_and_the_whole_volume_mounted() {
    let homes = Destination { place: in_volume("homes", Some("it's $mine/.claude")), ..destination("ada", "homes") };
    let wish = Wish { mount: "/data".parse().unwrap(), ..Wish::default() };
    let [compose, devcontainer, docker_run] = texts(Subject::of(&homes).unwrap(), &wish);
    assert!(compose.contains(r#"CLAUDE_CONFIG_DIR: "/data/it's $$mine/.claude""#), "{compose}");
    assert!(devcontainer.contains(r#""CLAUDE_CONFIG_DIR": "/data/it's $mine/.claude""#), "{devcontainer}");
    assert!(docker_run.contains(r"--env 'CLAUDE_CONFIG_DIR=/data/it'\''s $mine/.claude'"), "{docker_run}");
    for text in [compose, devcontainer, docker_run] {
        assert!(text.contains(":/data\n") || text.contains("target=/data\"") || text.contains(":/data \\"), "{text}");
    }
}

#[test]
fn what_is_made_anew_is_labelled() {
    let account = "no".parse().unwrap();
    let [compose, devcontainer, docker_run] = texts(Subject::Labelled(&account), &Wish::default());
    assert!(
        compose.ends_with("volumes:\n  claude-auth:\n    labels:\n      tokenferry.account: \"no\"\n"),
        "{compose}"
    );
    assert!(devcontainer.contains("\"--label=tokenferry.account=no\""), "{devcontainer}");
    assert!(docker_run.contains("--label tokenferry.account=no"), "{docker_run}");
    assert!(!compose.contains("image") && !compose.contains("external"), "{compose}");
}

#[test]
fn what_there_is_to_know_is_told() {
    let told = |kind, subject, wish: &Wish| snippet(kind, subject, wish).explanation.join("\n");
    let build = VolumePlace { engine: "build".to_owned(), volume: "claude-auth".parse().unwrap(), folder: None };
    let elsewhere = Destination { place: Place::Volume(build), ..destination("web", "claude-auth") };
    let said = told(Kind::DockerRun, Subject::of(&elsewhere).unwrap(), &Wish::default());
    assert!(said.contains("on build") && said.contains("IMAGE") && said.contains("--ready-to-use"), "{said}");
    let ready = Destination { ready_to_use: true, ..destination("web", "claude-auth") };
    let said = told(Kind::DevContainer, Subject::of(&ready).unwrap(), &Wish::default());
    assert!(!said.contains("--ready-to-use") && said.contains("remoteUser"), "{said}");
    let account = AccountName::default();
    let said = told(Kind::Compose, Subject::Labelled(&account), &read_only());
    assert!(said.contains("discover") && said.contains("~/.claude"), "{said}");
}
