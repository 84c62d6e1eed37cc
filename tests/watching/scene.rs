//! `tokenferry run` at work, with what it watches.

use std::time::{Duration, Instant};

use bed::programs::Running;
use bed::steps::{approve, sign_in};
use bed::{Home, Provider, Run, TestEngine, Volume};
use rustix::process::Signal;
use serde_json::Value;

/// What was harmed shall be put right within this.
pub(crate) const HEALED_WITHIN: Duration = Duration::from_secs(5);

/// A person who is signed in, with an engine.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    pub(crate) engine: TestEngine,
}

impl Scene {
    pub(crate) async fn on(engine: TestEngine) -> Self {
        let provider = Provider::start();
        let home = Home::new().provider(&provider).engine(&engine);
        sign_in(&home).await;
        Self { provider, home, engine }
    }

    /// A volume that is approved as `web`, with `run` keeping it fresh, and the token in it.
    pub(crate) async fn keeping(engine: TestEngine) -> (Self, Volume, Running) {
        let scene = Self::on(engine).await;
        let volume = scene.engine.volume().await;
        approve(&scene.home, "web", &volume).await;
        let mut run = scene.run().await;
        run.says("Delivered default to web").await;
        (scene, volume, run)
    }

    pub(crate) async fn run(&self) -> Running {
        let mut run = self.home.tokenferry(["run"]).set("TOKENFERRY_LOG", "engine=debug").spawn();
        run.says("Keeping everything fresh.").await;
        run
    }

    /// The journal's events of a kind, in words.
    pub(crate) async fn events(&self, kind: &str) -> Vec<String> {
        let activity = bed::steps::report(self.home.tokenferry(["activity", "-n", "1000"])).await;
        let events = activity["events"].as_array().or(activity.as_array()).expect("a list").iter();
        let of_kind = events.filter(|event| event["kind"] == kind);
        of_kind.map(|event| event["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// Waits until nothing is delivered any more that a new container brought with it.
    pub(crate) async fn settled(&self) {
        let mut delivered = usize::MAX;
        while delivered != self.events("delivered").await.len() {
            delivered = self.events("delivered").await.len();
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// How the destination stands.
    pub(crate) async fn web(&self) -> Value {
        bed::steps::destination(&self.home, "web").await
    }
}

/// A container that does nothing, with a volume where the CLI has its folder.
pub(crate) fn idle(volume: &Volume) -> Run {
    Run::app(["sleep"]).mount(volume, "/root/.claude")
}

/// Ends `run`, which has nothing to complain of.
pub(crate) async fn stop(run: Running) {
    run.signal(Signal::TERM);
    run.finish().await.succeeds();
}

/// Waits until the volume holds the token that `tokenferry token` tells, and says how long that took.
pub(crate) async fn until_fresh(scene: &Scene, volume: &Volume) -> Duration {
    let begun = Instant::now();
    let token = bed::steps::token(&scene.home).await;
    bed::steps::eventually("the volume holds the token", async || holds(volume, &token).await).await;
    begun.elapsed()
}

/// Whether the volume's file holds this token.
pub(crate) async fn holds(volume: &Volume, token: &str) -> bool {
    let Some(found) = volume.find(".credentials.json").await else { return false };
    let file: Value = serde_json::from_slice(found.contents()).unwrap_or_default();
    file["claudeAiOauth"]["accessToken"] == token
}
