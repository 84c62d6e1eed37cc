//! Steps that several journeys share.

use std::path::PathBuf;
use std::time::Duration;

use bed::programs::built;
pub(crate) use bed::steps::{
    account, approve, destination, eventually, printed_token, report, sign_in, status, token, token_in,
};
use bed::{Home, Provider, Running, TestEngine, Tokenferry};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

/// Far beyond what anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Signs somebody in under a name.
pub(crate) async fn sign_in_as(home: &Home, provider: &Provider, email: &str, account: &str) {
    provider.set(|options| email.clone_into(&mut options.person));
    home.tokenferry(["login", "--account", account]).run().await.succeeds();
}

/// Expects a program to end with this exit code and an error that says what happened and what to do; gives its `code`.
pub(crate) async fn refusal(program: Tokenferry, exit: i32) -> String {
    let output = program.arg("--json").run().await.ends_with(exit);
    let error = &output.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{output}\nhas no {name}")).to_owned();
    assert!(text("message").ends_with('.'), "{output}\nis no sentence");
    let sentences = text("message").split(['.', '\n']).filter(|sentence| sentence.len() > 1).count();
    assert!(!text("fix").is_empty() || sentences > 1, "{output}\nsays not what to do");
    text("code")
}

/// Waits until the account's access token has ended.
pub(crate) async fn outlive_token(home: &Home, name: &str) {
    let ends: Timestamp = account(home, name).await["access_token_ends"].as_str().expect("an end").parse().unwrap();
    let left = Duration::try_from(ends.duration_since(Timestamp::now())).unwrap_or_default();
    // The end itself is part of the life.
    tokio::time::sleep(left + LOOK).await;
}

/// The names of the entries in the vault of files.
pub(crate) fn vault_entries(home: &Home) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(home.state().join("vault")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// `tokenferry` at a terminal, where questions can be asked. What it prints, on either output, is what `gives` waits
/// for.
pub(crate) fn at_a_terminal(home: &Home, words: &str) -> Tokenferry {
    let command = format!("{} {words}", built("tokenferry").display());
    home.program("script", ["--quiet", "--return", "--command", &command, "/dev/null"]).input_stays_open()
}

/// The address that a waiting `login` has printed on standard error.
pub(crate) async fn printed_address(login: &mut Running) -> Url {
    loop {
        let said = login.says("/oauth/authorize?").await;
        // The line comes in parts.
        let address = said.split_inclusive(['\n', ' ']).find(|word| word.contains("/oauth/authorize?"));
        match address.and_then(|word| word.strip_suffix('\n')) {
            Some(address) => return address.parse().expect("an address"),
            None => tokio::time::sleep(LOOK).await,
        }
    }
}

/// A parameter of an address.
pub(crate) fn parameter(address: &Url, name: &str) -> String {
    let found = address.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{address} has no {name}")).1.into_owned()
}

/// A browser that the test itself plays.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    following: reqwest::Client,
    staying: reqwest::Client,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |policy| {
            let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE).redirect(policy);
            builder.build().expect("a client should build")
        };
        Self {
            following: client(reqwest::redirect::Policy::default()),
            staying: client(reqwest::redirect::Policy::none()),
        }
    }

    /// Opens a page, going where it leads; its status and text.
    pub(crate) async fn open(&self, address: impl AsRef<str>) -> (u16, String) {
        let page = self.following.get(address.as_ref()).send().await.expect("the page should open");
        (page.status().as_u16(), page.text().await.expect("the page should be whole"))
    }

    /// Asks the API whose token this is.
    pub(crate) async fn as_holder_of(&self, token: &str, provider: &str) -> (u16, String) {
        let request = self.staying.get(format!("{provider}/api/oauth/profile")).bearer_auth(token);
        let answer = request.header("anthropic-beta", practice::OAUTH_BETA).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a whole answer"))
    }

    /// Where a page leads, without going there.
    pub(crate) async fn led_to(&self, address: &Url) -> Url {
        let page = self.staying.get(address.clone()).send().await.expect("the page should open");
        let location = page.headers().get("location").expect("the page should lead on");
        location.to_str().unwrap().parse().expect("an address")
    }
}

/// Whether somebody listens on a port of this machine.
pub(crate) async fn is_open(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

/// A sign-in of the official CLI, in its file below `HOME`, with a sign-in of an MCP server beside it.
pub(crate) async fn official_cli(home: &Home, provider: &Provider) -> PathBuf {
    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let redirect = format!("{}/oauth/code/callback", provider.url());
    let asked = [
        ("code", "true"),
        ("client_id", practice::CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", &redirect),
        ("scope", "user:profile user:inference"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a-state-of-the-official-cli"),
    ];
    let authorize = Url::parse_with_params(&format!("{}/oauth/authorize", provider.url()), asked).unwrap();
    let pasted = provider.code_to_paste(authorize.as_str()).await;
    let (code, state) = pasted.split_once('#').unwrap();
    let tokens = ask_for_tokens(
        provider,
        &json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": practice::CLIENT_ID,
            "code_verifier": VERIFIER, "state": state}),
    )
    .await;
    let ends = Timestamp::now().as_millisecond() + tokens["expires_in"].as_i64().unwrap() * 1000;
    let file = json!({
        "claudeAiOauth": {"accessToken": tokens["access_token"], "refreshToken": tokens["refresh_token"],
            "expiresAt": ends, "scopes": ["user:profile", "user:inference"], "subscriptionType": "max"},
        "mcpOAuth": {"tickets": {"accessToken": "the-token-of-the-tickets"}},
    });
    let folder = home.path().join("user/.claude");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(".credentials.json");
    std::fs::write(&path, file.to_string()).unwrap();
    path
}

/// Asks the token endpoint as another client would.
pub(crate) async fn ask_for_tokens(provider: &Provider, body: &Value) -> Value {
    let request = Browser::new().staying.post(format!("{}/v1/oauth/token", provider.url())).json(body);
    let answer = request.send().await.unwrap().error_for_status().expect("tokens should be given");
    answer.json().await.unwrap()
}

/// A home that signs in at the provider and delivers into the tests' engine.
pub(crate) fn delivering(provider: &Provider) -> (Home, TestEngine) {
    let engine = TestEngine::get();
    (Home::new().provider(provider).engine(&engine), engine)
}

/// A way to the engine that can be cut, as Docker that is stopped and started again.
#[derive(Debug)]
pub(crate) struct EngineLine {
    engine: String,
    socket: PathBuf,
    serving: Option<JoinHandle<()>>,
}

impl EngineLine {
    /// A line that works, with its socket in the home's folder.
    pub(crate) fn new(engine: &TestEngine, home: &Home) -> Self {
        let engine = engine.host().strip_prefix("unix://").expect("the tests' engine is on this machine").to_owned();
        let mut line = Self { engine, socket: home.path().join("engine.sock"), serving: None };
        line.mend();
        line
    }

    /// Its address, as in `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Nobody listens any more, and what is under way breaks off.
    pub(crate) fn cut(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
        std::fs::remove_file(&self.socket).expect("the socket was there");
    }

    /// It works again.
    pub(crate) fn mend(&mut self) {
        let listener = UnixListener::bind(&self.socket).expect("a socket should be made");
        let engine = self.engine.clone();
        self.serving = Some(tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((mut caller, _)) = listener.accept().await {
                let engine = engine.clone();
                calls.spawn(async move {
                    let mut engine = UnixStream::connect(engine).await?;
                    tokio::io::copy_bidirectional(&mut caller, &mut engine).await
                });
            }
        }));
    }
}

impl Drop for EngineLine {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}
