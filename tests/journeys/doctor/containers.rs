//! Containers that are set up so that what is delivered is not used, on an engine of their own.

use std::path::Path;

use bed::{Container, Run, TestEngine};
use practice::app;

use super::{Scene, Told};

impl Scene {
    async fn run(&self, run: Run) -> (Container, String) {
        let container = self.engine.run(run).await;
        let name = container.inspect().await.name.unwrap();
        (container, name.trim_start_matches('/').to_owned())
    }

    /// What is told with this container alone beside the delivery.
    async fn told_with(&self, run: Run, exit: i32) -> (Told, String) {
        let (_container, name) = self.run(run).await;
        (self.told(exit).await, name)
    }
}

fn app() -> Run {
    Run::app(["sleep"])
}

#[tokio::test]
async fn variables_that_override_the_file() {
    let scene = Scene::apart().await;
    let with = |run: Run| run.mount(&scene.volume, "/root/.claude");
    for variable in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_PROFILE"] {
        let (told, name) = scene.told_with(with(app().set(variable, "canary-of-the-variable")), 1).await;
        assert_eq!(told.codes(&name), ["environment_overrides"]);
        told.says("environment_overrides", &[variable, &name]);
        assert!(!told.0.to_string().contains("canary-of-the-variable"));
    }
    let both = app().set("ANTHROPIC_API_KEY", "a").set("ANTHROPIC_AUTH_TOKEN", "b");
    let (told, _) = scene.told_with(with(both), 1).await;
    told.says("environment_overrides", &["ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY are set", "before everything"]);
    // Empty is not set, and others are no matter.
    let (told, name) = scene.told_with(with(app().set("ANTHROPIC_API_KEY", "").set("OTHER_API_KEY", "x")), 0).await;
    assert_eq!(told.codes(&name), [] as [&str; 0]);
}

#[tokio::test]
async fn a_cli_that_looks_elsewhere() {
    let scene = Scene::apart().await;
    let elsewhere = |run: Run, exit| scene.told_with(run, exit);
    for (run, folder, fix) in [
        (app().mount(&scene.volume, "/data"), "/root/.claude", "CLAUDE_CONFIG_DIR=/data"),
        (app().set("CLAUDE_CONFIG_DIR", "/config").mount(&scene.volume, "/data"), "/config", "CLAUDE_CONFIG_DIR=/data"),
        (
            app().set("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/s").mount(&scene.volume, "/root/.claude"),
            "/s",
            "CLAUDE_SECURESTORAGE_CONFIG_DIR=/root/.claude",
        ),
        (app().set("HOME", "/srv").mount(&scene.volume, "/data"), "/srv/.claude", "CLAUDE_CONFIG_DIR=/data"),
    ] {
        let (told, name) = elsewhere(run, 1).await;
        assert_eq!(told.codes(&name), ["cli_looks_elsewhere"]);
        told.says("cli_looks_elsewhere", &[&format!("looks in {folder} "), fix]);
    }
    // In the home of somebody else than the container's own user: a dev container is like this.
    let (told, _) = elsewhere(app().mount(&scene.volume, "/home/node/.claude"), 0).await;
    assert_eq!(told.only("cli_looks_elsewhere")["severity"], "note");
    let file = scene.volume.read(".credentials.json").await;
    scene.volume.write(".credentials.json", file.contents(), (1000, 1000, 0o600)).await;
    for run in [
        app().mount(&scene.volume, "/root/.claude"),
        app().user("node").mount(&scene.volume, "/home/node/.claude"),
        app().set("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/s").mount_read_only(&scene.volume, "/s"),
    ] {
        let (told, name) = scene.told_with(run, 0).await;
        assert!(!told.codes(&name).contains(&"cli_looks_elsewhere"), "{:?}", told.codes(&name));
    }
}

#[tokio::test]
async fn a_file_that_the_container_s_user_can_t_read() {
    let scene = Scene::apart().await;
    // Delivered before there was a container to ask: the file is root's.
    assert_eq!(scene.volume.read(".credentials.json").await.rights(), (0, 0, 0o600));
    let (_app, name) = scene.run(app().user("node").mount(&scene.volume, "/home/node/.claude")).await;
    let told_first = scene.told(1).await;
    assert_eq!(told_first.codes(&name), ["file_unreadable"]);
    told_first.says("file_unreadable", &["runs as 1000:1000", "belongs to 0:0 with mode 600"]);
    scene.fix(0).await;
    assert_eq!(scene.volume.read(".credentials.json").await.rights(), (1000, 1000, 0o600));

    // Two who can't both be right.
    let (_other, name) = scene.run(app().user("1234:1234").mount(&scene.volume, "/claude")).await;
    let told_then = scene.told(1).await;
    assert_eq!(told_then.codes(&name), ["file_unreadable"]);
    assert_eq!(told_then.only("file_unreadable")["fixable"], false);
    told_then.says("file_unreadable", &["different users"]);
}

#[tokio::test]
async fn mounts_of_files_and_folders_of_the_machine() {
    let scene = Scene::apart().await;
    let folder = scene.home.path().join("user");
    for file in [".credentials.json", ".claude.json"] {
        std::fs::write(folder.join(file), "{}").unwrap();
    }
    let bind = |name: &str, at: &str| app().bind(&folder.join(name), at);
    let (told, name) = scene.told_with(bind(".credentials.json", "/root/.claude/.credentials.json"), 1).await;
    told.says("single_file", &[&name, "stays with the old"]);
    let (told, name) = scene.told_with(bind(".claude.json", "/root/.claude.json"), 0).await;
    told.says("single_file", &[&name, ".claude.json"]);
    let (told, name) = scene.told_with(bind("", "/root/.claude"), 1).await;
    told.says("bind_mount", &[&name, "/root/.claude"]);
    let (told, _) = scene.told_with(bind("", "/srv/files"), 0).await;
    assert_eq!(told.codes(""), ["nothing_keeps_fresh"]);
}

#[tokio::test]
async fn a_label_that_names_another_account() {
    let scene = Scene::apart().await;
    let labelled = app().label("tokenferry.account", "work").mount(&scene.volume, "/root/.claude");
    let (told, name) = scene.told_with(labelled, 1).await;
    told.says("account_mismatch", &["web", "work", &name]);
}

/// The practice app's image with Claude Code in it, as npm would have put it there.
async fn image_with_cli(engine: &TestEngine, version: &str) -> String {
    let mut tar = tar::Builder::new(app::image_tar().unwrap());
    // An archive ends with two empty blocks, after which nothing is read.
    let end = tar.get_ref().len() - 1024;
    tar.get_mut().truncate(end);
    let package = "usr/local/lib/node_modules/@anthropic-ai/claude-code";
    let content = format!(r#"{{"name":"@anthropic-ai/claude-code","version":"{version}"}}"#);
    for (name, content) in [("package.json", content.as_str()), ("cli.js", "#!/usr/bin/env node\n")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, Path::new(package).join(name), content.as_bytes()).unwrap();
    }
    let mut link = tar::Header::new_ustar();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    let target = "../lib/node_modules/@anthropic-ai/claude-code/cli.js";
    tar.append_link(&mut link, "usr/local/bin/claude", target).unwrap();
    engine.import("tokenferry-bed/with-cli", tar.into_inner().unwrap()).await
}

#[tokio::test]
async fn a_cli_that_is_too_old_to_notice_a_new_file() {
    let scene = Scene::apart().await;
    for (version, old) in [("1.0.62", true), ("2.1.329", false)] {
        let image = image_with_cli(&scene.engine, version).await;
        let run = app().image(image).mount(&scene.volume, "/root/.claude");
        let (told, name) = scene.told_with(run, i32::from(old)).await;
        assert_eq!(told.codes(&name), if old { vec!["cli_too_old"] } else { vec![] });
        if old {
            told.says("cli_too_old", &["version 1.0.62", &format!("docker restart {name}")]);
        }
    }
}
