//! What delivers while the starts are counted: `tokenferry run`, with one volume approved of.

use std::time::Duration;

use bed::programs::Running;
use bed::steps::{approve, destination, eventually, sign_in};
use bed::{Home, Provider, TestEngine, Volume};

/// The file that is delivered.
pub(crate) const FILE: &str = ".credentials.json";

/// Longer than any count takes.
const LONGEST: Duration = Duration::from_secs(1800);

/// Keeps a volume fresh, whether it is there or comes and goes, until it is dropped.
pub(crate) struct Watch {
    _run: Running,
    home: Home,
    _provider: Provider,
}

impl Watch {
    /// Begins, and returns when it is at work.
    pub(crate) async fn begin(engine: &TestEngine, volume: &Volume) -> Self {
        let provider = Provider::start();
        let home = Home::new().provider(&provider).engine(engine);
        sign_in(&home).await;
        approve(&home, "web", volume).await;
        let mut run = home.tokenferry(["run"]).within(LONGEST).set("TOKENFERRY_LOG", "engine=debug").spawn();
        run.says("Keeping everything fresh.").await;
        Self { _run: run, home, _provider: provider }
    }

    /// Waits until the volume was delivered to. Looking into it would make it one that a container has used.
    pub(crate) async fn is_up_to_date(&self) {
        eventually("it is delivered to", async || destination(&self.home, "web").await["code"] == "up_to_date").await;
    }
}
