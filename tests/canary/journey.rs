//! Everything that the program does, once with each kind of vault, and then the search.

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt as _, time::Duration};

use bed::{Canary, Home, Keychain, Output, Provider, Run, TestEngine, Tokenferry, Vault, Volume, Witness};
use bollard::{
    errors::Error,
    query_parameters::{ListImagesOptionsBuilder, LogsOptionsBuilder},
};
use futures_util::TryStreamExt as _;
use practice::{Endpoint, Fault, Trouble};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::processes::Processes;

/// Of the secrets of a journey there are at least so many: a search for few would prove little.
const SECRETS: usize = 40;
/// How often the image is looked for, with a delivery before each time.
const ATTEMPTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_shows_with_an_encrypted_file() {
    nothing_shows(Vault::File).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_shows_with_a_keychain() {
    let keychain = Keychain::unlocked();
    nothing_shows(Vault::Keychain(keychain.address())).await;
}

async fn nothing_shows(vault: Vault) {
    let engine = TestEngine::get();
    let witness = Witness::start(&engine).await;
    let provider = Provider::start();
    let home = Home::new().provider(&provider).engine(&engine).vault(vault).talkative();
    let processes = Processes::of(home.path());
    let journey = Journey { provider, home, volume: engine.volume().await, engine };

    let mut logged = String::new();
    journey.signs_in(&mut logged).await;
    journey.delivers_and_renews(&mut logged).await;
    journey.takes_over(&mut logged).await;
    journey.fails(&mut logged).await;
    let mut images = Canary::new(journey.provider.secrets());
    journey.keeps_its_image(&mut logged, &mut images).await;
    images.assert_unseen();
    journey.signs_out(&mut logged).await;

    let Journey { provider, home, .. } = &journey;
    let secrets = provider.secrets();
    assert!(secrets.len() >= SECRETS, "there were only {} secrets", secrets.len());
    let mut canary = Canary::new(secrets.clone());
    home.search(&mut canary);
    assert!(processes.count("tokenferry") > 10 && processes.count("practice-browser") > 0, "no process was seen");
    assert!(processes.count("courier") > 0, "no courier was seen");
    canary.look("arguments and environments", &processes.told());
    let told = witness.told().await;
    assert!(String::from_utf8_lossy(&told).contains("tokenferry.courier"), "no courier was seen by the engine");
    canary.look("what the engine told", &told);
    println!("{} secrets, {} bytes looked through", secrets.len(), canary.bytes());
    canary.assert_unseen();
    only_we_are_talkative(&logged);
}

struct Journey {
    provider: Provider,
    home: Home,
    engine: TestEngine,
    volume: Volume,
}

impl Journey {
    /// Runs `tokenferry`, and keeps what it logged.
    async fn run(&self, logged: &mut String, arguments: &[&str]) -> Output {
        self.ends(logged, self.home.tokenferry(arguments)).await
    }

    async fn ends(&self, logged: &mut String, command: Tokenferry) -> Output {
        let output = command.run().await;
        logged.push_str(&output.stderr);
        output
    }

    /// Begins a sign-in by pasting, and gives what the page shows.
    async fn code(&self, logged: &mut String, account: &str) -> String {
        let begun = self.run(logged, &["login", "--paste", "--json", "--account", account]).await.succeeds().json();
        self.provider.code_to_paste(begun["authorization_url"].as_str().unwrap()).await
    }

    async fn signs_in(&self, logged: &mut String) {
        self.run(logged, &["login"]).await.succeeds();
        // By another process, and at the prompt of the same.
        let code = self.code(logged, "work").await;
        self.ends(logged, self.home.tokenferry(["callback"]).input(code)).await.succeeds();
        let mut prompt =
            self.home.tokenferry(["login", "--paste", "--json", "--account", "prompt"]).input_stays_open().spawn();
        let begun = prompt.gives("}").await;
        let address: Value = serde_json::from_str(&begun).unwrap();
        let code = self.provider.code_to_paste(address["authorization_url"].as_str().unwrap()).await;
        prompt.types(&format!("{code}\n")).await;
        logged.push_str(&prompt.finish().await.succeeds().stderr);
        for arguments in [&["status"][..], &["status", "--json"], &["activity"], &["activity", "--json"]] {
            self.run(logged, arguments).await.succeeds();
        }
    }

    async fn delivers_and_renews(&self, logged: &mut String) {
        let volume = self.volume.name();
        let add = ["destination", "add", "web", "--volume", volume, "--account", "default", "--ready-to-use"];
        self.run(logged, &add).await.succeeds();
        self.run(logged, &["sync"]).await.succeeds();
        self.run(logged, &["refresh", "--account", "default"]).await.succeeds();
        self.run(logged, &["refresh", "--account", "work", "--json"]).await.succeeds();
        for arguments in [&["token", "--account", "work"][..], &["token", "--account", "work", "--json"]] {
            self.ends(logged, self.home.tokenferry(arguments).prints_a_secret()).await.succeeds();
        }
        self.run(logged, &["sync", "--json"]).await.succeeds();

        // The standing work, which renews, fails for a moment, renews and delivers.
        self.provider.set(|options| options.access_token_lifetime = Duration::from_secs(3));
        self.run(logged, &["refresh", "--account", "default"]).await.succeeds();
        self.provider.fault(Fault::at(Endpoint::Refresh, Trouble::Garbage).times(1));
        let mut run = self.home.tokenferry(["run"]).spawn();
        run.says("failed, and is tried again").await;
        run.says("Renewed default").await;
        run.says("Delivered default to web").await;
        self.provider.set(|options| options.access_token_lifetime = Duration::from_secs(3600));
        run.signal(Signal::TERM);
        logged.push_str(&run.finish().await.succeeds().stderr);
        self.run(logged, &["destination", "list", "--json"]).await.succeeds();
    }

    /// Takes a sign-in of the official CLI over.
    async fn takes_over(&self, logged: &mut String) {
        let tokens = self.tokens_of_another().await;
        let folder = self.home.path().join("user/.claude");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(".credentials.json");
        let content = json!({"claudeAiOauth": {
            "accessToken": tokens["access_token"],
            "refreshToken": tokens["refresh_token"],
            "expiresAt": 4_000_000_000_000_u64,
            "scopes": ["user:profile", "user:inference"],
        }});
        fs::write(&file, content.to_string()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        // Nobody is there to be asked.
        self.run(logged, &["import", "--account", "cli"]).await.ends_with(1);
        self.run(logged, &["import", "--account", "cli", "--yes", "--move"]).await.succeeds();
        assert!(!file.exists(), "the official CLI's copy should have gone");
    }

    /// Signs in without any program of ours, as the official CLI does.
    async fn tokens_of_another(&self) -> Value {
        let base = self.provider.url();
        let redirect = format!("{base}/oauth/code/callback");
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let parameters = [
            ("code", "true"),
            ("client_id", practice::CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", &redirect),
            ("scope", "user:profile user:inference"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("state", "a-state-of-this-test-alone"),
        ];
        let address = url::Url::parse_with_params(&format!("{base}/oauth/authorize"), parameters).unwrap();
        let code = self.provider.code_to_paste(address.as_str()).await;
        let (code, state) = code.split_once('#').unwrap();
        let body = json!({
            "grant_type": "authorization_code", "code": code, "state": state, "redirect_uri": redirect,
            "client_id": practice::CLIENT_ID, "code_verifier": verifier,
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(format!("{base}/v1/oauth/token")).json(&body).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// Errors of all kinds.
    async fn fails(&self, logged: &mut String) {
        let spoil = |endpoint, trouble| self.provider.fault(Fault::at(endpoint, trouble).times(1));
        let field = |name: &str, value: Value| Trouble::With { field: name.to_owned(), value };
        for trouble in [
            Trouble::status(503),
            Trouble::HtmlPage { status: 200 },
            Trouble::Garbage,
            Trouble::CutBody,
            Trouble::NoAnswer,
            Trouble::Oversized { bytes: 1 << 20 },
            field("access_token", json!(["a list"])),
        ] {
            spoil(Endpoint::Refresh, trouble.clone());
            self.run(logged, &["refresh", "--account", "work"]).await.ends_with(1);
            spoil(Endpoint::Exchange, trouble);
            self.run(logged, &["login", "--account", "never", "--json"]).await.ends_with(1);
        }
        // The secrets of the answer, in fields where nobody expects them, and in the words of an error.
        for name in ["token_type", "scope", "account", "error"] {
            spoil(Endpoint::Refresh, field(name, json!("sk-ant-oat01-practice-planted-where-none-is-expected")));
            let _ = self.run(logged, &["refresh", "--account", "prompt"]).await;
        }
        spoil(Endpoint::Profile, Trouble::Garbage);
        let code = self.code(logged, "work").await;
        let cut = code.replace('#', "");
        self.ends(logged, self.home.tokenferry(["callback"]).input(cut)).await.ends_with(1);
        let elsewhere = format!("{code}-of-another");
        self.ends(logged, self.home.tokenferry(["callback", "--json"]).input(elsewhere)).await.ends_with(1);
        self.ends(logged, self.home.tokenferry(["callback"]).input(code.clone())).await.succeeds();
        self.ends(logged, self.home.tokenferry(["callback"]).input(code)).await.ends_with(1);
        self.provider.set(|options| options.deny = true);
        self.run(logged, &["login", "--account", "never"]).await.ends_with(1);
        self.provider.set(|options| options.deny = false);
        // Somebody else, whom nobody agrees to.
        self.provider.set(|options| options.person = options.people[1].email.clone());
        self.run(logged, &["login", "--account", "work"]).await.ends_with(1);

        self.provider.fault(Fault::at(Endpoint::Refresh, Trouble::NoAnswer).times(1).after_work());
        self.run(logged, &["refresh", "--account", "prompt"]).await.ends_with(1);
        self.run(logged, &["refresh", "--account", "prompt"]).await.ends_with(4);

        let away = self.home.tokenferry(["sync"]).set("DOCKER_HOST", "unix:///nowhere/docker.sock");
        self.ends(logged, away).await;
        let missing = self.engine.missing_volume();
        self.run(logged, &["destination", "add", "gone", "--volume", missing.name(), "--account", "default"])
            .await
            .succeeds();
        self.run(logged, &["sync"]).await.ends_with(3);
        let strange = self.engine.volume().await;
        strange.write(".credentials.json", b"{\"no JSON", (1000, 1000, 0o600)).await;
        let add = ["destination", "add", "strange", "--volume", strange.name(), "--account", "default"];
        self.run(logged, &add).await.succeeds();
        self.run(logged, &["sync", "--json"]).await.ends_with(3);
        // A container in which the file is read, as a person's would.
        let reader = self.engine.run(Run::app(["sleep"]).mount_read_only(&self.volume, "/home/dev/.claude")).await;
        self.run(logged, &["sync", "web"]).await.succeeds();
        drop(reader);
        self.run(logged, &["destination", "remove", "strange"]).await;
        self.run(logged, &["token"]).await.ends_with(1);
    }

    /// Looks at the courier's image. Another home that leaves the engine takes it away; a delivery brings it back.
    async fn keeps_its_image(&self, logged: &mut String, canary: &mut Canary) {
        for _ in 0..ATTEMPTS {
            self.run(logged, &["sync"]).await;
            if look_at_images(&self.engine, canary).await.is_some() {
                return;
            }
        }
        panic!("there is no image to look at");
    }

    async fn signs_out(&self, logged: &mut String) {
        self.provider.fault(Fault::at(Endpoint::Revoke, Trouble::status(503)).times(1));
        self.run(logged, &["logout", "--account", "default"]).await.ends_with(3);
        self.run(logged, &["logout", "--account", "default", "--json"]).await;
        for account in ["work", "cli"] {
            self.run(logged, &["logout", "--account", account]).await.succeeds();
        }
        assert_eq!(self.volume.find(".credentials.json").await, None, "a copy is left");
    }
}

/// The courier's images, and the logs of whatever containers there are. None where there is no image.
async fn look_at_images(engine: &TestEngine, canary: &mut Canary) -> Option<()> {
    let label = HashMap::from([("label".to_owned(), vec!["tokenferry.courier".to_owned()])]);
    let options = ListImagesOptionsBuilder::default().all(true).filters(&label).build();
    let images = engine.docker().list_images(Some(options)).await.unwrap();
    let first = images.first()?;
    look_at_image(engine, &first.id, canary).await.ok()?;
    for container in engine.containers().await {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let logs = engine.docker().logs(&container.id.unwrap_or_default(), Some(options));
        let logs: Result<Vec<_>, Error> = logs.map_ok(|part| part.into_bytes()).try_collect().await;
        canary.look("container's log", &logs.unwrap_or_default().concat());
    }
    Some(())
}

/// What an image is made of, how it was made, and all that is in it.
///
/// # Errors
/// Where it goes meanwhile.
pub(crate) async fn look_at_image(engine: &TestEngine, image: &str, canary: &mut Canary) -> Result<(), Error> {
    let docker = engine.docker();
    let inspected = serde_json::to_vec(&docker.inspect_image(image).await?).unwrap();
    let history = serde_json::to_vec(&docker.image_history(image).await?).unwrap();
    let saved: Vec<u8> = docker.export_image(image).map_ok(Vec::from).try_concat().await?;
    canary.look("image", &inspected).look("docker history", &history).look("docker save", &saved);
    Ok(())
}

/// Expects lines below `info` of our own code alone: libraries log whole bodies there.
fn only_we_are_talkative(logged: &str) {
    let plain = without_colours(logged);
    let of_level = |level: &str| -> Vec<String> {
        let of_line = |line: &str| Some(line.split_once(level)?.1.split_once(": ")?.0.trim().to_owned());
        plain.lines().filter_map(of_line).collect()
    };
    let quiet: Vec<String> = [" DEBUG ", " TRACE "].iter().flat_map(|level| of_level(level)).collect();
    let ours = |target: &&String| ["engine", "tokenferry"].iter().any(|root| target.split("::").next() == Some(root));
    let strangers: Vec<_> = quiet.iter().filter(|target| !ours(target)).collect();
    assert!(strangers.is_empty(), "somebody else logs below info: {strangers:?}");
    println!("{} lines below info, {} bytes logged", quiet.len(), plain.len());
    assert!(plain.contains(" WARN ") || !quiet.is_empty(), "nothing was logged, so nothing was tried:\n{plain}");
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[test]
#[should_panic(expected = "somebody else logs below info")]
fn a_talkative_library_is_noticed() {
    only_we_are_talkative(
        "\u{1b}[2m2026-11-21T10:00:00Z\u{1b}[0m \u{1b}[34mDEBUG\u{1b}[0m \u{1b}[2mbollard::docker\u{1b}[0m: body\n",
    );
}

#[test]
#[should_panic(expected = "nothing was logged")]
fn silence_proves_nothing() {
    only_we_are_talkative("Signed in as Ada.\n");
}
