//! `sync --prove`: the provider is asked with exactly what lies in the volume, and where a container has the CLI, one
//! real request is made, for who agrees.

use bed::{Canary, Home, Provider, Run, TestEngine, Tokenferry, Volume, programs::built};
use practice::{Endpoint, Fault, Trouble};
use serde_json::{Value, json};

use crate::cli::PROGRAM;
use crate::scene::{FOLDER, Scene};

const CREDENTIALS: &str = ".credentials.json";

/// Somebody signed in, and a volume that is a destination.
struct Stage {
    provider: Provider,
    home: Home,
    volume: Volume,
}

impl Stage {
    async fn new() -> Self {
        let (engine, provider) = (TestEngine::get(), Provider::start());
        let home = Home::new().engine(&engine).provider(&provider).talkative();
        home.tokenferry(["login"]).run().await.succeeds();
        let volume = engine.volume().await;
        home.tokenferry(["destination", "add", "web", "--volume", volume.name()]).run().await.succeeds();
        provider.clear_record();
        Self { provider, home, volume }
    }

    fn prove(&self) -> Tokenferry {
        self.home.tokenferry(["sync", "web", "--prove"])
    }

    /// What is reported of the one destination.
    async fn proof(&self, exit: i32) -> Value {
        let report = self.prove().arg("--json").run().await.ends_with(exit).json();
        report["proofs"][0].clone()
    }
}

#[tokio::test]
async fn a_proof_says_for_whom() {
    let stage = Stage::new().await;
    let said = stage.prove().run().await.succeeds();
    let sentence = "web: proved for ada@practice.example, Ada's practice organization (max).";
    assert!(said.stderr.contains(sentence), "{said}");
    let proof = stage.proof(0).await;
    assert_eq!((&proof["outcome"], &proof["destination"]), (&json!("proved"), &json!("web")));
    assert_eq!(proof["identity"]["email"], "ada@practice.example");

    let lies_there = stage.volume.read(CREDENTIALS).await.json();
    let token = lies_there["claudeAiOauth"]["accessToken"].as_str().expect("a token");
    let record = stage.provider.record();
    let asked: Vec<_> = record.of(Endpoint::Profile).filter_map(|entry| entry.presented.clone()).collect();
    assert_eq!(asked, vec![practice::Fingerprint::of(token); 2], "once for each proof");
    let told = stage.home.tokenferry(["activity"]).run().await.succeeds();
    assert!(told.stdout.contains(sentence), "{told}");

    let mut canary = Canary::new(stage.provider.secrets());
    stage.home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn a_token_that_lies_at_many_places_is_asked_with_once() {
    let stage = Stage::new().await;
    let further = TestEngine::get().volume().await;
    stage.home.tokenferry(["destination", "add", "api", "--volume", further.name()]).run().await.succeeds();
    let said = stage.home.tokenferry(["sync", "--prove"]).run().await.succeeds();
    for destination in ["web", "api"] {
        assert!(said.stderr.contains(&format!("\n{destination}: proved for ada@practice.example")), "{said}");
    }
    assert_eq!(stage.provider.record().count(Endpoint::Profile), 1);
}

#[tokio::test]
async fn a_token_that_the_provider_refuses_is_told_without_a_fall() {
    let stage = Stage::new().await;
    stage.provider.fault(Fault::at(Endpoint::Profile, Trouble::Status { status: 401, retry_after: None }));
    let proof = stage.proof(3).await;
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("refused"), &json!("token_refused")));
    let said = stage.prove().run().await.ends_with(3);
    assert!(said.stderr.contains("web: Claude refuses the token that lies there. Renew"), "{said}");
}

#[tokio::test]
async fn a_provider_in_trouble_proves_and_disproves_nothing() {
    let stage = Stage::new().await;
    for (trouble, code) in [
        (Trouble::Status { status: 503, retry_after: None }, "provider_busy"),
        (Trouble::NoAnswer, "provider_unreachable"),
        (Trouble::HtmlPage { status: 200 }, "provider_strange"),
    ] {
        stage.provider.fault(Fault::at(Endpoint::Profile, trouble));
        let proof = stage.proof(3).await;
        assert_eq!((&proof["outcome"], &proof["code"]), (&json!("not_proved"), &json!(code)));
        stage.provider.clear_faults();
    }
}

#[tokio::test]
async fn somebody_elses_token_is_known_as_theirs() {
    let stage = Stage::new().await;
    stage.provider.set(|options| "grace@practice.example".clone_into(&mut options.person));
    stage.home.tokenferry(["login", "--account", "grace"]).run().await.succeeds();
    let token = stage.home.tokenferry(["token", "--account", "grace"]).prints_a_secret().run().await.succeeds().stdout;
    // As if Grace had signed in there by herself: it is not replaced, so it is what is proved.
    leave_sign_in(&stage.volume, token.trim_end()).await;
    let proof = stage.proof(1).await;
    assert_eq!(proof["outcome"], "another_account");
    assert_eq!(proof["identity"]["email"], "grace@practice.example");
    let said = stage.prove().run().await.ends_with(1);
    assert!(said.stderr.contains("for grace@practice.example") && said.stderr.contains("not for ada@"), "{said}");
}

#[tokio::test]
async fn a_token_from_elsewhere_is_not_shown_to_another_provider() {
    let stage = Stage::new().await;
    leave_sign_in(&stage.volume, "sk-ant-oat01-from-elsewhere").await;
    let proof = stage.proof(1).await;
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("not_proved"), &json!("other_provider")));
    assert_eq!(stage.provider.record().count(Endpoint::Profile), 0);
}

#[tokio::test]
async fn where_nothing_lies_nothing_is_proved() {
    let stage = Stage::new().await;
    stage.home.tokenferry(["logout"]).run().await.succeeds();
    stage.provider.clear_record();
    let proof = stage.proof(4).await;
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("nothing_there"), &json!("no_token")));
    stage.volume.remove().await;
    let proof = stage.proof(4).await;
    assert_eq!((&proof["outcome"], &proof["code"]), (&json!("not_seen"), &json!("volume_missing")));
    assert_eq!(stage.provider.record().entries(), []);
}

async fn leave_sign_in(volume: &Volume, token: &str) {
    let file = json!({"claudeAiOauth": {
        "accessToken": token, "refreshToken": "a-refresh-token-of-theirs", "expiresAt": 4_102_444_800_000_u64,
        "scopes": ["user:inference", "user:profile"],
    }});
    volume.write(CREDENTIALS, file.to_string().as_bytes(), (0, 0, 0o600)).await;
}

#[tokio::test]
async fn a_real_request_is_made_by_who_agrees_to_it() {
    let Some(scene) = Scene::filled().await else { return };
    let idle = scene.idle().await;
    let name = idle.inspect().await.name.expect("a name").trim_start_matches('/').to_owned();
    let prove = || scene.home.tokenferry(["sync", "web", "--prove"]).set("TOKENFERRY_LOG", "trace");

    // Nobody is there to be asked.
    let said = prove().run().await.succeeds();
    assert!(said.stderr.contains(&format!("with --request, the CLI in container {name}")), "{said}");
    assert_eq!(scene.asked(), []);

    let report = prove().args(["--request", "--json"]).run().await.succeeds().json();
    assert_eq!(
        report["requests"],
        json!([{"destination": "web", "container": name, "outcome": "answered", "message": null}])
    );
    let asked = scene.asked();
    let agents: Vec<_> = asked.iter().filter_map(|entry| entry.user_agent.as_deref()).collect();
    assert!(agents.len() == 1 && agents[0].starts_with("claude-cli/"), "{asked:?}");

    // At a terminal it is asked for.
    for (typed, requests) in [("n\r", 1), ("y\r", 2)] {
        let command = format!("{} sync web --prove", built("tokenferry").display());
        let at_a_terminal = ["--quiet", "--return", "--command", &command, "/dev/null"];
        let mut running = scene.home.program("script", at_a_terminal).input_stays_open().spawn();
        let question =
            format!("Run one short real request with the CLI in container {name}? It counts against your plan.");
        running.gives(&question).await;
        running.types(typed).await;
        running.finish().await.succeeds();
        assert_eq!(scene.asked().len(), requests, "after {typed:?}");
    }
    let mut canary = Canary::new(scene.provider.secrets());
    scene.home.search(&mut canary);
    canary.assert_unseen();
}

#[tokio::test]
async fn a_real_request_that_is_refused_is_told_in_the_clis_own_words() {
    let Some(scene) = Scene::filled().await else { return };
    let _idle = scene.idle().await;
    scene.provider.fault(Fault::at(Endpoint::Messages, Trouble::Status { status: 401, retry_after: None }));
    let said = scene.home.tokenferry(["sync", "web", "--prove", "--request"]).run().await.ends_with(3);
    assert!(said.stderr.contains("was not answered. The CLI says: ") && said.stderr.contains("401"), "{said}");
}

#[tokio::test]
async fn no_request_is_made_where_it_would_prove_nothing() {
    let Some(scene) = Scene::filled().await else { return };
    // Neither of them reads the file, one because of a key of its own, one because it looks elsewhere; and the last has
    // no CLI.
    let idle = ["/app", "sleep"];
    let _keyed = scene.engine.run(scene.container(idle).set("ANTHROPIC_API_KEY", "sk-ant-key-of-another")).await;
    let _elsewhere = scene.engine.run(scene.bare(idle).mount(&scene.volume, FOLDER)).await;
    let without_cli = Run::app(["sleep"]).set("CLAUDE_CONFIG_DIR", FOLDER).mount(&scene.volume, FOLDER);
    let _without_cli = scene.engine.run(without_cli).await;
    let said = scene.home.tokenferry(["sync", "web", "--prove", "--request"]).run().await.ends_with(3);
    assert!(said.stderr.contains("no running container reads it with the CLI"), "{said}");
    assert_eq!(scene.asked(), []);
    assert!(!said.stderr.contains(PROGRAM), "{said}");
}
