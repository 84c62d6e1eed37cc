//! Those who ask: `tokenferry token --from`, curl and Python, as the documents show them.

use std::os::unix::fs::PermissionsExt;

use bed::steps::{printed_token, token};

use crate::scene::{Scene, grant_file};

#[tokio::test]
async fn the_command_asks_with_a_grant_from_a_file() {
    let scene = Scene::signed_in().await;
    let expected = token(&scene.home).await;
    let file = grant_file(&scene.home, &scene.grant("ci", &[]).await);
    let away = bed::Home::new();
    let ask = || away.tokenferry(["token", "--from", &scene.url]);
    assert_eq!(printed_token(ask().arg("--grant-file").arg(&file)).await, expected);
    assert_eq!(printed_token(ask().set("TOKENFERRY_GRANT_FILE", &file)).await, expected);
    assert!(!away.state().join("journal.db").exists(), "it needs no state of its own");

    let fails = async |command: bed::Tokenferry| {
        let error = command.arg("--json").run().await.ends_with(1).json()["error"].clone();
        assert!(error["message"].as_str().is_some_and(|it| !it.is_empty()), "{error}");
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(fails(ask()).await, "no_grant");
    assert_eq!(fails(ask().args(["--grant-file", "/nowhere"])).await, "grant_unreadable");
    std::fs::write(&file, "tfg_wrong").unwrap();
    assert_eq!(fails(ask().arg("--grant-file").arg(&file)).await, "no_grant");
    let nobody = away.tokenferry(["token", "--from", "http://127.0.0.1:9", "--grant-file"]).arg(&file);
    assert_eq!(fails(nobody).await, "server_unreachable");
    let another = away.tokenferry(["token", "--from", &scene.provider.url(), "--grant-file"]).arg(&file);
    assert_eq!(fails(another).await, "server_strange");
    scene.ends().await;
}

#[tokio::test]
async fn a_socket_is_this_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenferry.sock");
    let scene = Scene::with(practice::Options::default(), &["--socket", path.to_str().unwrap()]).await;
    bed::steps::sign_in(&scene.home).await;
    let file = grant_file(&scene.home, &scene.grant("ci", &[]).await);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let from = format!("unix:{}", path.display());
    let ask = scene.home.tokenferry(["token", "--from", &from, "--grant-file"]).arg(&file);
    assert_eq!(printed_token(ask).await, token(&scene.home).await);
    // It is no more open than the port.
    let without = scene.home.program("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket"]);
    let code = without.arg(&path).arg("http://localhost/status").run().await.succeeds().stdout;
    assert_eq!(code, "401");
    scene.ends().await;
    assert!(!path.exists(), "the socket goes with the server");
}

/// The documents' blocks in this language, at this server.
fn documented(scene: &Scene, language: &str) -> Vec<String> {
    let document = include_str!("../../docs/serve.md").replace("http://127.0.0.1:4001", &scene.url);
    let begin = format!("```{language}\n");
    document.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The home's folder, with the grants that the documents name.
async fn with_grants(scene: &Scene) {
    for (name, allow) in [("ci", &["token"][..]), ("litellm", &["status", "sign-in"])] {
        let allow: Vec<_> = allow.iter().flat_map(|it| ["--allow", it]).collect();
        let key = scene.grant(name, &allow).await;
        std::fs::write(scene.home.path().join(format!("{name}.grant")), format!("{key}\n")).unwrap();
    }
}

#[tokio::test]
async fn what_is_documented_for_python_works() {
    let scene = Scene::signed_in().await;
    with_grants(&scene).await;
    let programs = documented(&scene, "python");
    let [gets, signs_in] = programs.as_slice() else { panic!("there are {}", programs.len()) };
    let python = |program: String| {
        std::fs::write(scene.home.path().join("program.py"), program).unwrap();
        let run = format!("cd {} && exec python3 program.py", scene.home.path().display());
        scene.home.program("sh", ["-c", &run]).prints_a_secret()
    };
    let told = python(format!("{gets}\nprint(token)")).run().await.succeeds().stdout;
    assert_eq!(told.trim(), token(&scene.home).await);

    let mut program = python(signs_in.clone()).input_stays_open().spawn();
    let said = program.gives("Paste the code").await;
    let address = said.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let code = scene.provider.code_to_paste(address).await;
    program.types(&format!("{code}\n")).await;
    let told = program.finish().await.succeeds().stdout;
    assert!(told.contains("'success': True") && told.contains("'authenticated': True"), "{told}");
    scene.ends().await;
}

#[tokio::test]
async fn what_is_documented_for_curl_works() {
    let scene = Scene::signed_in().await;
    with_grants(&scene).await;
    let shell = async |script: String| {
        let script = format!("cd {} && {script}", scene.home.path().display());
        scene.home.program("sh", ["-c", &script]).prints_a_secret().run().await.succeeds().stdout
    };
    let blocks = documented(&scene, "sh");
    assert!(!blocks.concat().contains("$("), "a key in an argument can be seen by everybody");
    let gets = blocks.iter().find(|it| it.contains("curl") && it.contains("/v1/token")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&shell(gets.clone()).await).unwrap();
    assert_eq!(told["access_token"], token(&scene.home).await);

    // Each line of the rest, with what it is said to answer with.
    let signing_in = blocks.iter().find(|it| it.contains("/oauth\n")).unwrap();
    let (names, lines) = signing_in.split_once('\n').unwrap();
    let standing = blocks.iter().find(|it| it.contains("/health/live")).unwrap();
    for line in lines.lines().chain(standing.lines()) {
        let told = shell(format!("{names}\n{line}")).await;
        if line.contains("/start") {
            let started: serde_json::Value = serde_json::from_str(&told).unwrap();
            let code = scene.provider.code_to_paste(started["authorization_url"].as_str().unwrap()).await;
            let code = serde_json::json!({"code": code, "state": started["state"]});
            std::fs::write(scene.home.path().join("code.json"), code.to_string()).unwrap();
        }
        match line.split_once("# {") {
            Some((_, expected)) => {
                let first = expected.split([':', ',']).next().unwrap();
                assert!(told.starts_with(&format!("{{{}", first.replace(' ', ""))), "{line}\n{told}");
            }
            None => assert!(!told.contains("urn:tokenferry"), "{line}\n{told}"),
        }
    }
    scene.ends().await;
}
