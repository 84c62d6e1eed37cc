//! Interactive `claude` on a terminal: straight to its prompt where the destination is ready to use.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use bed::Home;

use crate::scene::Scene;

/// A CLI takes seconds to draw its first screen, more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the screen.
const LOOK: Duration = Duration::from_millis(200);

/// Where the CLI waits for a prompt.
const PROMPT: &str = "❯";
/// What it shows of the plan that stands in the file.
const PLAN: &str = "Claude Max";
/// Words of the questions that nobody shall be asked: for a theme, for a sign-in, for trust.
const QUESTIONS: [&str; 4] = ["text style", "login method", "Paste code here", "trust this folder"];

/// A terminal multiplexer with one terminal in it. It ends, with what runs there, on drop.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    async fn start(home: &Home, command: Vec<String>) -> Self {
        let (socket, settings) = (home.path().join("tmux"), home.path().join("tmux.conf"));
        // The last words of what ends too early are of interest.
        fs::write(&settings, "set-option -g remain-on-exit on\n").expect("the home takes a file");
        let terminal = Self { socket };
        let words = ["new-session", "-d", "-x", "100", "-y", "40", "docker"];
        let tmux = home.program("tmux", ["-u", "-S"]).arg(&terminal.socket).arg("-f").arg(settings);
        let tmux = tmux.args(words).args(command);
        tmux.run().await.succeeds();
        terminal
    }

    fn tmux(&self, words: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).args(words);
        tmux
    }

    fn screen(&self) -> String {
        let shown = self.tmux(&["-u", "capture-pane", "-p"]).output().expect("tmux should be there");
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    fn types(&self, words: &[&str]) {
        let sent = self.tmux(&["send-keys"]).args(words).status().expect("tmux should be there");
        assert!(sent.success(), "the terminal should take {words:?}");
    }

    /// Looks until the screen is so; what it shows then.
    async fn shows(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} should be seen, but the screen is:\n{screen}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
    }
}

fn asks(screen: &str) -> bool {
    QUESTIONS.iter().any(|question| screen.contains(question))
}

#[tokio::test]
async fn interactive_claude_comes_straight_to_its_prompt() {
    let Some(scene) = Scene::with(Default::default(), &["--ready-to-use"]).await else { return };
    let terminal = Terminal::start(&scene.home, scene.docker_run(&["-it", "--workdir", "/home/node"], &[])).await;
    let is_at_prompt = |screen: &str| screen.lines().any(|line| line.trim() == PROMPT) && screen.contains(PLAN);
    let screen = terminal.shows("the prompt", |screen| is_at_prompt(screen) || asks(screen)).await;
    assert!(!asks(&screen), "something is asked:\n{screen}");
    terminal.types(&["-l", "hi there"]);
    terminal.shows("what was typed", |screen| screen.contains("hi there")).await;
    terminal.types(&["Enter"]);
    let screen = terminal.shows("an answer", |screen| screen.contains("this is the practice API")).await;
    assert!(!asks(&screen), "something is asked:\n{screen}");
}

/// So that a question is known by sight. The others come only after a look whether Claude is there, which leads out of
/// this machine.
#[tokio::test]
async fn a_cli_that_knows_of_no_trust_asks_for_it() {
    let Some(scene) = Scene::filled().await else { return };
    scene.volume.write(".claude.json", br#"{"hasCompletedOnboarding":true}"#, (1000, 1000, 0o600)).await;
    let terminal = Terminal::start(&scene.home, scene.docker_run(&["-it", "--workdir", "/home/node"], &[])).await;
    terminal.shows("a question", asks).await;
}
