//! What every test here begins with: somebody signed in, a folder for what is delivered, and a program that takes it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bed::{Home, Provider, Running, TestEngine, Tokenferry, Volume, steps};
use practice::{Endpoint, Entry, Fingerprint, Options};

/// Any will do: the practice provider knows none. The packages know this one.
pub(crate) const MODEL: &str = "claude-opus-5-5";

/// A Python on a busy machine takes its time for what it imports the first time.
const PATIENCE: Duration = Duration::from_secs(180);

/// Where the programs are that ask.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/takers/programs");

/// An access token, as `tokenferry token` tells it.
pub(crate) struct Token {
    pub(crate) text: String,
}

impl Token {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.text)
    }
}

/// Somebody signed in, and a folder.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    pub(crate) folder: PathBuf,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// The same at a provider with other options.
    pub(crate) async fn with(options: Options) -> Self {
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let home = Home::new().provider(&provider).engine(&TestEngine::get());
        let folder = home.path().join("delivered");
        fs::create_dir(&folder).expect("a folder should be made");
        steps::sign_in(&home).await;
        provider.clear_record();
        Self { provider, home, folder }
    }

    /// Approves of the folder, in this format.
    pub(crate) async fn approve(&self, format: &str) {
        self.add(["--directory", self.folder.to_str().expect("a plain path"), "--format", format]).await;
    }

    /// Approves of a volume, in this format.
    pub(crate) async fn approve_volume(&self, volume: &Volume, format: &str) {
        self.add(["--volume", volume.name(), "--format", format]).await;
    }

    async fn add(&self, place: [&str; 4]) {
        let words = ["destination", "add", "taker", "--yes"].into_iter().chain(place);
        self.home.tokenferry(words).run().await.succeeds();
    }

    /// Delivers the token of now.
    pub(crate) async fn deliver(&self) {
        self.home.tokenferry(["sync"]).run().await.succeeds();
    }

    /// The token of now.
    pub(crate) async fn token(&self) -> Token {
        Token { text: steps::token(&self.home).await }
    }

    /// A new one, after a renewal.
    pub(crate) async fn renewed(&self) -> Token {
        self.home.tokenferry(["refresh"]).run().await.succeeds();
        self.token().await
    }

    /// A program, on its way to nobody but the practice provider.
    pub(crate) fn program(&self, program: &Path, words: &[&str]) -> Tokenferry {
        let url = self.provider.url();
        let program = self.home.program(program.to_str().expect("a plain path"), words);
        program.set("ANTHROPIC_BASE_URL", &url).set("ANTHROPIC_API_BASE", url)
    }

    /// What the API was asked for, tokens counted included.
    pub(crate) fn asked(&self) -> Vec<Entry> {
        let record = self.provider.record();
        let asked = |entry: &&Entry| matches!(entry.endpoint, Endpoint::Messages | Endpoint::CountTokens);
        record.entries().iter().filter(asked).cloned().collect()
    }

    /// Expects that nothing was refused, and everything asked by this program, with these tokens one after the other.
    #[track_caller]
    pub(crate) fn was_asked(&self, agent: &str, tokens: &[Fingerprint]) {
        let asked = self.asked();
        let is_fine = |entry: &Entry| {
            entry.status == Some(200) && entry.user_agent.as_ref().is_some_and(|name| name.starts_with(agent))
        };
        let others: Vec<_> = asked.iter().filter(|entry| !is_fine(entry)).collect();
        assert!(others.is_empty(), "of {} requests these are not as they should be: {others:?}", asked.len());
        let mut presented: Vec<_> = asked.into_iter().filter_map(|entry| entry.presented).collect();
        presented.dedup();
        assert_eq!(presented, tokens);
    }
}

/// Where a program lies that asks.
pub(crate) fn asking(name: &str) -> String {
    format!("{PROGRAMS}/{name}")
}

/// A program that asks once for each line, and tells what came of it.
pub(crate) struct Client {
    running: Running,
    turns: usize,
}

impl Client {
    pub(crate) fn start(program: Tokenferry) -> Self {
        Self { running: program.within(PATIENCE).input_stays_open().spawn(), turns: 0 }
    }

    /// Asks once more.
    ///
    /// # Panics
    /// Where that fails.
    pub(crate) async fn ask(&mut self) {
        self.turns += 1;
        self.running.types(&format!("{}\n", self.turns)).await;
        let told = self.running.gives(&format!("over {}\n", self.turns)).await;
        let answers = told.lines().filter(|line| line.starts_with("answered: Hello Ada Practice")).count();
        assert_eq!(answers, self.turns, "{told}");
    }
}
