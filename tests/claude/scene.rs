//! What every test here begins with: somebody signed in, a volume that Tokenferry filled, and the CLI to read it.

use bed::{Container, Home, Output, Provider, Run, Running, TestEngine, Volume};
use practice::{Endpoint, Entry, Options};

use crate::cli::{PROGRAM, image};

/// Where the volume is mounted.
pub(crate) const FOLDER: &str = "/claude";

/// The image's user, and the one to whom the files belong.
pub(crate) const USER: &str = "1000:1000";

/// Somebody signed in, and a volume that is a destination.
pub(crate) struct Scene {
    pub(crate) engine: TestEngine,
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    pub(crate) volume: Volume,
    image: String,
}

impl Scene {
    /// Everything, and the volume filled. None, said loudly, where the CLI can't be had.
    pub(crate) async fn filled() -> Option<Self> {
        Self::with(Options::default(), &[]).await
    }

    /// The same at a provider with other options, and with these words for the destination.
    pub(crate) async fn with(options: Options, words: &[&str]) -> Option<Self> {
        let engine = TestEngine::get();
        let image = image(&engine).await?;
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let home = Home::new().engine(&engine).provider(&provider);
        let volume = engine.volume().await;
        home.tokenferry(["login"]).run().await.succeeds();
        let add = ["destination", "add", "web", "--volume", volume.name(), "--owner", USER];
        home.tokenferry(add).args(words).run().await.succeeds();
        home.tokenferry(["sync", "web"]).run().await.succeeds();
        Some(Self { engine, provider, home, volume, image })
    }

    /// A container of the CLI's image with this command, set up as the CLI's users do: not root, with the volume.
    pub(crate) fn container<S: Into<String>>(&self, command: impl IntoIterator<Item = S>) -> Run {
        self.bare(command).set("CLAUDE_CONFIG_DIR", FOLDER).mount(&self.volume, FOLDER)
    }

    /// The same without the volume.
    pub(crate) fn bare<S: Into<String>>(&self, command: impl IntoIterator<Item = S>) -> Run {
        let run = Run::command(command).image(&self.image).user("node");
        self.variables().iter().fold(run, |run, (name, value)| run.set(name, value))
    }

    /// The CLI asks nobody but the practice provider.
    fn variables(&self) -> [(&'static str, String); 2] {
        [("ANTHROPIC_BASE_URL", self.provider.url()), ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned())]
    }

    /// A container that does nothing but be there.
    pub(crate) async fn idle(&self) -> Container {
        self.engine.run(self.container(["/app", "sleep"])).await
    }

    /// The words for `docker` that run the CLI on our own terminal or pipes; `flags` stand before the rest.
    pub(crate) fn docker_run(&self, flags: &[&str], arguments: &[&str]) -> Vec<String> {
        let volume = format!("{}:{FOLDER}", self.volume.name());
        let mut words: Vec<String> = vec!["run".to_owned(), "--rm".to_owned()];
        words.extend(flags.iter().copied().map(str::to_owned));
        words.extend(["--network", "host", "--user", "node", "--volume", &volume].map(str::to_owned));
        let folder = [("CLAUDE_CONFIG_DIR", FOLDER.to_owned())];
        for (name, value) in self.variables().into_iter().chain(folder) {
            words.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
        words.extend([self.image.clone(), PROGRAM.to_owned()]);
        words.extend(arguments.iter().copied().map(str::to_owned));
        words
    }

    /// A program in a running container, to its end.
    pub(crate) async fn exec(&self, container: &Container, command: &[&str]) -> Output {
        self.home.program("docker", ["exec", container.id()]).args(command).run().await
    }

    /// What the API was asked for by the CLI and by apps, with each answer's status.
    pub(crate) fn asked(&self) -> Vec<Entry> {
        self.provider.record().of(Endpoint::Messages).cloned().collect()
    }
}

/// A CLI left running in stream mode.
pub(crate) struct Session {
    running: Running,
    turns: usize,
}

impl Session {
    /// Starts it in a container of its own.
    pub(crate) fn start(scene: &Scene) -> Self {
        let words = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"];
        let docker = scene.docker_run(&["--interactive"], &words);
        let running = scene.home.program("docker", docker).input_stays_open().spawn();
        Self { running, turns: 0 }
    }

    /// Asks once more, and gives the turn's result as the CLI tells it.
    pub(crate) async fn ask(&mut self) -> serde_json::Value {
        self.running.types("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"hi\"}}\n").await;
        let sign = format!("\"result_index\":{},", self.turns);
        let told = self.running.gives(&sign).await;
        self.turns += 1;
        // The line may still be on its way.
        let told = match told.lines().find(|line| line.contains(&sign)).map(serde_json::from_str) {
            Some(Ok(result)) => return result,
            _ => told,
        };
        panic!("the CLI should tell whole lines, but told:\n{told}");
    }
}

/// Whether a turn was answered, and what was said.
pub(crate) fn answer(result: &serde_json::Value) -> Result<String, String> {
    let said = result["result"].as_str().unwrap_or_default().to_owned();
    if result["is_error"] == false { Ok(said) } else { Err(said) }
}
