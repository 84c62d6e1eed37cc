//! `tokenferry run` in a container, with the engine's own socket and its state in a volume, as compose starts it. The
//! image's last stage is built by the engine.

use std::fs;
use std::path::Path;

use bed::dockerd::Dockerd;
use bed::steps::{eventually, printed_token, report, token_in};
use bed::volume::Kind;
use bed::{Canary, Home, Provider, Tokenferry, Volume};
use serde_json::{Value, json};

use crate::compose::Project;
use crate::made;

#[tokio::test]
async fn a_container_keeps_the_engine_that_it_runs_on() {
    let server = Server::started().await;
    let volume = server.engine.volume().await;
    server.signs_in().await;
    server.tokenferry(&["destination", "add", "web", "--volume", volume.name()]).run().await.succeeds();
    server.delivers_to(&volume).await;
    let token = server.token().await;

    for renewed in [&["restart"][..], &["down"], &["up", "--detach"]] {
        server.compose(renewed).run().await.succeeds();
    }
    assert_eq!(server.token().await, token, "the sign-in should outlive the container");
    let status = report(server.tokenferry(&["status"])).await;
    assert_eq!(status["accounts"][0]["code"], "fresh", "{status}");
    server.tokenferry(&["refresh"]).run().await.succeeds();
    server.delivers_to(&volume).await;
    assert_ne!(token_in(&volume).await, token);
    assert_eq!(server.provider.sign_ins().len(), 1, "nobody should have to sign in again");

    server.ends_in_peace().await;
    server.shows_no_token(&volume).await;
}

/// A machine with an engine of its own, on which the container runs.
struct Server {
    engine: Dockerd,
    provider: Provider,
    home: Home,
    project: Project,
}

impl Server {
    /// Does what the page says.
    async fn started() -> Self {
        let (engine, provider) = (Dockerd::start().await, Provider::start());
        let home = Home::new().engine(&engine);
        // The provider is on this machine's loopback, and the engine's socket is not in the usual place.
        let here = json!({"services": {"tokenferry": {
            "build": {"context": home.path().join("server"), "dockerfile": "Dockerfile"},
            "network_mode": "host",
            "environment": {"TOKENFERRY_PROVIDER": provider.url()},
            "volumes": [format!("{}:/var/run/docker.sock", engine.host().trim_start_matches("unix://"))],
        }}});
        let project = Project::new(&home, "compose.yaml", &here);
        made::import_stage(&engine).await;
        fs::write(project.folder().join("Dockerfile"), made::last_stage()).expect("the home takes a file");
        let server = Self { engine, provider, home, project };
        server.compose(&["up", "--detach", "--build"]).run().await.succeeds();
        server
    }

    fn compose(&self, words: &[&str]) -> Tokenferry {
        self.project.tell(&self.home, words)
    }

    /// A command beside `run`, in its container.
    fn tokenferry(&self, words: &[&str]) -> Tokenferry {
        self.project.tokenferry(&self.home, words)
    }

    /// By pasting: the container has no browser.
    async fn signs_in(&self) {
        let printed = self.tokenferry(&["login", "--paste"]).run().await.succeeds();
        let code = self.provider.code_to_paste(printed.stdout.trim()).await;
        self.tokenferry(&["callback"]).input(code).run().await.succeeds();
    }

    async fn token(&self) -> String {
        printed_token(self.tokenferry(&["token"])).await
    }

    /// Waits until `run` has put the present token into the volume.
    async fn delivers_to(&self, volume: &Volume) {
        let token = self.token().await;
        eventually("the token is in the volume", async || {
            volume.find(".credentials.json").await.is_some() && token_in(volume).await == token
        })
        .await;
    }

    /// The engine's wish to end it is heard, and nothing has to be killed.
    async fn ends_in_peace(&self) {
        let id = self.compose(&["ps", "--quiet"]).run().await.succeeds().stdout;
        self.compose(&["stop"]).run().await.succeeds();
        let container = self.engine.docker().inspect_container(id.trim(), None).await.expect("it should be there");
        assert_eq!(container.state.and_then(|state| state.exit_code), Some(0));
        let logs = self.compose(&["logs", "--no-color"]).run().await.succeeds().stdout;
        assert!(logs.trim_end().ends_with("Stopped."), "{logs}");
    }

    /// No token is in the state's volume, nor in what the engine knows of the container, nor in what it printed.
    async fn shows_no_token(&self, delivered: &Volume) {
        let mut canary = Canary::new(self.provider.secrets());
        let state = self.engine.volume_named("server_state").await;
        let all = state.all().await;
        for name in ["vault", "vault.key", "journal.db"] {
            assert!(all.contains_key(Path::new(name)), "{name} is not among {:?}", all.keys());
        }
        look_into(&mut canary, &state).await;
        let containers = self.inspected().await;
        assert!(!containers.is_empty());
        canary.look("what the engine knows", serde_json::to_string(&containers).expect("JSON").as_bytes());
        self.home.search(&mut canary);
        canary.assert_unseen();
        // Such a search finds what there is.
        look_into(&mut canary, delivered).await;
        assert_ne!(canary.sightings(), []);
    }

    async fn inspected(&self) -> Vec<Value> {
        let mut inspected = Vec::new();
        for container in self.engine.containers().await {
            let container = self.engine.docker().inspect_container(&container.id.unwrap_or_default(), None).await;
            inspected.push(serde_json::to_value(container.expect("it should be there")).expect("JSON"));
        }
        inspected
    }
}

pub(crate) async fn look_into(canary: &mut Canary, volume: &Volume) {
    for (path, found) in volume.all().await {
        if let Kind::File(contents) = found.kind {
            canary.look(&format!("{} in the volume", path.display()), &contents);
        }
    }
}
