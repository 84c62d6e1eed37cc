//! Snippets, pasted as they are printed: into docker-compose, a shell, and the dev containers' own command. In each the
//! container reads the token that was delivered, and Tokenferry finds what a snippet made by its label.

mod shell_image;

use std::fs;
use std::path::{Path, PathBuf};

use bed::dockerd::Dockerd;
use bed::{Home, Output, Provider, Tokenferry, Volume, npm};
use serde_json::{Value, json};

use crate::steps::{eventually, report, sign_in, token};

/// The dev containers' own command, for node.
const DEV_CONTAINERS: npm::Package = npm::Package {
    what: "REAL DEV CONTAINERS",
    scope: "@devcontainers",
    version: "0.89.0",
    archive: Some((
        "cli",
        "sha512-LzaoOGKQ/Zql6PsiZ4hVIYVZagzWkD65aG/1ou5/Kly5Y1PtjLg1yn7qu+LZCzVoAl6DZZ/pbz8qOO4RLNlqMg==",
    )),
};

/// Names that mean something to a shell, to YAML and to compose.
const ODD_FOLDER: &str = "it's $HOME: #1/.claude";

/// Waits until there is something to read, and prints `<<` what it is `>>` and whether the folder may be written to.
const READ: &str = r#"folder=${CLAUDE_CONFIG_DIR:-$CLAUDE_SECURESTORAGE_CONFIG_DIR}
until [ -s "$folder/.credentials.json" ]; do sleep 0.1; done
printf "<<%s>>" "$(cat "$folder/.credentials.json")"
if touch "$folder/mine" 2>/dev/null; then echo "may write"; else echo "may read"; fi"#;

/// An engine, a home that delivers to it, and two volumes that were delivered to.
struct Scene {
    // In the order in which they go.
    _volumes: Vec<Volume>,
    _engine: Dockerd,
    home: Home,
    image: String,
    _provider: Provider,
}

impl Scene {
    async fn new() -> Self {
        let provider = Provider::start();
        let engine = Dockerd::start().await;
        let home = Home::new().provider(&provider).engine(&engine);
        sign_in(&home).await;
        let image = shell_image::import(&engine).await;
        let mut volumes = Vec::new();
        for (name, volume, folder) in [("shop", "shop_claude-auth", None), ("odd", "homes", Some(ODD_FOLDER))] {
            let volume = engine.volume_named(volume).await;
            let add = home.tokenferry(["destination", "add", name, "--volume", volume.name()]);
            add.args(folder.into_iter().flat_map(|folder| ["--folder", folder])).run().await.succeeds();
            volumes.push(volume);
        }
        home.tokenferry(["sync"]).run().await.succeeds();
        Self { _volumes: volumes, _engine: engine, home, image, _provider: provider }
    }

    /// The paste text alone: what is said about it is said elsewhere.
    async fn snippet(&self, words: &[&str]) -> String {
        let printed = self.home.tokenferry(["snippet"]).args(words).args(["--image", &self.image]);
        let printed = printed.run().await.succeeds();
        assert!(!printed.stderr.is_empty(), "{printed}");
        printed.stdout
    }

    /// Expects a container to have read the token, and its folder to be as it should.
    async fn has_read(&self, output: &Output, may: &str) {
        let (_, printed) = output.stdout.split_once("<<").unwrap_or_else(|| panic!("nothing was read:\n{output}"));
        let (file, rest) = printed.split_once(">>").expect("the end of the file");
        let file: Value = serde_json::from_str(file).expect("JSON");
        assert_eq!(file["claudeAiOauth"]["accessToken"], token(&self.home).await);
        assert_eq!(rest.trim(), may);
    }

    /// Approves of what the label says, which nobody has approved of before, and delivers. Gives what was suggested.
    async fn approve_what_is_labelled(&self) -> Value {
        let mut found = Value::Null;
        // A volume is listed some milliseconds before its labels are.
        eventually("a label is found", async || {
            found = report(self.home.tokenferry(["destination", "discover"])).await;
            found["engines"][0]["suggestions"][0]["labelled"] == true
        })
        .await;
        let suggestion = &found["engines"][0]["suggestions"][0];
        assert_eq!(suggestion["account"], "default", "{found}");
        let name = suggestion["name"].as_str().expect("a name");
        self.home.tokenferry(["destination", "discover", "--approve", name]).run().await.succeeds();
        self.home.tokenferry(["sync", name]).run().await.succeeds();
        suggestion.clone()
    }

    /// What may be written to a folder of the test's own.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }
}

/// The words of the snippets that are tested of every kind, and what the container may do.
const TRIED: [(&[&str], &str); 3] = [
    (&["shop"], "may write"),
    (&["shop", "--read-only", "--mount", "/run/claude"], "may read"),
    (&["odd"], "may write"),
];

#[tokio::test]
async fn a_shell_runs_the_line_for_docker_run() {
    let scene = Scene::new().await;
    let run = |text: String| -> Tokenferry {
        let line = format!("{} sh -c '{READ}'", text.trim_end());
        scene.home.program("sh", ["-c", &line]).prints_a_secret()
    };
    for (words, may) in TRIED {
        let text = scene.snippet(&[&["docker-run"], words].concat()).await;
        scene.has_read(&run(text).run().await.succeeds(), may).await;
    }
    let running = run(scene.snippet(&["docker-run"]).await).spawn();
    scene.approve_what_is_labelled().await;
    scene.has_read(&running.finish().await.succeeds(), "may write").await;
}

#[tokio::test]
async fn docker_compose_takes_the_file() {
    let scene = Scene::new().await;
    let compose = |folder: &Path, text: &str, service: &str| -> Tokenferry {
        fs::write(folder.join("compose.yaml"), text).expect("the home takes a file");
        // The private engine has no network for containers.
        let offline = format!("services: {{{service}: {{network_mode: none}}}}\n");
        fs::write(folder.join("offline.yaml"), offline).expect("the home takes a file");
        let compose = scene.home.program("docker-compose", ["--project-directory"]).arg(folder);
        let compose = compose.arg("-f").arg(folder.join("compose.yaml")).arg("-f").arg(folder.join("offline.yaml"));
        compose.args(["run", "--rm", "-T", service, "sh", "-c", READ]).prints_a_secret()
    };
    for (at, (words, may)) in TRIED.into_iter().enumerate() {
        let folder = scene.folder(&format!("compose-{at}"));
        let text = scene.snippet(&[&["compose"], words].concat()).await;
        scene.has_read(&compose(&folder, &text, "app").run().await.succeeds(), may).await;
    }
    let folder = scene.folder("fresh-project");
    let text = scene.snippet(&["compose", "--service", "worker"]).await;
    let running = compose(&folder, &text, "worker").spawn();
    scene.approve_what_is_labelled().await;
    scene.has_read(&running.finish().await.succeeds(), "may write").await;
    let list = report(scene.home.tokenferry(["destination", "list"])).await;
    assert_eq!(list[2]["volume"], "fresh-project_claude-auth", "{list}");
    assert_eq!(list[2]["name"], "fresh-project", "{list}");
}

#[tokio::test]
async fn dev_containers_take_the_file() {
    let Some(files) = DEV_CONTAINERS.files(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let program = files.join("devcontainer.js");
    let scene = Scene::new().await;
    let devcontainer = |folder: &Path, words: &[&str]| -> Tokenferry {
        let command = scene.home.program("node", [&program]).args(&words[..1]).arg("--workspace-folder").arg(folder);
        command.args(&words[1..]).prints_a_secret()
    };
    let up = async |folder: &Path, text: &str, user: &str| {
        let mut file: Value = serde_json::from_str(text).expect("JSON");
        file["remoteUser"] = user.into();
        // An image made for that would need a builder.
        file["updateRemoteUserUID"] = false.into();
        // The private engine has no network for containers.
        let arguments = file.as_object_mut().unwrap().entry("runArgs").or_insert_with(|| json!([]));
        arguments.as_array_mut().unwrap().push("--network=none".into());
        fs::create_dir_all(folder.join(".devcontainer")).unwrap();
        fs::write(folder.join(".devcontainer/devcontainer.json"), file.to_string()).unwrap();
        devcontainer(folder, &["up"]).run().await.succeeds();
    };
    for (at, (words, may)) in TRIED.into_iter().enumerate() {
        let folder = scene.folder(&format!("workspace-{at}"));
        up(&folder, &scene.snippet(&[&["devcontainer"], words].concat()).await, "root").await;
        let output = devcontainer(&folder, &["exec", "sh", "-c", READ]).run().await.succeeds();
        scene.has_read(&output, may).await;
    }
    let folder = scene.folder("fresh-workspace");
    up(&folder, &scene.snippet(&["devcontainer"]).await, "node").await;
    let suggested = scene.approve_what_is_labelled().await;
    assert_eq!(suggested["owner"], "1000:1000", "as whom people work there: {suggested}");
    let output = devcontainer(&folder, &["exec", "sh", "-c", READ]).run().await.succeeds();
    scene.has_read(&output, "may write").await;
}

#[tokio::test]
async fn what_is_meant_is_found_or_asked_for() {
    let home = Home::new();
    let general = home.tokenferry(["snippet", "compose"]).run().await.succeeds();
    assert!(general.stdout.contains("tokenferry.account: default"), "{general}");
    home.tokenferry(["destination", "add", "web", "--volume", "w"]).run().await.succeeds();
    let only = home.tokenferry(["snippet", "docker-run"]).run().await.succeeds();
    assert!(only.stdout.contains("--volume w:/claude"), "{only}");
    let told = report(home.tokenferry(["snippet", "docker-run", "web"])).await;
    assert_eq!(told["text"], only.stdout);
    let unknown = home.tokenferry(["snippet", "compose", "nothing"]);
    assert_eq!(crate::steps::refusal(unknown, 1).await, "no_such_destination");
    for wrong in [["--mount", "claude"], ["--image", "a b"], ["--service", "a/b"]] {
        home.tokenferry(["snippet", "compose"]).args(wrong).run().await.ends_with(2);
    }
}
