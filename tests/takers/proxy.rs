//! A LiteLLM proxy that is set up just as `engine::snippets::litellm` says.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bed::{Container, Run, Running, TestEngine, Volume, pypi::Python};
use engine::snippets::litellm::{MasterKey, Setup, Source, Tokens, Wish, setup};
use serde_json::{Value, json};

use crate::scene::{MODEL, Scene};

/// It takes 15 seconds of a processor to start, and there may be few.
const STARTING: Duration = Duration::from_secs(180);
/// What it says then.
const STARTED: &str = "Uvicorn running on";
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ways to ask it, by their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Chat,
    ChatStream,
    Messages,
    MessagesStream,
    Responses,
    CountTokens,
}

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Chat, Self::ChatStream, Self::Messages, Self::MessagesStream, Self::Responses, Self::CountTokens];

    fn path(self) -> &'static str {
        match self {
            Self::Chat | Self::ChatStream => "v1/chat/completions",
            Self::Messages | Self::MessagesStream => "v1/messages",
            Self::Responses => "v1/responses",
            Self::CountTokens => "v1/messages/count_tokens",
        }
    }

    fn body(self) -> Value {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        match self {
            Self::Responses => json!({ "model": MODEL, "input": "hi" }),
            Self::CountTokens => json!({ "model": MODEL, "messages": messages }),
            Self::Chat | Self::Messages => json!({ "model": MODEL, "max_tokens": 64, "messages": messages }),
            Self::ChatStream | Self::MessagesStream => {
                json!({ "model": MODEL, "max_tokens": 64, "messages": messages, "stream": true })
            }
        }
    }
}

/// What keeps it running.
#[derive(Debug)]
enum Kept {
    Here { _running: Running },
    InContainer { _container: Container },
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    key: MasterKey,
    _kept: Kept,
}

impl Proxy {
    /// Saves the files in a folder, and runs the line that starts it there.
    pub(crate) async fn start(scene: &Scene, python: &Python, litellm: &str, tokens: Tokens) -> Self {
        let (wish, folder) = (wish(litellm, tokens), scene.home.path().join("litellm"));
        let setup = setup(&wish);
        save(&setup, &folder);
        let line = setup.on_this_machine.expect("a folder is reached from here");
        let path = std::env::var("PATH").expect("there is one");
        let package = python.apart(litellm);
        let path = format!("{}:{}:{path}", package.join("bin").display(), python.programs().display());
        // `exec`, so that what is ended at the end is the proxy itself.
        let script = format!("cd {} && exec {line}", folder.display());
        let program = scene.program(Path::new("sh"), &["-c", &script]).set("PATH", path).set("PYTHONPATH", package);
        // It would look for prices in the world.
        let mut running = program.set("LITELLM_LOCAL_MODEL_COST_MAP", "True").within(STARTING).spawn();
        running.says(STARTED).await;
        Self { port: wish.port, key: wish.key, _kept: Kept::Here { _running: running } }
    }

    /// The same in a container that has the volume, and of this machine what it takes to run a Python.
    pub(crate) async fn start_in_container(
        scene: &Scene,
        engine: &TestEngine,
        python: &Python,
        litellm: &str,
        (volume, mount): (&Volume, &str),
    ) -> Self {
        let (wish, folder) = (wish(litellm, in_volume(volume.name(), mount)), scene.home.path().join("litellm"));
        let setup = setup(&wish);
        save(&setup, &folder);
        let package = python.apart(litellm);
        // What the compose service has, but for the port: a container of the bed has the host's network.
        let words = ["--config", "/config/config.yaml", "--host", "127.0.0.1", "--port", &wish.port.to_string()]
            .map(str::to_owned);
        let program = [python.programs().join("python"), package.join("bin/litellm")];
        let program = program.map(|path| path.to_str().expect("a plain path").to_owned());
        let run = host_programs(python).iter().fold(Run::command(program.into_iter().chain(words)), |run, path| {
            run.bind(path, path.to_str().expect("a plain path"))
        });
        let run = run.bind(&folder, "/config").mount_read_only(volume, mount);
        let environment = fs::read_to_string(folder.join("litellm.env")).expect("it was saved");
        let run = environment
            .lines()
            .filter_map(|line| line.split_once('='))
            .fold(run, |run, (name, value)| run.set(name, value));
        let run = run
            .set("PYTHONPATH", package.to_str().expect("a plain path"))
            .set("ANTHROPIC_API_BASE", &scene.provider.url());
        let run = run.set("LITELLM_LOCAL_MODEL_COST_MAP", "True").set("HOME", "/tmp");
        let container = engine.run(run).await;
        container.prints(STARTED).await;
        Self { port: wish.port, key: wish.key, _kept: Kept::InContainer { _container: container } }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The key of its own.
    pub(crate) fn key(&self) -> &str {
        self.key.expose()
    }

    /// Asks as one who has the proxy's key.
    pub(crate) async fn ask(&self, way: Way) -> Result<String, String> {
        self.ask_with(way, &[("authorization", &format!("Bearer {}", self.key.expose()))]).await
    }

    /// Asks as one who brings a token, and has the proxy's key or not.
    pub(crate) async fn ask_as(&self, way: Way, token: &str, has_key: bool) -> Result<String, String> {
        let (token, key) = (format!("Bearer {token}"), format!("Bearer {}", self.key.expose()));
        let headers = [("authorization", token.as_str()), ("x-litellm-api-key", key.as_str())];
        self.ask_with(way, &headers[..if has_key { 2 } else { 1 }]).await
    }

    async fn ask_with(&self, way: Way, headers: &[(&str, &str)]) -> Result<String, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client should build");
        let request = client.post(format!("{}/{}", self.url(), way.path()));
        let request = request.header("content-type", "application/json").body(way.body().to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let (status, said) = (answer.status(), answer.text().await.map_err(|error| error.to_string())?);
        // A stream that fails on its way has begun with 200.
        let is_error = !status.is_success() || said.contains("\"error\":{");
        if is_error { Err(format!("{way:?}: {status}: {said}")) } else { Ok(said) }
    }
}

/// What somebody wishes for who has this version.
pub(crate) fn wish(litellm: &str, tokens: Tokens) -> Wish {
    let version = litellm.split("==").last().expect("a version").parse().expect("a version");
    let mut random = [0; 32];
    getrandom::fill(&mut random).expect("the system should give random bytes");
    let models = vec![MODEL.parse().expect("a model")];
    Wish { version, models, tokens, port: free_port(), key: MasterKey::of(&random), image: None }
}

/// Saves the files in a folder, which it makes.
pub(crate) fn save(setup: &Setup, folder: &Path) {
    fs::create_dir(folder).expect("a folder should be made");
    for file in &setup.files {
        let path = folder.join(file.name);
        fs::write(&path, file.text.expose()).expect("the disk should take it");
        fs::set_permissions(path, fs::Permissions::from_mode(file.mode)).expect("it is ours");
    }
}

/// That of a volume, mounted there.
pub(crate) fn in_volume(name: &str, mount: &str) -> Tokens {
    Tokens::Delivered(Source::Volume { name: name.parse().expect("a name"), mount: mount.parse().expect("a path") })
}

/// One that nobody has now.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the system should give a port");
    listener.local_addr().expect("it has one").port()
}

/// Folders of this machine without which nothing of it runs.
fn host_programs(python: &Python) -> Vec<PathBuf> {
    let system = ["/usr", "/lib", "/lib64", "/bin"].map(PathBuf::from).into_iter().filter(|path| path.exists());
    let own = python.stands_on().into_iter().filter(|path| !path.starts_with("/usr"));
    system.chain(own).collect()
}
