//! The programs: the provider on the command line with its control interface, and the practice app.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code")]

mod bed;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use bed::{Client, automatic};
use serde_json::{Value, json};

/// The provider as a program, ended with the test.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenferry-practice"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        Self { child, stdout, url: url.trim_end().to_owned() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_program_can_be_steered_over_http() {
    let program = Program::start(&["--automatic", "--control", "--access-token-lifetime", "2s"]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    let client = Client::start(automatic()).await;
    let at = |path: &str| format!("{}/practice/{path}", program.url);
    let get = async |path: &str| client.http.get(at(path)).send().await.unwrap().json::<Value>().await.unwrap();
    let post = async |path: &str, body: Value| client.http.post(at(path)).json(&body).send().await.unwrap();
    let profile = async || client.http.get(program.url.clone() + "/api/oauth/profile").send().await.unwrap().status();

    let options = get("options").await;
    assert_eq!((&options["automatic"], &options["access_token_lifetime"]), (&json!(true), &json!("2s")));
    let changed = post("options", json!({ "deny": true, "clock_offset": "-PT1H" })).await;
    assert_eq!(changed.json::<Value>().await.unwrap()["deny"], true);
    assert_eq!(post("options", json!({ "denies": true })).await.status(), 400);

    let fault = json!({ "endpoint": "profile", "times": 1, "trouble": { "kind": "html_page", "status": 503 } });
    assert_eq!(post("fault", fault.clone()).await.status(), 204);
    assert_eq!(get("fault").await["faults"][0]["trouble"], fault["trouble"]);
    assert_eq!(profile().await, 503);
    assert_eq!(profile().await, 401);
    post("fault", fault).await;
    client.http.delete(at("fault")).send().await.unwrap();
    assert_eq!(profile().await, 401);
    assert_eq!(post("fault", json!({ "endpoint": "profile" })).await.status(), 400);

    let url = program.url.clone() + "/v1/oauth/token";
    client.http.post(url).json(&Client::refresh_body("a-token-from-elsewhere")).send().await.unwrap();
    let record = get("record").await;
    let last = record["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["endpoint"], &last["status"]), (&json!("refresh"), &json!(400)));
    assert_eq!(record["sign_ins"], json!([]));
    assert_eq!(get("secrets").await["secrets"], json!(["a-token-from-elsewhere"]));
    client.http.delete(at("record")).send().await.unwrap();
    assert_eq!(get("record").await["entries"], json!([]));
}

#[test]
fn the_program_ends_with_its_standard_input_and_says_only_its_url() {
    let mut program = Program::start(&["--until-stdin-closes"]);
    assert!(program.child.try_wait().unwrap().is_none());
    drop(program.child.stdin.take());
    let begun = Instant::now();
    assert!(program.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut more = String::new();
    program.stdout.read_to_string(&mut more).unwrap();
    assert_eq!(more, "");
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let program = Program::start(&[]);
    let port = program.url.rsplit(':').next().unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_tokenferry-practice")).args(["--port", port]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(port) && said.contains("Choose another port"), "{said}");
}

#[cfg(target_os = "linux")]
mod app {
    use std::{
        fs,
        io::{self, BufRead as _},
        os::unix::fs::{MetadataExt as _, PermissionsExt as _},
        path::PathBuf,
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    use practice::{Endpoint, Fault, Fingerprint, Trouble, app};
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::bed::{self, Client, automatic};

    /// The practice app in a folder of its own, beside the file that it is to read.
    struct App {
        folder: tempfile::TempDir,
    }

    impl App {
        fn new() -> Self {
            let app = Self { folder: tempfile::tempdir().unwrap() };
            fs::write(app.path("app"), app::program().unwrap()).unwrap();
            fs::set_permissions(app.path("app"), fs::Permissions::from_mode(0o755)).unwrap();
            app
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Puts a file in place at once, with the given mode.
        fn publish(&self, content: &str, mode: u32) {
            fs::write(self.path("new"), content).unwrap();
            fs::set_permissions(self.path("new"), fs::Permissions::from_mode(mode)).unwrap();
            fs::rename(self.path("new"), self.path("file")).unwrap();
        }

        async fn ask(&self, url: &str) -> (Option<i32>, String) {
            let mut command = tokio::process::Command::new(self.path("app"));
            let output = command.args(["ask", "--url", url, "--credentials"]).arg(self.path("file")).output().await;
            let output = output.unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        }
    }

    fn credentials(access_token: &str) -> String {
        json!({ "claudeAiOauth": { "accessToken": access_token, "scopes": ["user:inference"] } }).to_string()
    }

    #[tokio::test]
    async fn it_asks_and_tells_outcomes_apart() {
        let (app, client) = (App::new(), Client::start(automatic()).await);
        let url = client.practice.url();
        let tokens = client.sign_in().await;
        assert_eq!(app.ask(&url).await.0, Some(3), "no file");
        app.publish("{\"claudeAi", 0o600);
        assert_eq!(app.ask(&url).await.0, Some(3), "half a file");
        app.publish(&credentials(""), 0o600);
        assert_eq!(app.ask(&url).await.0, Some(3), "a blank token");
        app.publish(&credentials("sk-ant-oat01-unknown"), 0o600);
        let (code, said) = app.ask(&url).await;
        assert_eq!(code, Some(4), "{said}");

        app.publish(&credentials(&tokens.access), 0o600);
        let (code, said) = app.ask(&url).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("answered: Hello Ada Practice"), "{said}");
        assert_eq!(app.ask(&url.replace("127.0.0.1", "localhost")).await.0, Some(0));
        assert!(client.practice.secrets().iter().all(|secret| !said.contains(secret)));
        client.practice.fault(Fault::at(Endpoint::Messages, Trouble::status(529)).times(1));
        assert_eq!(app.ask(&url).await.0, Some(5));
        client.practice.fault(Fault::at(Endpoint::Messages, Trouble::NoAnswer).times(1));
        assert_eq!(app.ask(&url).await.0, Some(6));
    }

    #[test]
    fn it_counts_what_is_wrong_with_a_file() {
        let app = App::new();
        let owner = fs::metadata(app.path("app")).unwrap();
        // What is published, its mode, and what is counted.
        let cases = [
            (credentials("good"), 0o600, None),
            (credentials("good"), 0o644, Some("wrong_mode")),
            (String::new(), 0o600, Some("empty")),
            (credentials("good")[..20].to_owned(), 0o600, Some("torn")),
        ];
        let counts = ["missing", "unreadable", "empty", "torn", "wrong_owner", "wrong_mode"];
        let hammer = |uid: u32| {
            let mut command = Command::new(app.path("app"));
            command.args(["hammer", "--mode", "600", "--seconds", "30", "--until-file"]).arg(app.path("stop"));
            command.arg("--file").arg(app.path("file"));
            command.args(["--uid", &uid.to_string(), "--gid", &owner.gid().to_string()]);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut begun = String::new();
            io::BufReader::new(child.stderr.take().unwrap()).read_line(&mut begun).unwrap();
            assert_eq!(begun, "reading\n");
            thread::sleep(Duration::from_millis(50));
            fs::write(app.path("stop"), "").unwrap();
            let output = child.wait_with_output().unwrap();
            fs::remove_file(app.path("stop")).unwrap();
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        };
        for (content, mode, wrong) in cases {
            app.publish(&content, mode);
            let seen = hammer(owner.uid());
            assert!(seen["reads"].as_u64() > Some(0), "{seen}");
            for count in counts {
                let expected = if wrong == Some(count) { &seen["reads"] } else { &json!(0) };
                assert_eq!(&seen[count], expected, "{count} of {seen}");
            }
        }
        app.publish(&credentials("good"), 0o600);
        let seen = hammer(owner.uid() + 1);
        assert_eq!(seen["wrong_owner"], seen["reads"]);
        fs::remove_file(app.path("file")).unwrap();
        let seen = hammer(owner.uid());
        assert_eq!((&seen["missing"], &seen["distinct"]), (&seen["reads"], &json!(0)));
    }

    #[tokio::test]
    async fn it_keeps_asking_and_notices_a_fresh_token() {
        let (app, client) = (App::new(), Client::start(automatic()).await);
        let tokens = client.sign_in().await;
        app.publish(&credentials(&tokens.access), 0o600);
        let mut command = tokio::process::Command::new(app.path("app"));
        command.args(["keep-asking", "--every-ms", "10", "--url", &client.practice.url()]);
        let command = command.arg("--credentials").arg(app.path("file")).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = async || lines.next_line().await.unwrap().unwrap();
        assert!(line().await.contains(Fingerprint::of(&tokens.access).as_str()));
        let fresh = bed::Tokens::of(&client.refresh(&tokens.refresh).await.1);
        app.publish(&credentials(&fresh.access), 0o600);
        assert!(line().await.contains(Fingerprint::of(&fresh.access).as_str()));
        fs::remove_file(app.path("file")).unwrap();
        assert!(line().await.starts_with("not logged in"));

        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(child.wait().await.unwrap().code(), Some(143));
    }

    #[test]
    fn it_says_what_it_wants() {
        let app = App::new();
        for wrong in [&["ask"][..], &["dance"], &["sleep", "--seconds"], &["sleep", "--seconds", "long"]] {
            assert_eq!(Command::new(app.path("app")).args(wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
        }
    }

    #[test]
    fn its_image_holds_a_user_and_a_home_but_no_sign_in() {
        let image = app::image_tar().unwrap();
        let mut tar = tar::Archive::new(image.as_slice());
        let items: Vec<_> = tar
            .entries()
            .unwrap()
            .map(|item| {
                let item = item.unwrap();
                let path = item.path().unwrap().display().to_string();
                (path, item.header().mode().unwrap(), item.header().uid().unwrap())
            })
            .collect();
        let has = |path: &str, mode, owner| items.contains(&(path.to_owned(), mode, owner));
        assert!(has("app", 0o755, 0) && has("home/node/", 0o755, 1000) && has("tmp/", 0o1777, 0), "{items:?}");
        assert!(items.iter().all(|(path, ..)| !path.contains(".claude")));
    }
}
